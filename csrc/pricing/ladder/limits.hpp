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

struct KnownValue {
    LadderReading reading;
    LadderSensitivities sensitivities;
};

// The known path from the present on, discounted payoffs along it, and the best of them. Along it
// S(t) = S e^((r-q)t) - sum of D_j e^((r-q)(t-t_j)), until a dividend takes all there is.
class KnownPath {
  public:
    explicit KnownPath(const LadderOption& o) : o_(o), spot_(o.spot) {}
    // From just after date d, with that spot.
    KnownPath(const LadderOption& o, std::uint32_t d, double spot)
        : o_(o), spot_(spot), begin_(o.ex_years[d]), first_(d + 1) {}

    KnownValue best(double* by_cash) {
        walk();
        return differentiate(by_cash);
    }
    // As of where it begins.
    double price() {
        walk();
        return price_;
    }

  private:
    void walk() {
        if (o_.american || o_.years == 0.0) consider(begin_, first_);
        double since = begin_;
        for (std::uint32_t d = first_; d < o_.dividends; ++d) {
            advance(since, o_.ex_years[d], d);
            if (o_.american) consider(o_.ex_years[d], d);
            pay(o_.cash[d]);
            if (o_.american) consider(o_.ex_years[d], d + 1);
            since = o_.ex_years[d];
        }
        advance(since, o_.years, o_.dividends);
        consider(o_.years, o_.dividends);
    }
    double net_growth(double years) const {
        return saturating_exponential((o_.rate - o_.dividend_yield) * years);
    }
    double grown(double spot, double years) const { return spot == 0.0 ? 0.0 : spot * net_growth(years); }

    void pay(double cash) {
        alive_ = alive_ && cash < spot_;
        spot_ = cash < spot_ ? spot_ - cash : 0.0;
    }

    // Exercise between ex-dates is best where q S_t = r K, if anywhere.
    void advance(double from, double to, std::uint32_t paid) {
        const double begin = spot_, r = o_.rate, q = o_.dividend_yield;
        const double wanted = q == 0.0 || begin == 0.0 ? 0.0 : r * o_.strike / (q * begin);
        if (o_.american && wanted > kLeastNormal && wanted <= kLargestDouble && r != q) {
            const double wait = logarithm(wanted) / (r - q);
            if (wait > 0.0 && wait < to - from) {
                spot_ = grown(begin, wait);
                consider(from + wait, paid);
            }
        }
        spot_ = grown(begin, to - from);
    }

    // Exercise after `paid` dividends.
    void consider(double years, std::uint32_t paid) {
        const double exercised = o_.right * (spot_ - o_.strike);
        const double discount = saturating_exponential(-o_.rate * (years - begin_));
        const double value = exercised > 0.0 ? exercised * discount : 0.0;
        if (!(value > price_)) return;
        price_ = value;
        exercise_years_ = years;
        counts_spot_ = alive_;
        paid_ = paid;
    }

    // By its time the best exercise does not change to first order; rates act through the path and the
    // discount.
    KnownValue differentiate(double* by_cash) const {
        for (std::uint32_t d = 0; d < o_.dividends; ++d) by_cash[d] = 0.0;
        KnownValue v = {};
        if (price_ == 0.0) return v;
        const double t = exercise_years_, discount = saturating_exponential(-o_.rate * t);
        const double to_spot = counts_spot_ ? o_.right * discount : 0.0;
        double by_net_rate = to_spot * o_.spot * net_growth(t) * t;
        for (std::uint32_t d = 0; d < paid_; ++d) {
            by_cash[d] = -to_spot * net_growth(t - o_.ex_years[d]);
            by_net_rate = fma(by_cash[d] * o_.cash[d], t - o_.ex_years[d], by_net_rate);
        }
        v.reading.price = price_;
        v.reading.delta = to_spot * net_growth(t);
        v.reading.theta =
            t == 0.0 ? 0.0 : o_.rate * price_ - (o_.rate - o_.dividend_yield) * o_.spot * v.reading.delta;
        v.sensitivities.rho = by_net_rate - t * price_;
        v.sensitivities.phi = -by_net_rate;
        v.sensitivities.exercised = t < o_.years ? 1.0 : 0.0;
        return v;
    }

    const LadderOption& o_;
    double spot_;
    double begin_ = 0.0;
    std::uint32_t first_ = 0;  // date that is still to come there
    bool alive_ = true;
    double price_ = 0.0, exercise_years_ = 0.0;
    bool counts_spot_ = false;
    std::uint32_t paid_ = 0;
};

inline bool has_known_path(const LadderOption& o) {
    return o.spot == 0.0 || o.strike == 0.0 || o.vol * square_root(o.years) < kLeastLadderVol;
}

// by_cash: a number per dividend.
inline KnownValue limit_of(const LadderOption& o, double* by_cash) {
    if (in_domain(o) && has_known_path(o)) return KnownPath(o).best(by_cash);
    for (std::uint32_t d = 0; d < o.dividends; ++d) by_cash[d] = kUndefined;
    return {{kUndefined, kUndefined, kUndefined, kUndefined},
            {kUndefined, kUndefined, kUndefined, kUndefined}};
}

}  // namespace
}  // namespace atalanta
