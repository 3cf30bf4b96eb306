// One row per instruction set: its name, what it needs, and its kernels.
#pragma once

#include "base/cpu_features.hpp"
#include "pricing/columns.hpp"

namespace atalanta {

// Kernels read and write raw columns, never throw, and treat each row by itself: a bad domain gives NaN
// (and a status). Outputs must not overlap inputs.
struct KernelSet {
    const char* name;
    const char* description;
    CpuFeatures required;
    void (*price)(const EuropeanRows& rows, double* price) noexcept;
    void (*greeks_order_1)(const EuropeanRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_2)(const EuropeanRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_3)(const EuropeanRows& rows, const GreekColumns& out) noexcept;
    // status may be null
    void (*implied_vol)(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) noexcept;
};

}  // namespace atalanta
