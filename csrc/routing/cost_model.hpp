// What one operation costs on one target, piece by piece: a line per level of the memory hierarchy, since
// real kernels bend where their data leave a cache. Entries: CostModel::calibrate, observe, predict.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/cost_fit.hpp"
#include "routing/operation_class.hpp"

namespace atalanta::routing {

inline constexpr std::size_t kPieces = 5;

// Where an operation's data leave the caches: ascending sizes of work; piece i ends at bounds[i].
using PieceBounds = std::array<double, kPieces - 1>;

// Bounds out of the caches' sizes and an operation's bytes per element, on the least and the largest sizes.
PieceBounds piece_bounds(std::span<const double> cache_bytes, double bytes_per_element) noexcept;

struct CostPoint {
    std::uint64_t work;
    double ns;  // median or least time of one call
};

// Many threads may predict while one observes; a sample that finds another thread at it is dropped.
class CostModel {
  public:
    void define(OperationClass kind, const PieceBounds& bounds) noexcept;

    // Starts over from measured points, at least one: lines between them, the outer ones prolonged.
    void calibrate(std::span<const CostPoint> points) noexcept;
    bool calibrated() const noexcept { return calibrated_.load(std::memory_order_acquire); }

    // Expected nanoseconds; NaN before calibration.
    double predict(double work) const noexcept;
    // Standard deviation of log(measured / predicted) around that size.
    double spread(double work) const noexcept;
    // What calibration said, whatever was observed since.
    double calibrated_ns(double work) const noexcept;
    // exp of the logarithmic change since calibration that samples have shown around that size.
    double drift(double work) const noexcept;

    // Whether predictions moved so much since the last call that decisions may differ now.
    enum class Effect : std::uint8_t { dropped, kept, moved };
    Effect observe(double work, double ns) noexcept;

    // Sizes of the piece around `work`, for what depends on it alone.
    std::array<double, 2> piece_range(double work) const noexcept;
    std::uint64_t samples() const noexcept { return samples_.load(std::memory_order_relaxed); }

  private:
    // What predict() reads, apart from what observe() works on.
    struct Published {
        std::atomic<double> a{0.0}, b{0.0}, spread{0.0}, drift{0.0}, base_a{0.0}, base_b{0.0};
    };

    std::size_t piece_of(double work) const noexcept;
    void publish(std::size_t piece) noexcept;
    bool moved(std::size_t piece) noexcept;

    OperationClass kind_{};
    PieceBounds bounds_{};
    std::array<Published, kPieces> published_;
    std::atomic<bool> calibrated_{false};
    std::atomic<std::uint64_t> samples_{0};

    std::atomic_flag busy_;  // guards what follows
    std::array<CostFit, kPieces> fits_;
    std::array<CostLine, kPieces> told_{};  // the lines when observe() last said "moved"
};

}  // namespace atalanta::routing
