// A put with q < r < 0: value, Greeks of order 1 and exercise interval, limits included.
// Entries: DoubleBoundaryPut::greeks, edges. Keeps the edges of the last market, which a chain shares; the
// answer is the same as without.
#pragma once

#include "pricing/american/double_boundary_value.hpp"
#include "pricing/european_limits.hpp"

namespace atalanta {
namespace {

// Nodes of the edges and past times for each; nodes of a panel of the final integral.
template <std::size_t N, std::size_t L, std::size_t P>
struct Precision {
    using Grid = CollocationGrid<N, L>;
    static constexpr std::size_t kPanel = P;
    static const Grid& grid() { return shared_grid<N, L>(); }
};
using CoarsePrecision = Precision<12, 24, 12>;
using MediumPrecision = Precision<16, 32, 16>;
using FinePrecision = Precision<24, 48, 20>;
constexpr double kCoarseBound = 6e-5, kMediumBound = 5e-6;  // their largest errors, strike 100

struct FirstOrder {
    double price, delta, gamma, vega, theta, rho, phi;
};

inline FirstOrder undefined_first_order() {
    return {kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined, kUndefined};
}

inline FirstOrder european_first_order(const Option& o) {
    const Sensitivities g = single_row(o);
    return {g.price, g.delta, g.gamma, g.vega, g.theta, g.rho, g.phi};
}

// The strike for the spot at expiry, whatever the spot.
inline FirstOrder forward_first_order(const Option& o) {
    const double growth = exponential(-o.dividend_yield * o.years), spot = o.spot * growth;
    const double strike = o.strike * exponential(-o.rate * o.years);
    return {strike - spot,     -growth,       0.0, 0.0, o.rate * strike - o.dividend_yield * spot,
            -o.years * strike, o.years * spot};
}

// An option that is exercised now.
inline FirstOrder exercised_put(const Option& o) {
    return {o.strike - o.spot, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0};
}

// Without volatility the spot grows to the lower edge K r/q and is sold there, or at expiry on the way to it.
inline FirstOrder without_vol_put(const Option& o) {
    const double edge = o.strike * (o.rate / o.dividend_yield);
    if (o.spot > o.strike) return {};
    if (o.spot >= edge) return exercised_put(o);
    if (o.spot <= 0.0) return european_first_order(o);
    const double wait = log_ratio(edge, o.spot) / (o.rate - o.dividend_yield);
    if (!(wait < o.years)) return european_first_order(o);
    const double strike = o.strike * exponential(-o.rate * wait),
                 growth = exponential(-o.dividend_yield * wait);
    const double price = strike - o.spot * growth, power = o.rate / (o.rate - o.dividend_yield);
    return {price,
            -growth,
            power * (power - 1.0) * price / (o.spot * o.spot),
            0.0,
            0.0,
            -wait * strike,
            wait * o.spot * growth};
}

struct Interval {
    double lower, upper;
};

template <class Precision>
class DoubleBoundaryPut {
  public:
    FirstOrder greeks(const Option& o, bool with_tangents) {
        if (o.years == 0.0) return expired(o);
        if (is_without_vol(o)) return without_vol_put(o);
        if (o.spot < kLeastNormal || o.strike < kLeastNormal || most_earned(o) < kNegligible)
            return without_premium(o);
        if (!prepare(o)) {
            return most_earned(o) < kLostInPrice ? without_premium(o) : undefined_first_order();
        }
        const double horizon = square_root(o.years), log_spot = log_ratio(o.spot, o.strike);
        if (pair_.end() < horizon) return held(o, Standing::after, horizon, log_spot, with_tangents);
        if (log_spot < pair_.template log_lower<double>(horizon)) {
            return held(o, Standing::below, horizon, log_spot, with_tangents);
        }
        if (log_spot > pair_.template log_upper<double>(horizon)) {
            return held(o, Standing::above, horizon, log_spot, with_tangents);
        }
        return exercised_put(o);
    }

