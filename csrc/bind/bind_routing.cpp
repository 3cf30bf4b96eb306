// The router: set up and read through pybind11, asked through vectorcall.
#include <pybind11/stl.h>

#include <chrono>

#include "bind/module.hpp"
#include "bind/reliability/breaker_type.hpp"
#include "bind/routed_call.hpp"
#include "bind/router_core.hpp"
#include "bind/vectorcall.hpp"
#include "routing/calibration_record.hpp"

namespace atalanta::bind {
namespace {

using routing::Choice;
using routing::Memory;
using routing::TargetMask;

constexpr const char* kOrigin = "compute.router.decide";

std::uint64_t read_work(PyObject* value) {
    const bool whole = PyLong_Check(value) && !PyBool_Check(value);
    const unsigned long long work = whole ? PyLong_AsUnsignedLongLong(value) : 0;
    const bool failed = PyErr_Occurred() != nullptr;
    if (failed) PyErr_Clear();
    if (whole && !failed) return work;
    if (!whole && PyIndex_Check(value) && !PyBool_Check(value)) {
        const py::object index = py::reinterpret_steal<py::object>(PyNumber_Index(value));
        if (index) return read_work(index.ptr());
        throw py::error_already_set();
    }
    raise_input_error(kOrigin,
                      "work is " + repr_of(value) + "; it must be a whole number of elements from 0 up");
}

double read_positive(PyObject* value, const char* name) {
    double number = 0.0;
    if (read_number(value, number) && number > 0.0) return number;
    raise_input_error(kOrigin,
                      std::string(name) + " is " + repr_of(value) + "; it must be a number above 0, or None");
}

double read_tolerance(PyObject* value, double usual) {
    return value == nullptr || value == Py_None ? usual : read_positive(value, "tolerance");
}

Memory read_residency(PyObject* value) {
    if (value == nullptr || value == Py_None) return Memory::host;
    if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "host") == 0) return Memory::host;
    if (PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "device") == 0)
        return Memory::device;
    raise_input_error(kOrigin, "residency is " + repr_of(value) + "; it must be 'host', 'device' or None");
}

constexpr const char* kDecideNames[] = {"operation", "work", "tolerance", "deadline", "residency", "device"};
enum DecideArgument : std::size_t { kOperation, kWork, kWithin, kDeadline, kResidency, kDevice };

py::object decide(const RouterCore& core, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kDecideNames);
    const Signature signature{kOrigin, names, kWithin};
    std::array<PyObject*, std::size(kDecideNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    const std::size_t operation = core.operation_of(arguments[kOperation], kOrigin);
    const std::uint64_t work = read_work(arguments[kWork]);
    const double tolerance = read_tolerance(arguments[kWithin], core.default_tolerance(operation));
    const Memory where = read_residency(arguments[kResidency]);
    const TargetMask among = core.device_of(arguments[kDevice], kOrigin);
    const bool hurried = arguments[kDeadline] != nullptr && arguments[kDeadline] != Py_None;
    const Choice choice =
        hurried ? core.router().decide_by(operation, work, tolerance,
                                          1e9 * read_positive(arguments[kDeadline], "deadline"), where, among)
                : core.router().decide(operation, work, tolerance, where, among);
    if (choice.target == routing::kNowhere) core.raise_nowhere(operation, tolerance, among, kOrigin);
    return core.decision(operation, work, choice, where);
}

PyObject* decide_method(PyObject* self, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    try {
        return decide(py::cast<const RouterCore&>(py::handle(self)), given, positional, keywords)
            .release()
            .ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    }
    return nullptr;
}

constexpr const char* kDecideDoc =
    R"(decide($self, operation, work, *, tolerance=None, deadline=None, residency=None, device=None)
--

Where an operation of this size runs soonest at this accuracy. Runs nothing.

Args:
    operation: a name of `Router.operations`, or of a class: 'matrix', 'vector', 'transcendental', 'pricing',
        'search', 'inference'.
    work: elements; of a product (m, k) @ (k, n) the (m k n) ** (2 / 3) elements of a square one of equal
        effort; of a search the vectors compared, each counted as d / 128.
    tolerance: largest error, in the operation's measure (`OPERATIONS[name].measure`); None for that of the CPU.
    deadline: seconds; then the quickest target that keeps it in 99 of 100 calls, or the likeliest to.
    residency: 'host' (NumPy's memory, the default) or 'device', where the operands lie.
    device: 'auto', or the name of the device or target that it must be.

Returns:
    A `Decision`: target, seconds (predicted; NaN where nothing was measured), reason.

Raises:
    InputError: an unknown operation, device or residency; work, tolerance or deadline that is none; or no
        device meets the tolerance: the message lists what each guarantees.
)";

