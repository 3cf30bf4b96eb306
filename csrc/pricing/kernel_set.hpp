// One row per instruction set: its name, what it needs, and its kernels, a table per family.
#pragma once

#include "base/cpu_features.hpp"
#include "pricing/american/collocation_tables.hpp"
#include "pricing/american/unit_puts.hpp"
#include "pricing/columns.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {

// Kernels read and write raw columns, never throw, and treat each row by itself: a bad domain gives NaN
// (and a status). Outputs must not overlap inputs.
struct EuropeanKernels {
    void (*price)(const OptionRows& rows, double* price) noexcept;
    void (*greeks_order_1)(const OptionRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_2)(const OptionRows& rows, const GreekColumns& out) noexcept;
    void (*greeks_order_3)(const OptionRows& rows, const GreekColumns& out) noexcept;
};

struct ImpliedVolKernels {
    // status may be null
    void (*european)(const QuotedRows& rows, double* vol, ImpliedVolStatus* status) noexcept;
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

// Options with cash dividends, on grids; see pricing/ladder/problem.hpp.
struct LadderKernels {
    // Fills the shape and dividends + 1 steps; false for rows that need no grid, only their limit.
    bool (*shape)(const LadderOption& option, double tolerance, LadderShape* shape,
                  std::uint16_t* steps) noexcept;
    // Those rows: their readings, the other derivatives and the one by each dividend.
    LadderReading (*limit)(const LadderOption& option, LadderSensitivities* sensitivities,
                           double* by_cash) noexcept;
    // Doubles of working memory, aligned to 64 bytes, that solve or differentiate need for blocks up to this.
    std::size_t (*solve_doubles)(const LadderExtent& extent) noexcept;
    std::size_t (*differentiate_doubles)(const LadderExtent& extent) noexcept;
    // Fills an entry per option of the block, here and below.
    void (*solve)(const LadderBlock& block, double* memory, LadderReading* readings) noexcept;
    // The same readings, and the other derivatives; by_cash: entry d of option i at d * kLadderOptions + i.
    void (*differentiate)(const LadderBlock& block, double* memory, LadderReading* readings,
                          LadderSensitivities* sensitivities, double* by_cash) noexcept;
    // Numbers of a ladder of this shape, and the ladders of a block, one column each.
    std::size_t (*profile_size)(const LadderShape& shape) noexcept;
    void (*profiles)(const LadderBlock& block, double* memory, LadderProfile* profiles,
                     double* const* values) noexcept;
    // NaN outside a ladder's range.
    void (*read)(const LadderProfile* profiles, const double* const* values, const std::uint32_t* row,
                 const double* spot, std::size_t count, const LadderReadColumns& out) noexcept;
    // Prices alone, of several ladders at the same spots: price[r * spots + s]; NaN outside a ladder's range.
    void (*read_table)(const LadderProfile* profiles, const double* const* values, const std::uint32_t* row,
                       std::size_t rows, const double* spot, std::size_t spots, double* price) noexcept;
    // Starts a search for the volatility of a price; start may be NaN, by_cash has room for a number per
    // dividend.
    ImpliedVolStatus (*begin_search)(const LadderOption& option, double price, double start, double tolerance,
                                     double* by_cash, LadderSearch* search) noexcept;
    // Given the price at search->option.vol, true when that then holds the answer.
    bool (*advance_search)(LadderSearch* search, double price) noexcept;
    // Goes on from an answer as from a start, when the price is to be computed on another grid.
    void (*reopen_search)(LadderSearch* search) noexcept;
};

struct KernelSet {
    const char* name;
    const char* description;
    CpuFeatures required;
    const EuropeanKernels* european;
    const ImpliedVolKernels* implied_vol;
    const AmericanKernels* american;
    const LadderKernels* ladder;
};

}  // namespace atalanta