    // As shares of the strike.
    Interval edges(const Option& o, double remaining) {
        const Interval none = {kUndefined, kUndefined};
        if (!(remaining >= 0.0 && remaining <= 1.0) || !(o.strike > 0.0)) return none;
        const double years = remaining * o.years;
        if (years == 0.0 || is_without_vol(o)) return {o.rate / o.dividend_yield, 1.0};
        if (most_earned(o) < kNegligible || !prepare(o)) return none;
        const double x = square_root(years);
        if (x > pair_.end()) return none;
        return {exponential(pair_.template log_lower<double>(x)),
                exponential(pair_.template log_upper<double>(x))};
    }

  private:
    static constexpr double kNegligible = 1e-11;  // in every output
    static constexpr double kLostInPrice = 1e-8;  // where the edges are too close to be found

    // The upper edge is v^2/(r - q) strikes below the strike at most.
    static bool is_without_vol(const Option& o) {
        return o.vol * o.vol < 1e-9 * (o.rate - o.dividend_yield) || o.vol * square_root(o.years) < 1e-9;
    }

    static FirstOrder without_premium(const Option& o) {
        const FirstOrder european = european_first_order(o);
        return european.price < o.strike - o.spot ? exercised_put(o) : european;
    }

    static FirstOrder expired(const Option& o) {
        const double edge = o.strike * (o.rate / o.dividend_yield);
        return o.spot >= edge && o.spot < o.strike ? exercised_put(o) : european_first_order(o);
    }

    // What exercise can earn, in strikes at expiry: the edges begin log(q/r) apart and meet before volatility
    // has twice that width.
    static double most_earned(const Option& o) {
        const double apart = 2.0 * log_ratio(-o.dividend_yield, -o.rate) / o.vol, square = apart * apart;
        return (o.rate - o.dividend_yield) * (o.years < square ? o.years : square);
    }

    bool prepare(const Option& o) {
        const Market<double> market = {o.vol, o.rate, o.dividend_yield};
        if (market.vol == market_.vol && market.rate == market_.rate && market.yield == market_.yield &&
            o.years == years_) {
            return is_solved_;
        }
        market_ = market;
        years_ = o.years;
        has_tangents_ = false;
        pair_ = EdgePair<typename Precision::Grid>(Precision::grid(), market);
        is_solved_ = pair_.solve(square_root(o.years));
        return is_solved_;
    }

    FirstOrder held(const Option& o, Standing standing, double horizon, double log_spot, bool with_tangents) {
        FirstOrder g = standing == Standing::below ? forward_first_order(o) : european_first_order(o);
        add_premium(
            o, exercise_value<Precision::kPanel>(pair_, market_, market_, standing, horizon, log_spot), g);
        if (with_tangents) add_tangents(o, standing, horizon, log_spot, g);
        if (g.price < o.strike - o.spot) g.price = o.strike - o.spot;
        return g;
    }

    // theta from the Black-Scholes equation, which holds where the option is held.
    static void add_premium(const Option& o, const ExerciseValue<double>& v, FirstOrder& g) {
        g.price += o.strike * v.value;
        g.delta += o.strike * v.slope / o.spot;
        g.gamma += o.strike * (v.bend - v.slope) / o.spot / o.spot;
        g.theta += o.strike * (o.rate * v.value - (o.rate - o.dividend_yield) * v.slope -
                               0.5 * (o.vol * o.vol) * (v.bend - v.slope));
    }

    void add_tangents(const Option& o, Standing standing, double horizon, double log_spot, FirstOrder& g) {
        if (!has_tangents_) pair_.differentiate();
        has_tangents_ = true;
        const Market<Jet> market = {variable_jet(o.vol, 0), variable_jet(o.rate, 1),
                                    variable_jet(o.dividend_yield, 2)};
        const Jet value =
            exercise_value<Precision::kPanel>(pair_, market_, market, standing, horizon, log_spot).value;
        g.vega += o.strike * value.along[0];
        g.rho += o.strike * value.along[1];
        g.phi += o.strike * value.along[2];
    }

    Market<double> market_ = {0.0, 0.0, 0.0};
    double years_ = 0.0;
    bool is_solved_ = false, has_tangents_ = false;
    EdgePair<typename Precision::Grid> pair_{Precision::grid(), market_};
};

}  // namespace
}  // namespace atalanta
