#include "streaming/parity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace atalanta::streaming {
namespace {

// As in atalanta.market.analysis.parity, where each is explained.
constexpr double kWidth = 0.15;     // of the nearness weights, in log moneyness
constexpr double kTightest = 0.25;  // of the median spread
constexpr int kHuberPasses = 5;
constexpr double kHuberScale = 0.15;
constexpr double kCutoff = 1.0, kTypicalCutoff = 5.0;
constexpr double kLeastSensitivity = 0.25;
constexpr double kEnoughFreedom = 8.0, kQuotesFreedom = 3.0;

using Values = std::array<double, kMostPairs>;

double lower_median(Values values, std::size_t count) noexcept {
    double* const middle = values.data() + (count - 1) / 2;
    std::nth_element(values.data(), middle, values.data() + count);
    return *middle;
}

double squared(double value) noexcept {
    return value * value;
}

struct Fit {
    std::span<const ParityPair> pairs;
    double discount;
    Values log_strike{}, trust{}, near{}, weight{}, residual{};
    double forward = 0.0;

    template <class F>
    double sum(F&& of) const noexcept {
        double all = 0.0;
        for (std::size_t i = 0; i < pairs.size(); ++i) all += of(i);
        return all;
    }
    template <class F>
    void each(Values& values, F&& of) const noexcept {
        for (std::size_t i = 0; i < pairs.size(); ++i) values[i] = of(i);
    }

    void begin() noexcept {
        Values work{};
        each(work, [&](std::size_t i) { return pairs[i].spread; });
        const double least = kTightest * lower_median(work, pairs.size());
        each(trust, [&](std::size_t i) { return std::max(pairs[i].spread, least); });
        each(log_strike, [&](std::size_t i) { return std::log(pairs[i].strike); });
        each(work, [&](std::size_t i) { return pairs[i].strike + pairs[i].parity; });
        forward = lower_median(work, pairs.size());
        each(residual, [&](std::size_t i) { return pairs[i].parity - forward + pairs[i].strike; });
    }
    // How much a pair counts for where it lies and how tightly it is quoted.
    void weigh() noexcept {
        const double log_forward = std::log(forward);
        each(near, [&](std::size_t i) {
            const double distance = (log_strike[i] - log_forward) / kWidth;
            const double nearness = 1.0 / squared(1.0 + squared(distance));
            return (std::isnan(nearness) ? 1.0 : nearness) / squared(trust[i]);
        });
    }
    // The line through the weighted middle of all pairs.
    void draw() noexcept {
        const double total = sum([&](std::size_t i) { return weight[i]; });
        const double centre = sum([&](std::size_t i) { return weight[i] * pairs[i].strike; }) / total;
        const double level = sum([&](std::size_t i) { return weight[i] * pairs[i].parity; }) / total;
        forward = centre + level / discount;
        each(residual,
             [&](std::size_t i) { return pairs[i].parity - level + discount * (pairs[i].strike - centre); });
    }
};

}  // namespace

ParityForward fit_forward(std::span<const ParityPair> pairs, double discount) noexcept {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    if (pairs.empty()) return {kNone, kNone, 0.0};
    Fit fit{pairs.first(std::min(pairs.size(), kMostPairs)), discount};
    const Values &trust = fit.trust, &near = fit.near, &weight = fit.weight, &residual = fit.residual;
    fit.begin();
    // The line that most pairs agree on.
    for (int pass = 0; pass < kHuberPasses; ++pass) {
        fit.weigh();
        fit.each(fit.weight, [&](std::size_t i) {
            return near[i] / std::max(1.0, std::fabs(residual[i]) / (kHuberScale * trust[i]));
        });
        fit.draw();
    }
    const double total = fit.sum([&](std::size_t i) { return weight[i]; });
    const double typical = fit.sum([&](std::size_t i) { return weight[i] * std::fabs(residual[i]); }) / total;
    // Then without those off it.
    fit.weigh();
    Values kept{}, sensitivity{}, witness{};
    fit.each(kept, [&](std::size_t i) {
        const double off = residual[i] / std::max(kCutoff * trust[i], kTypicalCutoff * typical);
        return std::max(0.0, 1.0 - squared(off));
    });
    fit.each(sensitivity, [&](std::size_t i) {
        const double off = residual[i] / std::max(kCutoff * trust[i], kTypicalCutoff * typical);
        return near[i] * kept[i] * (1.0 - 5.0 * squared(off));
    });
    fit.each(fit.weight, [&](std::size_t i) { return near[i] * squared(kept[i]); });
    fit.each(witness, [&](std::size_t i) { return squared(kept[i]) * std::sqrt(near[i]) * trust[i]; });
    fit.draw();

    // Errors from the residuals; the fewer pairs there are to tell, the more from the widths of the quotes.
    const double weights = fit.sum([&](std::size_t i) { return weight[i]; });
    const double seen_by = fit.sum([&](std::size_t i) { return witness[i]; });
    const double effective = squared(seen_by) / fit.sum([&](std::size_t i) { return squared(witness[i]); });
    const double freedom = effective - 1.0;
    const double luck = std::clamp(1.0 - freedom / kEnoughFreedom, 0.0, 1.0), quotes = kQuotesFreedom * luck;
    const double seen = effective * fit.sum([&](std::size_t i) {
        return witness[i] * squared(residual[i] / trust[i]);
    }) / seen_by;
    const double share = (seen + quotes / 12.0) / (freedom + quotes);  // mids uniform between bid and ask
    const double scores = fit.sum([&](std::size_t i) {
        const double common = share * squared(trust[i]);
        const double own = squared(residual[i]) + weight[i] / weights * common;
        return squared(weight[i]) * (own + luck * (common - own));
    });
    const double follows =
        std::max(fit.sum([&](std::size_t i) { return sensitivity[i]; }), kLeastSensitivity * weights);
    const double error = std::sqrt(scores) / follows / std::fabs(discount);
    const bool sound = std::isfinite(fit.forward) && fit.forward > 0.0 && std::isfinite(error);
    return {sound ? fit.forward : kNone, sound ? error : kNone, effective};
}

}  // namespace atalanta::streaming
