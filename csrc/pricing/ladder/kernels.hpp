// The ladder kernels of one instruction set, as its table lists them.
#pragma once

#include "pricing/ladder/adjoint.hpp"
#include "pricing/ladder/column_adjoint.hpp"
#include "pricing/ladder/limits.hpp"
#include "pricing/ladder/profile.hpp"
#include "pricing/ladder/search.hpp"

namespace atalanta {
namespace {

// Whether the grid applies; else limits.hpp answers.
inline bool is_ordinary(const LadderOption& o) {
    const auto within = [](double x, double least, double most) { return x >= least && x <= most; };
    const double total_vol = o.vol * square_root(o.years);
    return o.right * o.right == 1.0 && within(o.spot, 1e-100, 1e100) && within(o.strike, 1e-100, 1e100) &&
           within(o.years, 1e-12, 1e6) && within(total_vol, kLeastLadderVol, 60.0) &&
           within(o.rate * o.years, -100.0, 100.0) && within(o.dividend_yield * o.years, -100.0, 100.0);
}

inline bool ladder_shape(const LadderOption& option, double tolerance, LadderShape* shape,
                         std::uint16_t* steps) noexcept {
    if (!is_ordinary(option)) return false;
    shape_of(option, tolerance, *shape, steps);
    return true;
}

inline LadderReading ladder_limit(const LadderOption& option, LadderSensitivities* sensitivities,
                                  double* by_cash) noexcept {
    const KnownValue limit = limit_of(option, by_cash);
    *sensitivities = limit.sensitivities;
    return limit.reading;
}

inline std::size_t ladder_solve_doubles(const LadderExtent& extent) noexcept {
    return march_doubles(extent);
}

inline std::size_t ladder_differentiate_doubles(const LadderExtent& extent) noexcept {
    const std::size_t alone = ColumnTape::doubles(extent.nodes, extent.dividends) +
                              ColumnAdjoint::doubles(extent.nodes, extent.dividends);
    return march_doubles(extent) + LadderAdjoint::doubles(extent) + Tape::doubles(extent) + alone;
}

inline void read_block(const LadderMarch& march, LadderReading* readings) noexcept {
    for (std::size_t lane = 0; lane < march.block().count; ++lane) readings[lane] = read_lane(march, lane);
}

inline void ladder_solve(const LadderBlock& block, double* memory, LadderReading* readings) noexcept {
    LadderMarch march(block, memory);
    march.solve(kReadingReach);
    read_block(march, readings);
}

inline void ladder_differentiate(const LadderBlock& block, double* memory, LadderReading* readings,
                                 LadderSensitivities* sensitivities, double* by_cash) noexcept {
    LadderMarch march(block, memory);
    const LadderExtent& extent = march.extent();
    double* const alone_memory = memory + march_doubles(extent);
    double* const column_tape = alone_memory + ColumnAdjoint::doubles(extent.nodes, extent.dividends);
    double* const adjoint_memory = column_tape + ColumnTape::doubles(extent.nodes, extent.dividends);
    const Tape tape(extent, adjoint_memory + LadderAdjoint::doubles(extent));
    march.solve(kReadingReach, &tape);
    read_block(march, readings);
    double present[kLadderOptions];
    bool exercised[kLadderOptions];
    for (std::size_t l = 0; l < block.count; ++l) {
        present[l] = present_u(march, l);
        exercised[l] = is_exercised(march, l);
    }
    ColumnAdjoint adjoint(march.normalised(), march.calendar(), march.columns(), extent.nodes,
                          extent.dividends, alone_memory);
    const ColumnTape columns(extent.nodes, column_tape);
    if (march.steps() > 0) {
        LadderAdjoint(march, tape, adjoint, columns, adjoint_memory).solve(sensitivities, by_cash);
    }
    march.each_alone(columns, [&](std::size_t l, const ColumnMarch& alone) {
        sensitivities[l] = adjoint.solve(l, block.options[l].dividends, present[l], exercised[l], alone,
                                         columns, by_cash + l);
    });
}

inline std::size_t ladder_profile_size(const LadderShape& shape) noexcept {
    return 2 * profile_half(shape) + 1;
}

inline void ladder_profiles(const LadderBlock& block, double* memory, LadderProfile* profiles,
                            double* const* values) noexcept {
    LadderMarch march(block, memory);
    march.solve(march.nodes());
    for (std::size_t lane = 0; lane < block.count; ++lane) {
        profiles[lane] = profile_of(march, lane, values[lane]);
    }
}

inline ImpliedVolStatus ladder_begin_search(const LadderOption& option, double price, double start,
                                            double tolerance, double* by_cash,
                                            LadderSearch* search) noexcept {
    return begin_search(option, price, start, tolerance, by_cash, *search);
}

inline bool ladder_advance_search(LadderSearch* search, double price) noexcept {
    return advance_search(*search, price);
}

inline void ladder_reopen_search(LadderSearch* search) noexcept {
    reopen_search(*search);
}

}  // namespace
}  // namespace atalanta
