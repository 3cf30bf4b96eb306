// How fine the grid of a row is: functions of its own numbers alone, so that its result does not depend on
// the rows beside it. Entries: nodes_of, steps_of.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/logarithm.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {
namespace {

ATALANTA_INLINE double power(double base, double exponent) {
    return exponential(exponent * logarithm(base));
}

constexpr double kReferenceTolerance = 5e-4, kReferenceNodes = 128.0;
constexpr double kWideTotalVol = 0.7;  // beyond it e^y changes too much from node to node
constexpr double kLeastNodes = 64.0, kMostNodes = 4096.0;

constexpr double kDeviations = 5.0, kFineDeviations = 6.0;  // of a fine tolerance, which sees further
constexpr double kFineTolerance = 1e-4;
constexpr double kMostExtraDeviations = 1.0;

constexpr double kBeyondStrike = 4.5, kMostDeviations = 10.0;  // of a grid that is read far out

// How far in the money the strike lies, in deviations. The sweeps take nothing to lie beyond the far end,
// which the present spot does not feel five deviations away, but a spot on the way there does.
inline double deviations_in_the_money(const LadderOption& o, double cash) {
    const double left = o.spot - cash > 0.05 * o.spot ? o.spot - cash : 0.05 * o.spot;
    const double forward = logarithm(left) + (o.rate - o.dividend_yield) * o.years;
    return o.right * (forward - logarithm(o.strike)) / (o.vol * square_root(o.years));
}

// Dividends that take much of the spot widen the logarithm of what they leave.
inline std::uint16_t deviations_of(const LadderOption& o, double tolerance) {
    double cash = 0.0;
    for (std::uint32_t d = 0; d < o.dividends; ++d) cash += o.cash[d];
    const double wider = 12.0 * (cash / o.spot - 0.06);
    const double extra = wider > 0.0 ? (wider < kMostExtraDeviations ? wider : kMostExtraDeviations) : 0.0;
    double deviations = (tolerance < kFineTolerance ? kFineDeviations : kDeviations) + extra;
    if (o.read_far) {
        const double wanted = deviations_in_the_money(o, cash) + kBeyondStrike;
        const double most = wanted < kMostDeviations ? wanted : kMostDeviations;
        deviations = most > deviations ? most : deviations;
    }
    return static_cast<std::uint16_t>(__builtin_ceil(10.0 * deviations));
}

inline std::uint16_t nodes_of(const LadderOption& o, double tolerance, std::uint16_t deviations) {
    const double fine = kReferenceNodes * power(kReferenceTolerance / tolerance, 0.5);
    const double wide = o.vol * square_root(o.years) * (1.0 / kWideTotalVol);
    const double base = tolerance < kFineTolerance ? kFineDeviations : kDeviations;
    const double more = (wide > 1.0 ? wide : 1.0) * (0.1 * deviations / base);
    // In quarters: options with the same number of nodes can share a block.
    const double wanted = (fine > kLeastNodes ? fine : kLeastNodes) * 0.25 * __builtin_ceil(4.0 * more);
    const double nodes = wanted < kMostNodes ? wanted : kMostNodes;
    return static_cast<std::uint16_t>(4.0 * __builtin_ceil(0.25 * (nodes - 1.0)) + 1.0);
}

constexpr double kStepsPerNode = 0.25;
constexpr double kStepsPerNodeAlone = 0.35;  // where no ex-date asks for extra ones

// Steps of an interval that is the given share of the years to expiry.
inline std::uint16_t steps_of(std::uint16_t nodes, std::uint32_t dividends, double share) {
    if (!(share > 0.0)) return 0;
    const double exponent = dividends > 10 ? 0.5 : nodes <= 101 ? 0.75 : 0.6;
    const double per_node = dividends == 0 ? kStepsPerNodeAlone : kStepsPerNode;
    const double steps = __builtin_ceil(per_node * nodes * power(share, exponent));
    return static_cast<std::uint16_t>(steps > 4.0 ? steps : 4.0);
}

constexpr double kUnresolvedRatio = 0.5;     // D t / h^2, below which no step from a kink is good
constexpr double kMostUnresolvedCash = 0.2;  // of spot and strike

// Whether the march may begin just before the ex-date, `share` of the years before expiry, with `cash` to
// come.
inline bool begins_before(const LadderOption& o, const LadderShape& shape, double share, double cash) {
    const double cells = (shape.nodes - 1) / (0.1 * shape.deviations);
    const double least = kMostUnresolvedCash * (o.spot < o.strike ? o.spot : o.strike);
    return share * cells * cells * 0.125 < kUnresolvedRatio && cash <= least;
}

inline bool is_exercisable(const LadderOption& o) {
    const double rate = o.right < 0.0 ? o.rate : o.dividend_yield;
    const double yield = o.right < 0.0 ? o.dividend_yield : o.rate;
    return o.american && (rate > 0.0 || yield < 0.0);
}

// Fills shape.steps; the counts before the first that is not 0 belong to intervals that the march leaves out.
inline void shape_of(const LadderOption& o, double tolerance, LadderShape& shape, std::uint16_t* steps) {
    shape.deviations = deviations_of(o, tolerance);
    shape.nodes = nodes_of(o, tolerance, shape.deviations);
    shape.exercisable = is_exercisable(o);
    shape.dividends = o.dividends;
    shape.steps = steps;
    double end = o.years, cash = 0.0;
    bool leaves_out = true;
    for (std::uint32_t k = 0; k < o.dividends; ++k) {
        const std::uint32_t d = o.dividends - 1 - k;
        cash += o.cash[d];
        leaves_out = leaves_out && begins_before(o, shape, (o.years - o.ex_years[d]) / o.years, cash);
        steps[k] = leaves_out ? 0 : steps_of(shape.nodes, o.dividends, (end - o.ex_years[d]) / o.years);
        end = o.ex_years[d];
    }
    steps[o.dividends] = steps_of(shape.nodes, o.dividends, end / o.years);
    shape.total_steps = 0;
    for (std::uint32_t k = 0; k <= o.dividends; ++k) shape.total_steps += steps[k];
}

}  // namespace
}  // namespace atalanta
