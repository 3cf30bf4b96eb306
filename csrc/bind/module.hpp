// Each room adds its names to the extension module.
#pragma once

#include <pybind11/pybind11.h>

namespace atalanta::bind {

namespace py = pybind11;

void bind_base(py::module_& module);
void bind_dividends(py::module_& module);
void bind_early_exercise(py::module_& module);
void bind_gpu(py::module_& module);
void bind_implied_vol(py::module_& module);
void bind_ladder(py::module_& module);
void bind_memory(py::module_& module);
void bind_memory_bench(py::module_& module);
void bind_price(py::module_& module);
void bind_reliability(py::module_& module);
void bind_risk(py::module_& module);
void bind_routing(py::module_& module);
void bind_streaming(py::module_& module);
void bind_streaming_bench(py::module_& module);

}  // namespace atalanta::bind
