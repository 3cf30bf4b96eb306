// The streaming engine: events in as structured arrays, results out as structured arrays.
#include <pybind11/stl.h>

#include <optional>
#include <stdexcept>

#include "base/monotonic.hpp"
#include "bind/arguments.hpp"
#include "bind/streaming/engine_core.hpp"

namespace atalanta::bind {
namespace {

using streaming::Event;
using streaming::Result;

// At its first use: NumPy is not imported for those who stream nothing.
py::tuple records() {
    static const bool registered = [] {
        PYBIND11_NUMPY_DTYPE(Event, intended_ns, time_ns, key, sequence, bid, ask, bid_size, ask_size, kind,
                             sides, source, ticket, tag);
        PYBIND11_NUMPY_DTYPE(Result, intended_ns, time_ns, latency_ns, lateness_ns, key, sequence, flags,
                             merged, ticket, kind, sides, source, tag, bid, ask, spot, vol, price, delta,
                             gamma, vega, theta);
        return true;
    }();
    (void)registered;
    return py::make_tuple(py::dtype::of<Event>(), py::dtype::of<Result>());
}

std::shared_ptr<EngineCore> make_engine(const py::dict& universe, const py::dict& settings, double tolerance,
                                        const py::list& risk_stages,
                                        const std::optional<py::dict>& scenarios) {
    records();
    try {
        streaming::Universe all = universe_of(universe);
        std::unique_ptr<streaming::ScenarioLadder> ladder;
        if (scenarios)
            ladder = std::make_unique<streaming::ScenarioLadder>(scenario_terms_of(*scenarios),
                                                                 all.underlyings.size());
        return std::make_shared<EngineCore>(std::move(all), settings_of(settings), tolerance, risk_stages,
                                            std::move(ladder));
    } catch (const std::invalid_argument& error) {
        raise_input_error("streaming.Stream", error.what());
    }
}

void bind_producer(py::module_& module) {
    py::class_<ProducerCore, std::shared_ptr<ProducerCore>>(module, "ProducerCore", "A way in.")
        .def("push_many", &ProducerCore::push_many, py::arg("events"))
        .def("push_paced", &ProducerCore::push_paced, py::arg("events"))
        .def("stop_pacing", &ProducerCore::stop_pacing)
        .def("push", &ProducerCore::push, py::arg("key"), py::arg("bid"), py::arg("ask"), py::arg("time_ns"),
             py::arg("sequence") = 0, py::arg("kind") = 0, py::arg("sides") = 3, py::arg("source") = 0,
             py::arg("bid_size") = 0.0F, py::arg("ask_size") = 0.0F, py::arg("intended_ns") = 0,
             py::arg("ticket") = 0, py::arg("tag") = 0)
        .def_property_readonly("waiting", &ProducerCore::waiting)
        .def_property_readonly("capacity", &ProducerCore::capacity)
        .def_property_readonly("refused", &ProducerCore::refused);
}

void bind_outlet(py::module_& module) {
    py::class_<OutletCore, std::shared_ptr<OutletCore>>(module, "OutletCore", "A way out.")
        .def("take", &OutletCore::take, py::arg("most"))
        .def("wait_for_more", &OutletCore::wait_for_more)
        .def("clear_wake", &OutletCore::clear_wake)
        .def("close", &OutletCore::close)
        .def("fileno", &OutletCore::file)
        .def_property_readonly("closed", &OutletCore::closed)
        .def_property_readonly("waiting", &OutletCore::waiting)
        .def_property_readonly("offered", &OutletCore::offered)
        .def_property_readonly("missed", &OutletCore::missed)
        .def_property_readonly("taken", &OutletCore::taken);
}

}  // namespace

void bind_streaming(py::module_& module) {
    module.def("stream_records", &records, "The dtypes of events and results.");
    bind_producer(module);
    bind_outlet(module);
    py::class_<EngineCore, std::shared_ptr<EngineCore>>(module, "EngineCore", "Native part of a stream.")
        .def(py::init(&make_engine), py::arg("universe"), py::arg("settings"), py::arg("tolerance"),
             py::arg("risk_stages"), py::arg("scenarios"))
        .def("producer", &EngineCore::producer)
        .def("outlet", &EngineCore::outlet, py::arg("capacity"), py::arg("wanted"))
        .def("pump", &EngineCore::pump)
        .def("start", &EngineCore::start, py::arg("executor"), py::arg("processor"))
        .def("stop", &EngineCore::stop, py::arg("drain"))
        .def_property_readonly("running", [](EngineCore& self) { return self.native().is_running(); })
        .def("refresh", &EngineCore::refresh)
        .def("set_positions", &EngineCore::set_positions, py::arg("quantities"))
        .def("restart_source", &EngineCore::restart_source, py::arg("source"))
        .def("clear_histograms", &EngineCore::clear_histograms)
        .def("account", &EngineCore::account)
        .def("book", &EngineCore::book)
        .def("books", &EngineCore::books)
        .def("scenarios", &EngineCore::scenarios)
        .def("histograms", &EngineCore::histograms)
        .def("contracts", &EngineCore::contracts)
        .def("forwards", &EngineCore::forwards)
        .def("underlyings", &EngineCore::underlyings)
        .def("gaps", &EngineCore::gaps);
    module.def("monotonic_ns", &monotonic_ns, "The clock of intended times, in nanoseconds.");
    module.def(
        "histogram_edges",
        [] {
            py::array_t<std::uint64_t> edges(static_cast<py::ssize_t>(kHistogramBuckets));
            for (std::size_t i = 0; i < kHistogramBuckets; ++i) edges.mutable_data()[i] = histogram_edge(i);
            return edges;
        },
        "The least value of each bucket of a latency histogram.");
}

}  // namespace atalanta::bind
