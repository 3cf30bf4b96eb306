#include "pricing/american/collocation_regime.hpp"

#include <cmath>

#include "pricing/american/collocation_tables.hpp"

namespace atalanta {
namespace {

// Beyond it discount factors leave the range in which the kernels work.
constexpr double kLargestExponent = 300.0;

bool is_amount(double x) {
    return x >= 0.0 && std::isfinite(x);
}

}  // namespace

AmericanRow american_row(const OptionRows& rows, std::size_t i) noexcept {
    return {static_cast<double>(rows.right[i]), rows.spot[i], rows.strike[i],        rows.years[i],
            rows.rate[i],                       rows.dividend_yield[i], rows.vol[i]};
}

Regime regime_of(const AmericanRow& row) noexcept {
    const bool in_domain = row.right * row.right == 1.0 && is_amount(row.spot) && is_amount(row.strike) &&
                           is_amount(row.years) && is_amount(row.vol) &&
                           std::fabs(row.rate * row.years) <= kLargestExponent &&
                           std::fabs(row.dividend_yield * row.years) <= kLargestExponent;
    if (!in_domain) return Regime::undefined;
    if (row.spot == 0.0 || row.strike == 0.0 || row.years == 0.0 || row.vol == 0.0) return Regime::certain;
    const double rate = row.put_rate(), yield = row.put_yield();
    if (rate <= 0.0 && yield >= rate) return Regime::european;
    return rate < 0.0 ? Regime::double_boundary : Regime::collocation;
}

std::size_t collocation_class(const AmericanRow&, double tolerance) noexcept {
    if (tolerance >= 1e-4) return 0;
    if (tolerance >= 3e-5) return 1;
    return tolerance >= 5e-7 ? 2 : 3;
}

}  // namespace atalanta
