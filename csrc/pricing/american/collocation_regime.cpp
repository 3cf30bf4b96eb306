#include "pricing/american/collocation_regime.hpp"

#include <algorithm>
#include <cmath>

#include "pricing/american/collocation_tables.hpp"
#include "pricing/american/double_boundary.hpp"

namespace atalanta {
namespace {

// Beyond it discount factors leave the range in which the kernels work.
constexpr double kLargestExponent = 300.0;
// Total vol below which its value, at most 0.4 of it, is lost in the finest tolerance; and above which
// a spot survives to the expiry with a probability lost in rounding.
constexpr double kLeastVariance = 1e-18, kLargestVariance = 256.0;
// Squared deviations of drift beyond which an expiry changes a value by e^-20 of it at most. The boundary of
// such an option comes to rest before the collocation's nodes begin: prices of the finest classes were off by
// 4e-4.
constexpr double kRulingDrift = 40.0;

bool is_amount(double x) {
    return x >= 0.0 && std::isfinite(x);
}

// How far a class keeps an error: the larger of |r| T and |q| T, and the same where the carry drives the
// boundary, (r - q) sqrt(T) / vol > 3. Found on 20 000 random rows of r to 15 %, q from -3 to 15 %, T to 10
// and vol to 250 %, against 48 nodes. The first two classes never go beyond ln2 / 2, where their discounts
// end.
struct Reach {
    std::size_t index;
    double tolerance, exponent, driven_exponent;
};
constexpr Reach kReach[] = {{0, 1e-4, 0.12, 0.03}, {1, 1e-4, 0.3, 0.06},  {1, 3e-5, 0.12, 0.06},
                            {2, 3e-5, 0.6, 0.6},   {3, 5e-7, 0.12, 0.12}, {3, 1e-5, 3.0, 3.0}};

}  // namespace

AmericanRow american_row(const OptionRows& rows, std::size_t i) noexcept {
    return {static_cast<double>(rows.right[i]),
            rows.spot[i],
            rows.strike[i],
            rows.years[i],
            rows.rate[i],
            rows.dividend_yield[i],
            rows.vol[i]};
}

Regime regime_of(const AmericanRow& row) noexcept {
    const bool in_domain = row.right * row.right == 1.0 && is_amount(row.spot) && is_amount(row.strike) &&
                           is_amount(row.years) && is_amount(row.vol) &&
                           std::fabs(row.rate * row.years) <= kLargestExponent &&
                           std::fabs(row.dividend_yield * row.years) <= kLargestExponent;
    if (!in_domain) return Regime::undefined;
    const double variance = row.vol * row.vol * row.years;
    if (row.spot == 0.0 || row.strike == 0.0 || !(variance > kLeastVariance)) return Regime::certain;
    const double rate = row.put_rate(), yield = row.put_yield();
    if (rate <= 0.0 && yield >= rate) return Regime::european;
    if (rate < 0.0) {
        return -yield * row.years > kLargestDoubleExponent ? Regime::undefined : Regime::double_boundary;
    }
    return variance > kLargestVariance || drift_rules(row) ? Regime::perpetual : Regime::collocation;
}

bool drift_rules(const AmericanRow& row) noexcept {
    const double variance = row.vol * row.vol, drift = row.put_rate() - row.put_yield() - 0.5 * variance;
    return drift > 0.0 && drift * drift * row.years > kRulingDrift * variance;
}

std::size_t collocation_class(const AmericanRow& row, double tolerance) noexcept {
    const double carry = row.put_rate() - row.put_yield();
    const bool driven = carry > 0.0 && carry * carry * row.years > 9.0 * row.vol * row.vol;
    const double exponent = std::max(std::fabs(row.rate), std::fabs(row.dividend_yield)) * row.years;
    for (const Reach& reach : kReach) {
        const double furthest = driven ? reach.driven_exponent : reach.exponent;
        if (tolerance >= reach.tolerance && exponent <= furthest) return reach.index;
    }
    return kCollocationClasses - 1;
}

}  // namespace atalanta