void add_decide(py::class_<RouterCore>& type) {
    static PyMethodDef definition = {"decide",
                                     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&decide_method)),
                                     METH_FASTCALL | METH_KEYWORDS, kDecideDoc};
    PyObject* method = PyDescr_NewMethod(reinterpret_cast<PyTypeObject*>(type.ptr()), &definition);
    if (method == nullptr) throw py::error_already_set();
    type.attr("decide") = py::reinterpret_steal<py::object>(method);
}

// What a caller that runs the operation itself needs: (target, reason, whether to time it).
py::object choose(RouterCore& core, std::size_t operation, std::uint64_t work, double tolerance,
                  TargetMask among, std::optional<double> deadline_ns, bool on_device, std::uint64_t now_ns,
                  const char* origin) {
    const Memory where = on_device ? Memory::device : Memory::host;
    routing::Router& router = core.router();
    Choice choice = deadline_ns ? router.decide_by(operation, work, tolerance, *deadline_ns, where, among)
                                : router.decide(operation, work, tolerance, where, among);
    if (choice.target == routing::kNowhere)
        choice = router.try_quarantined(operation, tolerance, now_ns, among);
    if (choice.target == routing::kNowhere) core.raise_left_alone(operation, tolerance, among, origin);
    if (choice.target == routing::kNowhere) core.raise_nowhere(operation, tolerance, among, origin);
    const bool timed = router.sampled(operation, choice.sampling);
    if (timed && !deadline_ns && choice.reason != routing::Reason::probe)
        choice = router.consider(operation, work, tolerance, choice, now_ns, where, among);
    return py::make_tuple(choice.target, routing::kReasonNames[static_cast<std::size_t>(choice.reason)],
                          timed);
}

py::dict prediction(const RouterCore& core, std::size_t operation, std::size_t target, std::uint64_t work,
                    bool on_device) {
    const routing::Prediction known =
        core.router().predict(operation, target, work, on_device ? Memory::device : Memory::host);
    py::dict facts;
    facts["ns"] = known.ns;
    facts["spread"] = known.spread;
    facts["calibrated_ns"] = known.calibrated_ns;
    facts["drift"] = known.drift;
    facts["error"] = known.error;
    facts["usable"] = known.usable;
    facts["samples"] = known.samples;
    return facts;
}

std::vector<routing::CostPoint> points_of(const std::vector<std::pair<std::uint64_t, double>>& pairs) {
    std::vector<routing::CostPoint> points;
    for (const auto& [work, ns] : pairs) points.push_back({work, ns});
    return points;
}

// Nanoseconds of one native decision, over sizes from 2 to 2^24 in no order.
double time_decisions(const RouterCore& core, std::size_t operation, std::uint64_t rounds) {
    std::array<std::uint64_t, 1024> sizes;
    for (std::uint64_t i = 0, mixed = 1; i < sizes.size(); ++i) {
        mixed = mixed * 6364136223846793005u + 1442695040888963407u;
        sizes[i] = mixed >> (40 + (mixed >> 33) % 23);
    }
    const double tolerance = core.default_tolerance(operation);
    std::size_t sum = 0;
    const auto start = std::chrono::steady_clock::now();
    for (std::uint64_t round = 0; round < rounds; ++round) {
        for (const std::uint64_t size : sizes) sum += core.router().decide(operation, size, tolerance).target;
    }
    const std::chrono::duration<double, std::nano> passed = std::chrono::steady_clock::now() - start;
    const double decisions = static_cast<double>(rounds) * static_cast<double>(sizes.size());
    return sum == 1 ? 0.0 : passed.count() / decisions;  // the sum must not be optimised away
}

using Curves =
    std::vector<std::tuple<std::string, std::string, std::vector<std::pair<std::uint64_t, double>>>>;

std::string encode_calibration(const std::string& fingerprint, const Curves& curves) {
    routing::CalibrationRecord record{fingerprint, {}};
    for (const auto& [operation, target, points] : curves)
        record.curves.push_back({operation, target, points_of(points)});
    return routing::encode(record);
}

std::pair<std::string, Curves> decode_calibration(const std::string& text) {
    const routing::CalibrationRecord record = routing::decode(text);
    Curves curves;
    for (const routing::CalibrationCurve& curve : record.curves) {
        std::vector<std::pair<std::uint64_t, double>> points;
        for (const routing::CostPoint& point : curve.points) points.emplace_back(point.work, point.ns);
        curves.emplace_back(curve.operation, curve.target, points);
    }
    return {record.fingerprint, curves};
}

