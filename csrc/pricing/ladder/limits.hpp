// Rows that no grid suits: outside the domain (NaN), without time, without volatility, or without spot or
// strike. Then the path of the spot is known, and the option is exercised where its discounted payoff is
// largest: now, beside an ex-date, at expiry, or in between where the payoff is stationary. Entry: limit_of.
#pragma once

#include "pricing/european_limits.hpp"
#include "pricing/ladder/problem.hpp"

namespace atalanta {
namespace {

// Below it a row counts as without volatility; the error is at most 4e-8 of the spot.
constexpr double kLeastLadderVol = 1e-7;

inline bool in_domain(const LadderOption& o) {
    return in_domain(Option{o.right, o.spot, o.strike, o.years, o.rate, o.dividend_yield, o.vol});
}

// The known path from the present on, discounted payoffs along it, and the best of them.
class KnownPath {
  public:
    explicit KnownPath(const LadderOption& o) : o_(o), spot_(o.spot) {}

    LadderReading best() {
        if (o_.american || o_.years == 0.0) consider(0.0);
        double since = 0.0;
        for (std::uint32_t d = 0; d < o_.dividends; ++d) {
            advance(since, o_.ex_years[d]);
            if (o_.american) consider(o_.ex_years[d]);
            pay(o_.cash[d]);
            if (o_.american) consider(o_.ex_years[d]);
            since = o_.ex_years[d];
        }
        advance(since, o_.years);
        consider(o_.years);
        return best_;
    }

  private:
    double grown(double spot, double years) const {
        return spot == 0.0 ? 0.0 : spot * saturating_exponential((o_.rate - o_.dividend_yield) * years);
    }

    void pay(double cash) {
        if (!(cash < spot_)) alive_ = 0.0;
        spot_ = cash < spot_ ? spot_ - cash : 0.0;
    }

    // Exercise between ex-dates is best where q S_t = r K, if anywhere.
    void advance(double from, double to) {
        const double begin = spot_, r = o_.rate, q = o_.dividend_yield;
        const double wanted = q == 0.0 || begin == 0.0 ? 0.0 : r * o_.strike / (q * begin);
        if (o_.american && wanted > kLeastNormal && wanted <= kLargestDouble && r != q) {
            const double wait = logarithm(wanted) / (r - q);
            if (wait > 0.0 && wait < to - from) {
                spot_ = grown(begin, wait);
                consider(from + wait);
            }
        }
        spot_ = grown(begin, to - from);
    }

    void consider(double years) {
        const double exercised = o_.right * (spot_ - o_.strike);
        const double value = exercised > 0.0 ? exercised * saturating_exponential(-o_.rate * years) : 0.0;
        if (!(value > best_.price)) return;
        best_.price = value;
        best_.delta = o_.right * alive_ * saturating_exponential(-o_.dividend_yield * years);
        best_.theta = years == 0.0 ? 0.0
                                   : o_.rate * value - (o_.rate - o_.dividend_yield) * o_.spot * best_.delta;
    }

    const LadderOption& o_;
    double spot_, alive_ = 1.0;
    LadderReading best_ = {0.0, 0.0, 0.0, 0.0};
};

inline bool has_known_path(const LadderOption& o) {
    return o.spot == 0.0 || o.strike == 0.0 || o.vol * square_root(o.years) < kLeastLadderVol;
}

inline LadderReading limit_of(const LadderOption& o) {
    if (!in_domain(o) || !has_known_path(o)) return {kUndefined, kUndefined, kUndefined, kUndefined};
    return KnownPath(o).best();
}

}  // namespace
}  // namespace atalanta
