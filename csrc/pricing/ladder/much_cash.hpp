// Dividends that together take much of the spot: the logarithm of what they leave is wider than the spot's,
// and its features lie close together. How far grids must then reach and how fine they must be. Entries:
// takes_much, LowSpots, finer_for_much.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/logarithm.hpp"
#include "pricing/ladder/calendar.hpp"

namespace atalanta {
namespace {

constexpr double kMuchTaken = 0.25;   // of the spot
constexpr double kExtraOfPuts = 2.0;  // deviations, for what is left of spots far up
constexpr double kNearlyAll = 0.8, kFarMore = 1.6;
constexpr double kMoreSteps = 1.8;
constexpr double kFinerPerTaken = 2.5, kMostFiner = 1.5, kFinerForNearlyAll = 2.0;
// Of marches by convolution, which cost little.
constexpr double kMostFinerConvolved = 3.0, kConvolvedForNearlyAll = 3.5, kMoreDeviations = 1.5;

inline double cash_of(const LadderOption& o) {
    double cash = 0.0;
    for (std::uint32_t d = 0; d < o.dividends; ++d) cash += o.cash[d];
    return cash;
}

inline bool takes_much(const LadderOption& o, double cash) {
    return cash > kMuchTaken * o.spot;
}

// Of the lowest spot that the option is read at as well.
inline bool takes_much_somewhere(const LadderOption& o, double cash) {
    const double low = o.read_far ? exponential(-kReadReach * o.vol * square_root(o.years)) : 1.0;
    return cash > kMuchTaken * low * o.spot;
}

// Several dividends that together take nearly the whole spot, each of which widens what the others have
// widened, or one that takes far more.
inline bool takes_nearly_all(const LadderOption& o, double cash) {
    return cash > (o.dividends > 1 ? kNearlyAll : kFarMore) * o.spot;
}

// How much finer the nodes are. by_steps: of a march by steps.
inline double finer_for_much(const LadderOption& o, bool by_steps) {
    const double cash = cash_of(o), finer = 1.0 + kFinerPerTaken * (cash / o.spot - kMuchTaken);
    if (takes_nearly_all(o, cash)) return by_steps ? kFinerForNearlyAll : kConvolvedForNearlyAll;
    const double most = by_steps ? kMostFiner : kMostFinerConvolved;
    return finer > 1.0 ? (finer < most ? finer : most) : 1.0;
}

// Steps of the interval that leads back from date d, over those of others: its kink is a strike's. A call is
// exercised before it for what it loses by all later ones as well, and leaves one wherever they are much.
inline double steps_for_much(const LadderOption& o, double cash, std::uint32_t d) {
    const double lost = o.right > 0.0 ? cash : o.cash[d];
    return lost > kMuchTaken * o.spot ? kMoreSteps : 1.0;
}

// Of a grid to each side of its centre.
struct GridReach {
    double deviations;
    bool known_below;  // what lies below (known_below.hpp)
};

// The low ends of a put's grids after its dates. Below its lowest feature its value is linear in the spot:
// the next dividend, which takes spots below it whole, the strike, or, where the yield is below a negative
// rate, the spot below which it is held again.
class LowSpots {
  public:
    // deviations: the least. smeared: of a feature, beyond which the value counts as linear.
    LowSpots(const LadderOption& o, double tolerance, double deviations, double smeared)
        : o_(o),
          width_(o.vol * square_root(o.years)),
          deviations_(deviations),
          smeared_(smeared),
          counts_(kCounts * tolerance * o.strike) {}

    // Of a grid that reaches them, or down to where the path of the spot counts as known.
    GridReach reach() const {
        if (o_.right > 0.0) return {deviations_, false};
        const double plain = reaching(kMostCentreReach, kAlways);
        double most = plain < kMostWide ? plain : kMostWide;
        for (const Paths& paths : kPaths) {
            const double wanted = reaching(paths.down, o_.read_far ? kPaths[0] : paths);
            most = wanted > most ? wanted : most;
        }
        const bool further = most > kFurthest;
        return {further ? kFurthest : most, further};
    }

  private:
    static constexpr double kMostWide = 0.1 * kWideGrid;  // for paths so rare that hardly anything counts
    static constexpr double kFurthest = 200.0;            // beyond, cells would be too wide
    static constexpr double kCounts = 1e-3;  // of the tolerance, which is that of a strike of 100: a tenth

    // Paths that run so many deviations down, how likely lower ones are, and their density, per deviation.
    struct Paths {
        double down, probability, density;
    };
    static constexpr Paths kPaths[] = {
        {0.0, 0.5, 0.4}, {1.2, 0.115, 0.19}, {2.4, 8.2e-3, 2.2e-2}, {3.6, 1.6e-4, 6e-4}};
    static constexpr Paths kAlways = {};

    // What lies below a grid errs by no more than its spots, as often as they come about: so low ones do not
    // count.
    double reaching(double down, const Paths& counted) const {
        const double read = o_.read_far ? exponential(kReadReach * width_) : 1.0;
        double spot = o_.spot, high = spot * read, low = spot / read, since = 0.0, most = deviations_;
        for (std::uint32_t d = 0; d < o_.dividends; ++d) {
            const double at = o_.ex_years[d], cash = o_.cash[d];
            const double moved = o_.vol * (square_root(at) - square_root(since));
            const double growth =
                exponential((o_.rate - o_.dividend_yield - 0.5 * o_.vol * o_.vol) * (at - since));
            spot *= growth;
            high *= growth * exponential(kMostCentreReach * moved);
            low *= growth * exponential(-down * moved);
            const double low_spot = counts_from(counted, (high - spot) * (1.0 / kMostCentreReach));
            if (low_spot > 0.0 && !(high > cash)) return most;  // nothing is left
            const double top = (high - cash) * exponential(-kCentreEdge * deviations_ * width_);
            const double least = kLeastLeft * spot, plain = spot - cash;
            const double left = plain > top ? plain : top;
            spot = left > least ? left : least;
            high = high - cash > spot ? high - cash : spot;
            low = low > cash ? low - cash : 0.0;
            const double feature = lowest_feature(d), counting = feature > low_spot ? feature : low_spot;
            const double end = low > counting ? low : counting;
            const double wanted = logarithm(spot / end) / width_;
            most = wanted > most ? wanted : most;
            since = at;
        }
        return most;
    }
    // deviation: of the spot.
    double counts_from(const Paths& counted, double deviation) const {
        if (!(counted.probability > 0.0)) return 0.0;
        const double rare = counts_ / counted.probability;
        const double thin = square_root(counts_ * deviation / counted.density);
        return rare > thin ? rare : thin;
    }

    // Between date d and what follows it. What is left of a slope there counts all the way down to no spot,
    // for which the next dividend may ask: a slope smears, and drifts, as in the measure of the spot.
    double lowest_feature(std::uint32_t d) const {
        const bool last = d + 1 == o_.dividends;
        const double until = (last ? o_.years : o_.ex_years[d + 1]) - o_.ex_years[d];
        const double drift = o_.rate - o_.dividend_yield + 0.5 * o_.vol * o_.vol;
        const double smeared = exponential(-fma(smeared_ * o_.vol, square_root(until), drift * until));
        if (!last) return o_.cash[d + 1] * smeared;
        const bool held_again = o_.american && o_.rate < 0.0 && o_.dividend_yield < o_.rate;
        return o_.strike * smeared * (held_again ? o_.rate / o_.dividend_yield : 1.0);
    }

    const LadderOption& o_;
    double width_, deviations_, smeared_;
    double counts_;  // so small a spot would not count if it were certain
};

}  // namespace
}  // namespace atalanta
