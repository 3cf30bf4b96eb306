// Schedules: what atalanta.Dividends holds.
#include "bind/module.hpp"
#include "bind/schedules.hpp"

namespace atalanta::bind {
namespace {

Schedules schedules_of(const py::object& schedules) {
    constexpr const char* origin = "pricing.Dividends";
    const py::object sequence = as_sequence(schedules.ptr());
    if (!sequence) {
        raise_input_error(origin,
                          "schedules is " + repr_of(schedules.ptr()) +
                              "; it must be a sequence of schedules, each a sequence of (years, cash) "
                              "pairs");
    }
    Schedules packed;
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(sequence.ptr());
    for (Py_ssize_t i = 0; i < count; ++i) {
        packed.add(PySequence_Fast_GET_ITEM(sequence.ptr(), i), origin, "schedule " + std::to_string(i));
    }
    return packed;
}

}  // namespace

void bind_dividends(py::module_& module) {
    py::class_<Schedules>(module, "Schedules", "Schedules of cash dividends, checked once.")
        .def(py::init(&schedules_of), py::arg("schedules"))
        .def_property_readonly("longest", &Schedules::longest)
        .def("pairs", &Schedules::pairs)
        .def("after", &Schedules::after, py::arg("years"))
        .def("__len__", &Schedules::count)
        .def("__reduce_ex__", &refuse_pickling);  // object's own would end the process
}

}  // namespace atalanta::bind
