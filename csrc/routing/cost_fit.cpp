#include "routing/cost_fit.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::routing {
namespace {

constexpr double kForgetting = 0.995;    // a sample counts half after 140 more
constexpr double kMeasuredWeight = 2.0;  // of each end, in samples
constexpr double kForetoldWeight = 0.5;
constexpr double kHuber = 0.3;         // relative residuals beyond it count in proportion only
constexpr double kStartSpread = 0.15;  // assumed before there are samples
constexpr double kVarianceRate = 1.0 / 32;
constexpr double kTrendRate = 1.0 / 4;
constexpr double kClip = 1.0;    // of a log residual in trend and variance
constexpr double kChange = 0.2;  // a log residual that is a change when it is the median
constexpr std::size_t kSamplesOfChange = 6;
constexpr double kKeptOfHistory = 0.1;  // after a change, whose size is known roughly

// An anchor that has become too low must not count for more than the samples that say so.
double anchor_weight(double weight, double ns, double predicted) noexcept {
    const double larger = std::max(ns, predicted);
    return weight / (larger * larger);
}

}  // namespace

void CostFit::start(double low, double ns_low, double high, double ns_high, Ends ends,
                    double drift) noexcept {
    *this = CostFit{};
    drift_ = drift;
    anchor_weight_ = ends == Ends::measured ? kMeasuredWeight : kForetoldWeight;
    low_ = low, high_ = high, ns_low_ = ns_low, ns_high_ = ns_high;
    variance_ = kStartSpread * kStartSpread;
    solve();
}

bool CostFit::observe(double effort, double ns) noexcept {
    const double predicted = line_.at(effort);
    const double residual = std::log(ns / predicted);
    ++samples_;
    if (follow_change(residual)) {
        add(effort, ns, 1.0);
        solve();
        return true;
    }
    const double clipped = std::clamp(residual, -kClip, kClip);
    variance_ += kVarianceRate * (clipped * clipped - variance_);
    const double relative = std::fabs(ns / predicted - 1.0);
    add(effort, ns, relative > kHuber ? kHuber / relative : 1.0);
    solve();
    return false;
}

double CostFit::spread() const noexcept {
    return std::sqrt(variance_);
}

void CostFit::add(double effort, double ns, double weight) noexcept {
    const double x = effort / high_, w = weight / (ns * ns);
    sums_ = {kForgetting * sums_.w + w, kForgetting * sums_.x + w * x, kForgetting * sums_.xx + w * x * x,
             kForgetting * sums_.y + w * ns, kForgetting * sums_.xy + w * x * ns};
}

void CostFit::solve() noexcept {
    const double low = low_ / high_;
    const double wl = anchor_weight(anchor_weight_, ns_low_, line_.at(low_));
    const double wh = anchor_weight(anchor_weight_, ns_high_, line_.at(high_));
    const double w = sums_.w + wl + wh, x = sums_.x + wl * low + wh, xx = sums_.xx + wl * low * low + wh;
    const double y = sums_.y + wl * ns_low_ + wh * ns_high_,
                 xy = sums_.xy + wl * low * ns_low_ + wh * ns_high_;
    const double determinant = w * xx - x * x;
    double a = (xx * y - x * xy) / determinant, b = (w * xy - x * y) / determinant;
    if (!(a >= 0.0)) a = 0.0, b = xy / xx;
    if (!(b >= 0.0)) a = y / w, b = 0.0;
    line_ = {a, b / high_};
}

// A changed machine shifts every residual alike; the median of the last few tells it from a spike.
bool CostFit::follow_change(double residual) noexcept {
    recent_[since_change_++ % kRecent] = residual;
    trend_ += kTrendRate * (std::clamp(residual, -kClip, kClip) - trend_);
    if (since_change_ < kSamplesOfChange || std::fabs(trend_) < kChange) return false;
    const std::size_t count = std::min(since_change_, kRecent);
    std::array<double, kRecent> sorted = recent_;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(count / 2);
    std::nth_element(sorted.begin(), middle, sorted.begin() + static_cast<std::ptrdiff_t>(count));
    if (std::fabs(*middle) < kChange) return false;
    scale_times(std::exp(*middle));
    drift_ += *middle;
    trend_ = 0.0;
    since_change_ = 0;
    return true;
}

void CostFit::scale_times(double factor) noexcept {
    ns_low_ *= factor, ns_high_ *= factor;
    const double once = kKeptOfHistory / factor, twice = once / factor;
    sums_ = {sums_.w * twice, sums_.x * twice, sums_.xx * twice, sums_.y * once, sums_.xy * once};
    line_ = {line_.a * factor, line_.b * factor};
}

}  // namespace atalanta::routing
