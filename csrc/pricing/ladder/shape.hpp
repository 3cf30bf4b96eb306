// How fine the grid of a row is: functions of its own numbers alone, so that its result does not depend on
// the rows beside it. Entries: nodes_of, steps_of.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/logarithm.hpp"
#include "pricing/ladder/close_dates.hpp"
#include "pricing/ladder/much_cash.hpp"
#include "pricing/ladder/present_kink.hpp"
#include "pricing/ladder/ruling_drift.hpp"

namespace atalanta {
namespace {

ATALANTA_INLINE double power(double base, double exponent) {
    return exponential(exponent * logarithm(base));
}

constexpr double kReferenceTolerance = 5e-4;
constexpr double kFineTolerance = 2e-4;  // finer ones see further, and take the steps of more nodes
// Beyond the first, cells are so wide that free boundaries lie less well in them; beyond the second e^y
// changes too much from node to node.
constexpr double kLargeTotalVol = 0.4, kWideTotalVol = 0.7;
constexpr double kMuchEarned =
    0.085;  // by exercise until expiry, over the strike: it bends the value beside the boundary
constexpr double kMostNodes = 4096.0;

// Deviations to each side of the present spot.
constexpr double kDeviations = 4.0, kFineDeviations = 6.0;
constexpr double kMostExtraDeviations = 1.0;

// A grid that ends beside the strike goes on as if it had none there, and the present feels it.
constexpr double kToStrike = 0.7, kNoStrike = 0.3;

constexpr double kBeyondStrike = 4.5, kMostDeviations = 10.0;  // of a grid that is read far out
constexpr double kLadderDeviations = 5.0;                      // of one that is read at all ...
constexpr double kReadDeviations = 4.3;                        // ... so far out
constexpr double kBeyondHeld = 3.0;  // of what is read, where the option is held again deep in the money

// Between ex-dates exercise earns rate K - yield S of a put, which is to be above zero somewhere in the
// money.
inline bool is_exercisable(const LadderOption& o) {
    const double rate = o.right < 0.0 ? o.rate : o.dividend_yield;
    const double yield = o.right < 0.0 ? o.dividend_yield : o.rate;
    return o.american && (rate > 0.0 || yield < rate);
}
// Whether exercise pays between two free boundaries.
inline bool is_exercised_between(const LadderOption& o) {
    return is_exercisable(o) && !((o.right < 0.0 ? o.rate : o.dividend_yield) > 0.0);
}
// How far in the money the strike lies, in deviations. The present spot does not feel what the ends of the
// grid are held at, but a spot on the way there does, if the strike is nearby.
inline double deviations_in_the_money(const LadderOption& o, double cash) {
    const double left = o.spot - cash > 0.05 * o.spot ? o.spot - cash : 0.05 * o.spot;
    const double forward = logarithm(left) + (o.rate - o.dividend_yield) * o.years;
    return o.right * (forward - logarithm(o.strike)) / (o.vol * square_root(o.years));
}

// Dividends that take much of the spot widen the logarithm of what they leave, and where they take most of
// it, at the low end of the grid, an option that can be exercised is worth more than its payoff.
inline double extra_deviations(const LadderOption& o, double cash) {
    const double low = exponential(-kDeviations * o.vol * square_root(o.years));
    const double wider = 12.0 * (cash / o.spot - 0.06), late = 0.5 * (cash / (o.spot * low) - 0.8);
    const double deeper = is_exercisable(o) && o.right < 0.0 ? late : 0.0;
    const double extra = wider > deeper ? wider : deeper;
    return extra > 0.0 ? (extra < kMostExtraDeviations ? extra : kMostExtraDeviations) : 0.0;
}

inline double base_deviations(double tolerance) {
    return tolerance < kFineTolerance ? kFineDeviations : kDeviations;
}

inline GridReach reach_of(const LadderOption& o, double tolerance) {
    const double cash = cash_of(o);
    double deviations = base_deviations(tolerance) + extra_deviations(o, cash);
    if (o.right < 0.0 && takes_much(o, cash)) {
        const double more = takes_nearly_all(o, cash) && !is_exercisable(o) ? kMoreDeviations : 0.0;
        const double least = base_deviations(tolerance) + kExtraOfPuts + more;
        deviations = least > deviations ? least : deviations;
    }
    if (is_exercisable(o)) {
        const double strike = deviations_in_the_money(o, cash);
        const bool ends_there = strike > deviations - kToStrike && strike < deviations + kNoStrike;
        deviations = ends_there ? strike + kToStrike : deviations;
    }
    if (o.read_far) {
        const double deep = deviations_in_the_money(o, cash);
        const double read = -deep < kReadDeviations ? -deep : kReadDeviations;
        const double beyond = (deep > read ? deep : read) + kBeyondStrike;
        const double least = is_exercised_between(o) ? kReadDeviations + kBeyondHeld : kLadderDeviations;
        const double wanted = beyond > least ? beyond : least;
        const double most = wanted < kMostDeviations ? wanted : kMostDeviations;
        deviations = most > deviations ? most : deviations;
    }
    if (!takes_much_somewhere(o, cash)) return {deviations, false};
    return LowSpots(o, tolerance, deviations, base_deviations(tolerance)).reach();
}

// Nodes for the reference tolerance and least ones, of grids as wide as base_deviations.
struct NodeRule {
    double coarse, fine, least, exponent;
};
constexpr NodeRule kSweptNodes = {81.0, 128.0, 57.0, 0.5};
constexpr NodeRule kConvolvedNodes = {45.0, 96.0, 37.0, 0.25};

// A convolution is to be so many cells wide where what it smooths has a kink, before a date or at expiry ...
constexpr double kResolvedCells = 1.3;
constexpr double kSmoother = 2.0;  // ... and needs fewer before the first date and after the last
constexpr double kMostRefined = 3.0, kMostRefinedOfCalls = 5.0;

// The errors of many dates add up, most where each throws back a free boundary that is to be found anew.
constexpr std::uint32_t kSeveralDividends = 8;
constexpr double kForMoreDividends = 1.4, kForMoreConvolved = 1.2;

// Whether a call with a negative yield, which gains by being held, is exercised before its last date between
// two spots: beyond the upper one, which is on the grid, that gain is more than the dividend.
inline bool ends_between_spots(const LadderOption& o, double deviations) {
    if (!(o.american && o.right > 0.0 && o.dividend_yield < 0.0)) return false;
    constexpr double kBeyond = 1.5;  // deviations that a grid may reach further
    const double gained = exponential(-o.dividend_yield * (o.years - o.ex_years[o.dividends - 1])) - 1.0;
    const double carry = (o.rate - o.dividend_yield) * o.years;
    const double far =
        exponential((deviations + kBeyond) * o.vol * square_root(o.years) + (carry > 0.0 ? carry : 0.0));
    return o.cash[o.dividends - 1] < gained * o.spot * far;
}

// What a kink of exercise before a date that takes much of the spot errs falls with the fifth power of the
// cells that its smoothing is wide.
constexpr double kPlainKink = 0.06;  // of the spot: of dividends up to that

inline double kink_cells(const LadderOption& o, std::uint32_t d) {
    const double share = o.american ? o.cash[d] / (kPlainKink * o.spot) : 0.0;
    return share > 1.0 ? square_root(square_root(share)) : 1.0;
}

// How much finer than `nodes` the grid must be for ex-dates that lie close to one another; to the present
// only where the option is read at other spots (present_kink.hpp), and to expiry only where exercise before
// the last date ends between two spots (narrow_start.hpp). deviations: of those nodes; reach: of the grid.
inline double refinement(const LadderOption& o, double tolerance, double nodes, double deviations,
                         double reach) {
    if (o.dividends == 0) return 1.0;
    const double dense = nodes / (2.0 * deviations);
    const auto cells = [&](double years) { return dense * square_root(years / o.years); };
    double most = 1.0;
    const double limit = o.american && o.right > 0.0 ? kMostRefinedOfCalls : kMostRefined;
    const auto resolve = [&](double wanted, double have) {
        const double finer = have * limit < wanted ? limit : wanted / have;
        most = finer > most ? finer : most;
    };
    if (o.american && o.read_far) resolve(kResolvedCells, cells(kSmoother * o.ex_years[0]));
    if (ends_between_spots(o, reach)) {
        resolve(kResolvedCells, cells(kSmoother * (o.years - o.ex_years[o.dividends - 1])));
    }
    for (std::uint32_t d = 1; d < o.dividends; ++d) {
        if (is_exercised_earlier(o, tolerance, d)) continue;
        resolve(kResolvedCells * kink_cells(o, d), cells(o.ex_years[d] - o.ex_years[d - 1]));
    }
    return most;
}

// How much finer than a grid of so many cells in a deviation that of a call must be whose first kink nodes
// resolve, if barely: of what is nearer they read it in closed form (present_kink.hpp).
inline double finer_for_first_kink(const LadderOption& o, double cells) {
    if (!(o.american && o.right > 0.0 && o.dividends > 0)) return 1.0;
    const double least = square_root(kNearVariance), wanted = least * kink_cells(o, 0);
    const double have = cells * square_root(o.ex_years[0] / o.years);
    return have > least && have < wanted ? wanted / have : 1.0;
}

// What exercise earns until expiry, over the strike: the rate, and a yield below zero.
inline double earned_until_expiry(const LadderOption& o) {
    const double rate = o.right < 0.0 ? o.rate : o.dividend_yield;
    const double yield = o.right < 0.0 ? o.dividend_yield : o.rate;
    return (rate > 0.0 && yield >= 0.0 ? rate : rate - yield) * o.years;
}

// D t / h^2 of what is left after a date, below which no steps from a kink are good. Where a later date is
// left out too, what lies between the two has more than an area and a centre: only much less may be left out.
constexpr double kUnresolvedRatio = 0.7, kUnresolvedBetween = 0.06;
constexpr double kForLateDates = 1.6, kForLateConvolved = 2.0;  // finer, for several of them

inline double late_ratio(const LadderOption& o, std::uint32_t d, double cells) {
    return (o.years - o.ex_years[d]) / o.years * cells * cells * 0.125;
}
// cells: in a deviation.
inline bool has_late_dates(const LadderOption& o, double cells) {
    return o.dividends > 1 && late_ratio(o, o.dividends - 2, cells) < kUnresolvedRatio;
}

inline std::uint16_t nodes_of(const LadderOption& o, double tolerance, std::uint32_t deviations) {
    const NodeRule& rule = is_exercisable(o) ? kSweptNodes : kConvolvedNodes;
    const double base = base_deviations(tolerance);
    const double reference = tolerance < kFineTolerance ? rule.fine : rule.coarse;
    const double fine = reference * power(kReferenceTolerance / tolerance, rule.exponent);
    const double nodes_for_it = fine > rule.least ? fine : rule.least;
    const double total_vol = o.vol * square_root(o.years);
    const double large = is_exercisable(o) ? power(total_vol * (1.0 / kLargeTotalVol), 0.6) : 1.0;
    const double earned = is_exercisable(o) ? earned_until_expiry(o) : 0.0;
    const double curved = square_root(earned > kMuchEarned ? earned * (1.0 / kMuchEarned) : 1.0);
    const double wide = total_vol * (1.0 / kWideTotalVol), bent = large > curved ? large : curved;
    const double wider = bent > wide ? bent : wide;
    const double for_more = is_exercisable(o) ? kForMoreDividends : kForMoreConvolved;
    const double many = o.dividends > kSeveralDividends ? for_more : 1.0;
    const double close = is_exercisable(o) ? finer_for_close_dates(o, tolerance, nodes_for_it / (2.0 * base))
                                           : refinement(o, tolerance, nodes_for_it, base, 0.1 * deviations);
    const double refined = many * close;
    const double hard =
        finer_for_much(o, is_exercisable(o)) * (is_exercisable(o) ? RulingDrift(o).finer : 1.0);
    const bool late = has_late_dates(o, nodes_for_it / base);
    const double for_late = is_exercisable(o) ? kForLateDates : kForLateConvolved;
    const double more =
        (wider > 1.0 ? wider : 1.0) * (0.1 * deviations / base) * refined * hard * (late ? for_late : 1.0);
    // In quarters: options with the same number of nodes can share a block.
    const double quarters = __builtin_ceil(4.0 * more);
    const auto counted = [&](double finer) {
        const double wanted = nodes_for_it * 0.25 * __builtin_ceil(finer * quarters);
        const double nodes = wanted < kMostNodes ? wanted : kMostNodes;
        return static_cast<std::uint16_t>(4.0 * __builtin_ceil(0.25 * (nodes - 1.0)) + 1.0);
    };
    const std::uint16_t nodes = counted(1.0);
    if (is_exercisable(o)) return nodes;
    return counted(finer_for_first_kink(o, (nodes - 1) / (0.2 * deviations)));
}

// Steps per node of the whole march, and how the share of an interval falls with its length.
struct StepRule {
    double per_node, exponent;
};
constexpr StepRule kCoarseSteps = {0.38, 0.75}, kFineSteps = {0.25, 0.6}, kManyDates = {0.25, 0.5};
constexpr double kStepsPerNodeAlone = 0.45;  // where no ex-date asks for extra ones
constexpr std::uint16_t kCoarseNodes = 256;
constexpr std::uint32_t kManyDividends = 10;
constexpr double kLeastSteps = 5.0;

// Steps of an interval that is the given share of the years to expiry. more: for a kink it begins with.
inline std::uint16_t steps_of(std::uint16_t nodes, std::uint32_t dividends, double share, double more) {
    if (!(share > 0.0)) return 0;
    const StepRule& rule = dividends > kManyDividends ? kManyDates
                           : nodes <= kCoarseNodes    ? kCoarseSteps
                                                      : kFineSteps;
    const double per_node = dividends == 0 ? kStepsPerNodeAlone : rule.per_node;
    const double steps = __builtin_ceil(per_node * nodes * power(share, rule.exponent) * more);
    return static_cast<std::uint16_t>(steps > kLeastSteps ? steps : kLeastSteps);
}

// Grids that reach further to find low spots have wider cells as soon as there are kMostNodes of them, and
// longer steps: shorter ones come out of kinks with their neighbours pulling the wrong way.
constexpr double kLeastStepped = 57.0;

inline std::uint16_t stepped_nodes(const LadderShape& shape) {
    if (shape.deviations <= kWideGrid) return shape.nodes;
    const double stepped = static_cast<double>(shape.nodes) * kWideGrid / shape.deviations;
    return static_cast<std::uint16_t>(stepped > kLeastStepped ? stepped : kLeastStepped);
}

// Whether the march may begin just before the ex-date d.
inline bool begins_before(const LadderOption& o, const LadderShape& shape, std::uint16_t stepped,
                          std::uint32_t d) {
    const std::uint32_t deviations = shape.deviations < kWideGrid ? shape.deviations : kWideGrid;
    const double cells = (stepped - 1) / (0.1 * deviations);
    const double most = d + 1 == o.dividends ? kUnresolvedRatio : kUnresolvedBetween;
    return late_ratio(o, d, cells) < most;
}

// Where a call's first date is so near that the readings lie beside the kink of exercise before it, its grid
// is narrowed for what is left, as for an interval of this share of the years.
constexpr double kPresentShare = 0.16, kMostNarrowing = 0.7, kLeastNarrowing = 1e-3;

// How much closer the nodes lie from the first date on.
inline double narrowing_of(const LadderOption& o) {
    if (!o.american || o.right < 0.0 || o.read_far) return 1.0;
    const double narrowing = square_root(o.ex_years[0] / (kPresentShare * o.years));
    if (narrowing > kMostNarrowing) return 1.0;
    return narrowing > kLeastNarrowing ? narrowing : kLeastNarrowing;
}

// Of a ladder, which is read beside both boundaries, where other rows are solved again (beside_boundary.hpp).
constexpr double kFinerBetween = 0.4;

// Fills shape.steps; the counts before the first that is not 0 belong to intervals that the march leaves out.
inline void shape_of(const LadderOption& o, double wanted, LadderShape& shape, std::uint16_t* steps) {
    const double tolerance = o.read_far && is_exercised_between(o) ? kFinerBetween * wanted : wanted;
    const double cash = cash_of(o);
    const GridReach reach = reach_of(o, tolerance);
    shape.deviations = static_cast<std::uint32_t>(__builtin_ceil(10.0 * reach.deviations));
    shape.known_below = reach.known_below;
    shape.nodes = nodes_of(o, tolerance, shape.deviations);
    shape.exercisable = is_exercisable(o);
    shape.bends = takes_much_somewhere(o, cash);
    shape.dividends = o.dividends;
    shape.steps = steps;
    shape.total_steps = 0;
    shape.narrowing = 1.0;
    shape.tolerance = tolerance;
    if (!shape.exercisable) return;  // an interval at once
    const double drift = RulingDrift(o).more_steps;
    const std::uint16_t stepped = stepped_nodes(shape);
    double end = o.years, more = drift;
    bool leaves_out = true;
    for (std::uint32_t k = 0; k < o.dividends; ++k) {
        const std::uint32_t d = o.dividends - 1 - k;
        leaves_out = leaves_out && begins_before(o, shape, stepped, d);
        steps[k] = leaves_out ? 0 : steps_of(stepped, o.dividends, (end - o.ex_years[d]) / o.years, more);
        more = drift * steps_for_much(o, cash, d);
        end = o.ex_years[d];
    }
    if (!leaves_out && o.dividends > 0) shape.narrowing = narrowing_of(o);
    const double share = shape.narrowing < 1.0 ? kPresentShare : end / o.years;
    steps[o.dividends] = steps_of(stepped, o.dividends, share, more);
    for (std::uint32_t k = 0; k <= o.dividends; ++k) shape.total_steps += steps[k];
}

}  // namespace
}  // namespace atalanta