void bind_core(py::module_& module) {
    py::class_<RouterCore> type(module, "RouterCore");
    type.def(py::init<py::type, std::uint64_t>(), py::arg("decision_type"), py::arg("seed"))
        .def("__reduce_ex__", &refuse_pickling)  // object's own would end the process
        .def("add_target", &RouterCore::add_target, py::arg("name"), py::arg("tier"), py::arg("on_device"),
             py::arg("transfer_ns_per_byte"))
        .def("add_operation", &RouterCore::add_operation, py::arg("name"), py::arg("kind"),
             py::arg("bytes_per_element"))
        .def("add_alias", &RouterCore::add_alias, py::arg("name"), py::arg("operation"))
        .def("name_device", &RouterCore::name_device, py::arg("name"), py::arg("targets"))
        .def("set_default_tolerance", &RouterCore::set_default_tolerance, py::arg("operation"),
             py::arg("error"))
        .def(
            "device_mask",
            [](const RouterCore& core, const py::object& name, const char* origin) {
                return core.device_of(name.ptr(), origin);
            },
            py::arg("name"), py::arg("origin"))
        .def(
            "operation_index",
            [](const RouterCore& core, const py::object& name, const char* origin) {
                return core.operation_of(name.ptr(), origin);
            },
            py::arg("name"), py::arg("origin"))
        .def("choose", &choose, py::arg("operation"), py::arg("work"), py::arg("tolerance"), py::arg("among"),
             py::arg("deadline_ns"), py::arg("on_device"), py::arg("now_ns"), py::arg("origin"))
        .def("prediction", &prediction, py::arg("operation"), py::arg("target"), py::arg("work"),
             py::arg("on_device") = false)
        .def("time_decisions", &time_decisions, py::arg("operation"), py::arg("rounds"));
    const auto forward = [&](const char* name, auto member, auto... arguments) {
        type.def(name, member, arguments...);
    };
    forward(
        "allow",
        [](RouterCore& core, std::size_t operation, std::size_t target, double error) {
            core.router().allow(operation, target, error);
        },
        py::arg("operation"), py::arg("target"), py::arg("error"));
    forward(
        "calibrate",
        [](RouterCore& core, std::size_t operation, std::size_t target,
           const std::vector<std::pair<std::uint64_t, double>>& points) {
            core.router().calibrate(operation, target, points_of(points));
        },
        py::arg("operation"), py::arg("target"), py::arg("points"));
    forward(
        "join",
        [](RouterCore& core, std::size_t operation, std::size_t target, double work) {
            core.router().join(operation, target, work);
        },
        py::arg("operation"), py::arg("target"), py::arg("work"));
    forward(
        "pin",
        [](RouterCore& core, std::size_t operation, std::optional<std::size_t> target) {
            core.router().pin(operation, target.value_or(routing::kNowhere));
        },
        py::arg("operation"), py::arg("target"));
    forward(
        "set_threshold",
        [](RouterCore& core, std::size_t operation, std::uint64_t work) {
            core.router().set_threshold(operation, work);
        },
        py::arg("operation"), py::arg("work"));
    forward(
        "set_deterministic", [](RouterCore& core, bool on) { core.router().set_deterministic(on); },
        py::arg("on"));
    forward(
        "observe",
        [](RouterCore& core, std::size_t operation, std::size_t target, std::uint64_t work, double ns,
           bool probe, bool on_device, std::uint64_t permit) {
            return core.router().observe(operation, target, work, ns, probe,
                                         on_device ? Memory::device : Memory::host, permit);
        },
        py::arg("operation"), py::arg("target"), py::arg("work"), py::arg("ns"), py::arg("probe") = false,
        py::arg("on_device") = false, py::arg("permit") = routing::kPresent);
    forward(
        "fail",
        [](RouterCore& core, std::size_t target, std::uint64_t now_ns, std::uint64_t permit) {
            return core.router().fail(target, now_ns, permit);
        },
        py::arg("target"), py::arg("now_ns"), py::arg("permit") = routing::kPresent);
    forward(
        "permit", [](const RouterCore& core, std::size_t target) { return core.router().permit(target); },
        py::arg("target"));
    forward(
        "breaker",
        [](const RouterCore& core, std::size_t target) {
            return py::reinterpret_steal<py::object>(new_breaker(core.router().breaker(target)));
        },
        py::arg("target"));
    forward("refresh_health", [](RouterCore& core) { core.router().refresh_health(); });
    type.def_property_readonly("exploration_ns",
                               [](const RouterCore& core) { return core.router().exploration_ns(); });
    forward(
        "failures", [](const RouterCore& core, std::size_t target) { return core.router().failures(target); },
        py::arg("target"));
    add_decide(type);
}

}  // namespace

void bind_routing(py::module_& module) {
    bind_core(module);
    module.def("encode_calibration", &encode_calibration, py::arg("fingerprint"), py::arg("curves"));
    module.def("decode_calibration", &decode_calibration, py::arg("text"));
    module.def("install_router", &install_router, py::arg("core"), py::arg("one_thread"), py::arg("pool"),
               py::arg("run_elsewhere"));
    py::dict thresholds;
    for (std::size_t i = 0; i < routing::kClassNames.size(); ++i)
        thresholds[py::str(std::string(routing::kClassNames[i]))] = routing::kPriorThresholds[i];
    module.attr("PRIOR_THRESHOLDS") = thresholds;
}

}  // namespace atalanta::bind
