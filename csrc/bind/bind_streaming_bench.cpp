// Measures the streaming engine from native code, without Python in between.
#include <pybind11/numpy.h>

#include "bind/arguments.hpp"
#include "bind/streaming/engine_core.hpp"
#include "streaming/measures.hpp"

namespace atalanta::bind {
namespace {

using streaming::Event;

std::vector<Event> copied(const py::array& events) {
    if (!py::isinstance<py::array_t<Event, py::array::c_style>>(events) || events.size() == 0) {
        throw py::value_error("events of the dtype EVENT are needed");
    }
    const auto* data = static_cast<const Event*>(events.data());
    return std::vector<Event>(data, data + events.size());
}

double record_ns(const py::array_t<std::uint64_t>& values, std::size_t rounds) {
    const py::gil_scoped_release released;
    return streaming::histogram_record_ns({values.data(), static_cast<std::size_t>(values.size())}, rounds);
}

double saturated(EngineCore& engine, ProducerCore& producer, const py::array& events, std::size_t rounds,
                 std::size_t at_a_time) {
    std::vector<Event> own = copied(events);
    const py::gil_scoped_release released;
    return streaming::saturated_ns(engine.native(), producer.native(), own, rounds, at_a_time);
}

double market_stage(EngineCore& engine, const py::array& events, std::size_t rounds) {
    std::vector<Event> own = copied(events);
    const py::gil_scoped_release released;
    return streaming::market_stage_ns(engine.native().universe(), engine.native().settings(), own, rounds);
}

py::dict open_loop(ProducerCore& producer, const py::array& events, double rate, double seconds) {
    std::vector<Event> own = copied(events);
    streaming::OpenLoop loop;
    {
        const py::gil_scoped_release released;
        loop = streaming::send_at_rate(producer.native(), own, rate, seconds);
    }
    py::dict all;
    all["floor"] = histogram_dict(loop.floor);
    all["sent"] = loop.sent;
    all["taken"] = loop.taken;
    all["seconds"] = loop.seconds;
    return all;
}

}  // namespace

void bind_streaming_bench(py::module_& module) {
    module.def("stream_record_ns", &record_ns, py::arg("values"), py::arg("rounds"),
               "Nanoseconds of one record of a latency histogram.");
    module.def("stream_saturated_ns", &saturated, py::arg("engine"), py::arg("producer"), py::arg("events"),
               py::arg("rounds"), py::arg("at_a_time"), "Nanoseconds an event, on this thread.");
    module.def("stream_market_stage_ns", &market_stage, py::arg("engine"), py::arg("events"),
               py::arg("rounds"), "Nanoseconds an event of the market-data stage's functions alone.");
    module.def("stream_open_loop", &open_loop, py::arg("producer"), py::arg("events"), py::arg("rate"),
               py::arg("seconds"), "Send events at a fixed rate, and say how late this thread was.");
}

}  // namespace atalanta::bind
