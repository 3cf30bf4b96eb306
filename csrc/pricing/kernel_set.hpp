// One row per instruction set: its name, what it needs, and its kernels, a table per family.
#pragma once

#include "base/cpu_features.hpp"
#include "pricing/american/collocation_tables.hpp"
#include "pricing/american/unit_puts.hpp"
#include "pricing/columns.hpp"

namespace atalanta {

// Kernels read and write raw columns, never throw, and treat each row by itself: a bad domain gives NaN
// (and a status). Outputs must not overlap inputs.
struct EuropeanKernels {
    void (*price)(const OptionRows& rows, double* price) noexcept;
    void (*greeks_order_1)(const OptionRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_2)(const OptionRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_3)(const OptionRows& rows, const GreekColumns& out) noexcept;
    // status may be null
    void (*implied_vol)(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) noexcept;
};

// American puts on a unit strike, one kernel per class of kCollocationSizes.
struct AmericanKernels {
    void (*premiums[kCollocationClasses])(const CollocationTables& tables, const UnitPuts& puts,
                                          const ExercisePremiums& out) noexcept;
    // out[k * puts.size + i] at the times to which coefficients[k][node] interpolates
    void (*boundaries[kCollocationClasses])(const CollocationTables& tables, const UnitPuts& puts,
                                            const double* coefficients, std::size_t times,
                                            double* out) noexcept;
};

struct KernelSet {
    const char* name;
    const char* description;
    CpuFeatures required;
    const EuropeanKernels* european;
    const AmericanKernels* american;
};

}  // namespace atalanta
