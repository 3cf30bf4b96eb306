// Dates that follow another one closely. Whoever would exercise a call before the later of the two does so
// before the earlier one, for the dividend between: what the stock does meanwhile is worth less, and hardly
// brings those back who then had nothing to exercise. Their kinks,
// closer to each other than nodes, are one then. Entries: is_exercised_earlier,
// finer_for_close_dates.
#pragma once

#include "numerics/vector_loop.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {
namespace {

// Whether a call is not exercised before its date d, because it would have been before the date d - 1.
// tolerance: of a strike of 100.
[[gnu::noinline]] inline bool is_exercised_earlier(const LadderOption& o, double tolerance, std::uint32_t d) {
    constexpr double kCertain = 4.5;   // deviations of what the stock moves between the dates
    constexpr double kKnowing = 0.02;  // what knowing a move is worth, of its square over the spot's own
    constexpr double kOfTolerance = 0.2e-2;  // of a strike of 1
    constexpr double kBeforeExpiry = 0.02;   // of the life: what is left then has starts of its own
    if (!o.american || o.right < 0.0 || d == 0 || d >= o.dividends) return false;
    if (d + 1 == o.dividends && o.years - o.ex_years[d] < kBeforeExpiry * o.years) return false;
    const double gap = o.ex_years[d] - o.ex_years[d - 1], moved = o.vol * square_root(gap);
    const double carried = (magnitude(o.rate) * o.strike + magnitude(o.dividend_yield) * o.spot) * gap;
    const double earned = o.cash[d - 1] - carried;
    if (earned > kCertain * moved * 0.5 * (o.spot + o.strike)) return true;
    const double allowed = kOfTolerance * tolerance, width = o.vol * square_root(o.ex_years[d - 1]);
    return kKnowing * moved * moved < allowed * width && -earned < allowed * o.strike;
}

// How much finer than a grid of so many cells in a deviation that of a call marched by steps must be for
// dates whose kinks are closer than a cell and yet two.
inline double finer_for_close_dates(const LadderOption& o, double tolerance, double cells) {
    constexpr double kApart = 0.8, kFiner = 2.5;  // cells
    if (o.right < 0.0) return 1.0;
    for (std::uint32_t d = 1; d < o.dividends; ++d) {
        const double gap = cells * square_root((o.ex_years[d] - o.ex_years[d - 1]) / o.years);
        if (gap < kApart && !is_exercised_earlier(o, tolerance, d)) return kFiner;
    }
    return 1.0;
}

}  // namespace
}  // namespace atalanta
