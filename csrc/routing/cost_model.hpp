// What one operation costs on one target, piece by piece: a line for every two doublings of the size, since
// real kernels bend where their data leave a cache, and where they begin to use threads; and a factor
// that follows the load of the machine at once, for a piece and its neighbours. Entries:
// CostModel::calibrate, observe, predict.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/cost_fit.hpp"
#include "routing/operation_class.hpp"
#include "routing/recent_load.hpp"

namespace atalanta::routing {

// The first piece ends at 2^5, each further one two doublings later; the last has no end.
inline constexpr std::size_t kPieces = 12;

inline double piece_end(std::size_t piece) noexcept {
    return static_cast<double>(std::uint64_t{1} << (5 + 2 * piece));
}

struct CostPoint {
    std::uint64_t work;
    double ns;  // median or least time of one call
};

// Many threads may predict while one observes; a sample that finds another thread at it is dropped.
class CostModel {
  public:
    void define(OperationClass kind) noexcept { kind_ = kind; }

    // Starts over from measured points, at least one: lines between them, the outer ones prolonged.
    void calibrate(std::span<const CostPoint> points) noexcept;
    bool calibrated() const noexcept { return calibrated_.load(std::memory_order_acquire); }

    // Expected nanoseconds; NaN before calibration.
    double predict(double work) const noexcept;
    // The same without the load of the moment, which targets that were not measured lately may share.
    double predict_unloaded(double work) const noexcept;
    // Standard deviation of log(measured / predicted) around that size.
    double spread(double work) const noexcept;
    // What calibration said, whatever was observed since.
    double calibrated_ns(double work) const noexcept;
    // Whether nothing was measured around that size, by calibration or since.
    bool foretold(double work) const noexcept;
    // exp of the logarithmic change since calibration that samples have shown around that size, load
    // included.
    double drift(double work) const noexcept;

    // Whether predictions moved so much since the last call that decisions may differ now: at this piece's
    // sizes, at its neighbours' too, or there and at all larger ones. `now`: samples of the operation so far,
    // on whatever target.
    enum class Effect : std::uint8_t { dropped, kept, moved, moved_around, moved_beyond };
    Effect observe(double work, double ns, std::uint64_t now = 0) noexcept;
    // Forgets a load that nothing has confirmed lately.
    void refresh(std::uint64_t now) noexcept;

    // Sizes of the piece around `work`, and of so many neighbours on each side.
    std::array<double, 2> piece_range(double work, std::size_t neighbours = 0) const noexcept;
    std::uint64_t samples() const noexcept { return samples_.load(std::memory_order_relaxed); }

  private:
    // What predict() reads, apart from what observe() works on.
    struct Published {
        std::atomic<double> a{0.0}, b{0.0}, spread{0.0}, drift{0.0}, base_a{0.0}, base_b{0.0}, load{1.0};
        std::atomic<bool> foretold{false};
    };

    static std::size_t piece_of(double work) noexcept;
    // Where the line of a piece is held by calibration.
    static std::array<double, 2> piece_ends(std::size_t piece) noexcept;
    void publish(std::size_t piece) noexcept;
    // Prolongs what a size beyond calibration has shown to the larger ones of which nothing is known; false
    // where there are none.
    bool prolong_beyond(std::size_t piece) noexcept;
    bool moved(std::size_t piece) noexcept;
    // The first and last piece that a load at this one is known to.
    static std::array<std::size_t, 2> neighbours_of(std::size_t piece) noexcept;
    // Whether no load is known there.
    bool at_rest(std::size_t piece) const noexcept;
    // True where it moved so much that decisions may differ.
    bool publish_load(std::size_t piece, std::uint64_t now) noexcept;

    OperationClass kind_{};
    std::array<Published, kPieces> published_;

    std::atomic<bool> calibrated_{false};
    std::atomic<std::uint64_t> samples_{0};

    std::atomic_flag busy_;  // guards what follows
    std::array<CostFit, kPieces> fits_;
    std::array<CostLine, kPieces> told_{};  // the lines when observe() last said "moved"
    std::array<bool, kPieces> known_{};     // measured there, not prolonged
    RecentLoad recent_load_;
    std::array<double, kPieces> told_load_{};
};

}  // namespace atalanta::routing
