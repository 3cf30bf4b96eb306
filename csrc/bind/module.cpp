// The extension module `atalanta._core`: a list of rooms.
#include "bind/module.hpp"

// Free-threaded Python: all shared state is constant, atomic or behind the pool's own locks.
PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "The C++ core. Use the names that the package `atalanta` exports.";
    atalanta::bind::bind_base(module);
    atalanta::bind::bind_dividends(module);
    atalanta::bind::bind_price(module);
    atalanta::bind::bind_implied_vol(module);
    atalanta::bind::bind_early_exercise(module);
    atalanta::bind::bind_ladder(module);
    atalanta::bind::bind_risk(module);
    atalanta::bind::bind_reliability(module);
    atalanta::bind::bind_routing(module);
    atalanta::bind::bind_gpu(module);
    atalanta::bind::bind_memory(module);
    atalanta::bind::bind_memory_bench(module);
    atalanta::bind::bind_streaming(module);
    atalanta::bind::bind_streaming_bench(module);
}
