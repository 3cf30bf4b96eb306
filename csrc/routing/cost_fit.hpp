// Time as a + b * effort over one range of sizes, fitted to samples as they come: recursive least squares in
// relative error, older samples forgotten, wild ones held down. Two anchors, the line's ends as calibration
// saw them, keep it determined while all samples have one size. Entry: CostFit::observe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace atalanta::routing {

struct CostLine {
    double a, b;  // nanoseconds, nanoseconds per unit of effort; neither is negative
    double at(double effort) const noexcept { return a + b * effort; }
};

class CostFit {
  public:
    // How much the ends of the line count against samples: measured there, or only foretold.
    enum class Ends : std::uint8_t { measured, foretold };

    // The line through (low, ns_low) and (high, ns_high); efforts ascend, times are positive. `drift`: of
    // times that were foretold by a fit that has changed.
    void start(double low, double ns_low, double high, double ns_high, Ends ends = Ends::measured,
               double drift = 0.0) noexcept;

    // Takes a sample in. True when it showed that all times here have changed by a common factor, which the
    // whole fit then follows at once.
    bool observe(double effort, double ns) noexcept;

    CostLine line() const noexcept { return line_; }

    // Standard deviation of log(measured / predicted).
    double spread() const noexcept;

    // By how much the times have changed against calibration, as a logarithm: sums over what observe() found.
    double drift() const noexcept { return drift_; }

    std::size_t samples() const noexcept { return samples_; }

  private:
    static constexpr std::size_t kRecent = 8;

    void add(double effort, double ns, double weight) noexcept;
    void solve() noexcept;
    bool follow_change(double residual) noexcept;
    void scale_times(double factor) noexcept;

    // Sums over samples of weight / ns^2 times 1, x, x^2, ns, x ns; x is the effort over high_.
    struct Sums {
        double w, x, xx, y, xy;
    };

    Sums sums_{};
    CostLine line_{};
    double low_ = 0.0, high_ = 1.0, ns_low_ = 1.0, ns_high_ = 1.0;
    double anchor_weight_ = 0.0, variance_ = 0.0, trend_ = 0.0, drift_ = 0.0;
    std::array<double, kRecent> recent_{};  // the last log(measured / predicted), round and round
    std::size_t since_change_ = 0, samples_ = 0;
};

}  // namespace atalanta::routing
