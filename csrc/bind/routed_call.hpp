// The router inside the hot functions: one thread, the pool, or another device through Python. Small calls,
// and calls that name their threads, never come here. Entries: RoutedCall, install_router.
#pragma once

#include <chrono>
#include <cstdint>

#include "bind/router_core.hpp"
#include "bind/rows.hpp"

namespace atalanta::bind {

// The functions that are routed by themselves; also the order of their operations.
enum class Routed : std::size_t { price, greeks, implied_vol };

// From now on this router decides. run_elsewhere(operation, target, columns, tolerance, probe, strict) gives
// the result, or None when the target failed; strict: then it raises.
void install_router(const py::object& core, std::size_t one_thread, std::size_t pool,
                    const py::object& run_elsewhere);

// The docstring of a plain function with what routing adds to it; lives as long as the process.
const char* routed_doc(const char* plain);

// No device named, "auto" or "cpu": numbers alone then go to the kernel as they are.
bool is_plain_device(PyObject* device);

// Anything but plain devices, for rows that only the CPU does, is refused.
void require_plain_device(PyObject* device, const char* origin);

class RoutedCall {
  public:
    // A call that is not routed.
    explicit RoutedCall(int threads) : threads_(threads) {}

    // device, tolerance: as the call gave them, null where it did not. The tolerance of a price for a strike
    // of 100 becomes one per unit of spot, row by row, and the tightest counts.
    RoutedCall(Routed function, PyObject* device, PyObject* tolerance, std::size_t rows,
               const Column<double>& spot, const Column<double>& strike, int threads, const char* origin);

    bool elsewhere() const { return elsewhere_; }
    // What the other device gave for these columns; null where it failed and the CPU is to do it.
    py::object run_elsewhere(const py::tuple& columns);

    // Runs the kernel with the threads decided on, and tells the router what it took.
    template <class Kernel>
    void run_here(OutputColumn& out, Kernel&& kernel) const {
        out.touch_first(threads_);
        if (!timed_) return kernel(threads_);
        const auto start = std::chrono::steady_clock::now();
        kernel(threads_);
        tell(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count());
    }

  private:
    void decide(routing::TargetMask among);
    void tell(double ns) const noexcept;

    Routed function_{};
    std::size_t rows_ = 0, target_ = 0;
    int threads_ = 0;
    bool timed_ = false, probe_ = false, elsewhere_ = false, strict_ = false;
    double tolerance_ = 0.0;
    const char* origin_ = "";
};

}  // namespace atalanta::bind
