// Exercise boundaries of a piece of rows over time.
#include <cmath>
#include <limits>
#include <vector>

#include "pricing/american/double_boundary.hpp"
#include "pricing/american/gathered_puts.hpp"
#include "pricing/american/perpetual.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The regime does not look at the spot.
AmericanRow at_the_money(const OptionRows& rows, std::size_t i) {
    AmericanRow row = american_row(rows, i);
    row.spot = row.strike;
    return row;
}

double spot_of(const AmericanRow& row, double unit_boundary) {
    return row.is_call() ? row.strike / unit_boundary : row.strike * unit_boundary;
}

bool exercise_pays(const AmericanRow& row) {
    const double rate = row.put_rate(), yield = row.put_yield();
    return rate > 0.0 || yield < rate;
}

// At expiry, or where nothing is random: where interest on the strike begins to exceed the yield of the spot.
double certain_boundary(const AmericanRow& row) {
    const double rate = row.put_rate(), yield = row.put_yield();
    if (!exercise_pays(row)) return 0.0;
    return yield > rate && rate > 0.0 ? rate / yield : 1.0;
}

struct Places {
    std::size_t times, stride;
    double* out;
    double* other;

    void fill(std::size_t i, double value) const {
        for (std::size_t k = 0; k < times; ++k) out[k * stride + i] = value;
    }
};

void fill_double(const OptionRows& row, bool call, double tolerance, const double* remaining, std::size_t i,
                 const Places& to) {
    std::vector<double> lower(to.times), upper(to.times);
    double_boundary_edges(row, tolerance, remaining, to.times, lower.data(), upper.data());
    for (std::size_t k = 0; k < to.times; ++k) {
        to.out[k * to.stride + i] = call ? lower[k] : upper[k];
        if (to.other != nullptr) to.other[k * to.stride + i] = call ? upper[k] : lower[k];
    }
}

std::vector<double> coefficients_of(std::size_t index, const double* remaining, std::size_t times) {
    const std::size_t nodes = kCollocationSizes[index].nodes;
    std::vector<double> all(times * nodes);
    for (std::size_t k = 0; k < times; ++k) {
        interpolate_boundary(nodes, std::sqrt(remaining[k]), all.data() + k * nodes);
    }
    return all;
}

// As a share of the put's strike, with so much of the row's time left; `collocated` where that is not known
// better.
double unit_boundary(AmericanRow row, double remaining, double collocated) {
    row.years *= remaining;
    if (!drift_rules(row)) return collocated;
    return perpetual_put(1.0, row.put_rate(), row.put_yield(), row.vol).boundary;
}

void fill_class(const OptionRows& rows, std::size_t index, GatheredPuts& gathered, const double* remaining,
                const Places& to) {
    const UnitPuts puts = gathered.puts();
    const std::vector<double> coefficients = coefficients_of(index, remaining, to.times);
    std::vector<double> found(to.times * puts.size);
    active_kernels().american->boundaries[index](collocation_tables(index), puts, coefficients.data(),
                                                 to.times, found.data());
    for (std::size_t k = 0; k < to.times; ++k) {
        for (std::size_t p = 0; p < gathered.size(); ++p) {
            const std::size_t i = gathered.row(p);
            const AmericanRow row = at_the_money(rows, i);
            to.out[k * to.stride + i] =
                spot_of(row, unit_boundary(row, remaining[k], found[k * puts.size + p]));
        }
    }
}

// Fills what needs no collocation; the class of what does, kCollocationClasses for the rest.
std::size_t fill_or_classify(const OptionRows& rows, std::size_t i, double tolerance, const double* remaining,
                             const Places& to) {
    const AmericanRow row = at_the_money(rows, i);
    switch (regime_of(row)) {
        case Regime::undefined:
            to.fill(i, kNaN);
            break;
        case Regime::certain:
            to.fill(i, spot_of(row, certain_boundary(row)));
            break;
        case Regime::european:
            to.fill(i, row.is_call() ? kInfinity : 0.0);
            break;
        case Regime::double_boundary:
            fill_double(rows.slice(i, 1), row.is_call(), tolerance, remaining, i, to);
            break;
        case Regime::perpetual:
        case Regime::collocation:
            return collocation_class(row, tolerance);
    }
    return kCollocationClasses;
}

}  // namespace

void piece_boundary(const OptionRows& rows, double tolerance, const double* remaining, std::size_t times,
                    std::size_t stride, double* out, double* other) noexcept {
    const Places to = {times, stride, out, other};
    GatheredPuts gathered;
    std::uint8_t chosen[kPieceRows];
    for (std::size_t i = 0; i < rows.size; ++i) {
        if (other != nullptr) Places{times, stride, other, nullptr}.fill(i, kNaN);
        chosen[i] = static_cast<std::uint8_t>(fill_or_classify(rows, i, tolerance, remaining, to));
    }
    for (std::size_t index = 0; index < kCollocationClasses; ++index) {
        gathered.clear();
        for (std::size_t i = 0; i < rows.size; ++i) {
            if (chosen[i] == index) gathered.add(at_the_money(rows, i), i);
        }
        if (gathered.size() > 0) fill_class(rows, index, gathered, remaining, to);
    }
    for (std::size_t k = 0; k < times; ++k) {
        if (remaining[k] >= 0.0 && remaining[k] <= 1.0) continue;
        for (std::size_t i = 0; i < rows.size; ++i) out[k * stride + i] = kNaN;
    }
}

}  // namespace atalanta
