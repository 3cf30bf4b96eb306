#include "routing/cost_model.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>

#include "routing/size_bins.hpp"

namespace atalanta::routing {
namespace {

constexpr double kMoved = 0.03;      // of a prediction, before the table is made again
constexpr double kLoadMoved = 0.08;  // of the load
constexpr double kLoadShare = 0.9;   // of a residual that is put down to load; the rest, in time, to the line
constexpr std::size_t kSamplesToKnow = 4;
constexpr double kLeastNs = 1e-3;  // that a call can take; less has no weight that is finite

// Lets observers that must not wait give up, and those that must, wait.
class Hold {
  public:
    explicit Hold(std::atomic_flag& flag) : flag_(flag) {
        while (flag_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    }
    ~Hold() { flag_.clear(std::memory_order_release); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

  private:
    std::atomic_flag& flag_;
};

// The line through two points that no time of ours leaves: it neither falls nor starts below zero.
CostLine line_through(double x0, double y0, double x1, double y1) noexcept {
    const double b = std::max(0.0, (y1 - y0) / (x1 - x0));
    const double a = y0 - b * x0;
    return a >= 0.0 ? CostLine{a, b} : CostLine{0.0, y1 / x1};
}

// Beyond what was measured a launch that hides the work must not look like work for nothing: each further
// element takes a quarter of the average one so far at least.
CostLine prolonged(const CostLine& line, double x, double y) noexcept {
    const double b = std::max(line.b, 0.25 * y / x);
    return {y - b * x, b};
}

// Calibration's answer at any size.
class Interpolation {
  public:
    Interpolation(std::span<const CostPoint> points, OperationClass kind) : points_(points), kind_(kind) {}

    double at(double work) const noexcept {
        if (points_.size() == 1)  // at most proportional, and never less than what was measured
            return points_[0].ns * std::max(1.0, effort_of(kind_, work) / effort(points_[0].work));
        std::size_t upper = 1;
        while (upper + 1 < points_.size() && static_cast<double>(points_[upper].work) < work) ++upper;
        const CostPoint &from = points_[upper - 1], &to = points_[upper];
        CostLine line = line_through(effort(from.work), from.ns, effort(to.work), to.ns);
        if (work > static_cast<double>(to.work)) line = prolonged(line, effort(to.work), to.ns);
        return std::max(line.at(effort_of(kind_, work)), 1e-3);
    }

  private:
    double effort(std::uint64_t work) const noexcept { return effort_of(kind_, static_cast<double>(work)); }

    std::span<const CostPoint> points_;
    OperationClass kind_;
};

}  // namespace

void CostModel::calibrate(std::span<const CostPoint> points) noexcept {
    const Hold hold(busy_);
    const Interpolation measured(points, kind_);
    for (std::size_t i = 0; i < kPieces; ++i) {
        const auto [low, high] = piece_ends(i);
        known_[i] =
            high > static_cast<double>(points.front().work) && low < static_cast<double>(points.back().work);
        fits_[i].start(effort_of(kind_, low), measured.at(low), effort_of(kind_, high), measured.at(high),
                       known_[i] ? CostFit::Ends::measured : CostFit::Ends::foretold);
        published_[i].base_a.store(fits_[i].line().a, std::memory_order_relaxed);
        published_[i].base_b.store(fits_[i].line().b, std::memory_order_relaxed);
        told_[i] = fits_[i].line();
        publish(i);
    }
    recent_load_ = {};
    for (std::size_t i = 0; i < kPieces; ++i) {
        told_load_[i] = 1.0;
        publish_load(i, 0);
    }
    calibrated_.store(true, std::memory_order_release);
}

double CostModel::predict(double work) const noexcept {
    return published_[piece_of(work)].load.load(std::memory_order_relaxed) * predict_unloaded(work);
}

double CostModel::predict_unloaded(double work) const noexcept {
    if (!calibrated()) return std::numeric_limits<double>::quiet_NaN();
    const Published& piece = published_[piece_of(work)];
    return piece.a.load(std::memory_order_relaxed) +
           piece.b.load(std::memory_order_relaxed) * effort_of(kind_, work);
}

double CostModel::spread(double work) const noexcept {
    return published_[piece_of(work)].spread.load(std::memory_order_relaxed);
}

double CostModel::calibrated_ns(double work) const noexcept {
    if (!calibrated()) return std::numeric_limits<double>::quiet_NaN();
    const Published& piece = published_[piece_of(work)];
    return piece.base_a.load(std::memory_order_relaxed) +
           piece.base_b.load(std::memory_order_relaxed) * effort_of(kind_, work);
}

bool CostModel::foretold(double work) const noexcept {
    return published_[piece_of(work)].foretold.load(std::memory_order_relaxed);
}

double CostModel::drift(double work) const noexcept {
    const Published& piece = published_[piece_of(work)];
    return piece.load.load(std::memory_order_relaxed) * std::exp(piece.drift.load(std::memory_order_relaxed));
}

CostModel::Effect CostModel::observe(double work, double ns, std::uint64_t now) noexcept {
    if (!calibrated() || !(ns >= kLeastNs) || !std::isfinite(ns)) return Effect::dropped;
    if (busy_.test_and_set(std::memory_order_acquire)) return Effect::dropped;
    const std::size_t piece = piece_of(work);
    const double effort = effort_of(kind_, work);
    CostFit& fit = fits_[piece];
    const double residual = std::log(ns / fit.line().at(effort));
    if (known_[piece] || fit.samples() >= kSamplesToKnow) recent_load_.add(piece, residual, now);
    const bool calm = RecentLoad::is_noise(residual) && at_rest(piece);  // and then it stays so
    const double load = calm ? 0.0 : recent_load_.value(piece, now);
    const bool changed = fit.observe(effort, calm ? ns : ns * std::exp(-kLoadShare * load));
    publish(piece);
    const bool differs = moved(piece) || changed;
    if (differs) told_[piece] = fit.line();
    const bool beyond = differs && prolong_beyond(piece);
    bool around = false;
    const auto [first, last] = neighbours_of(piece);
    for (std::size_t i = first; !calm && i <= last; ++i) around |= publish_load(i, now);
    busy_.clear(std::memory_order_release);
    samples_.fetch_add(1, std::memory_order_relaxed);
    if (beyond) return Effect::moved_beyond;
    return around ? Effect::moved_around : differs ? Effect::moved : Effect::kept;
}

std::array<std::size_t, 2> CostModel::neighbours_of(std::size_t piece) noexcept {
    return {piece - std::min(piece, RecentLoad::kReach), std::min(kPieces - 1, piece + RecentLoad::kReach)};
}

bool CostModel::at_rest(std::size_t piece) const noexcept {
    const auto [first, last] = neighbours_of(piece);
    for (std::size_t i = first; i <= last; ++i) {
        if (published_[i].load.load(std::memory_order_relaxed) != 1.0) return false;
    }
    return true;
}

void CostModel::refresh(std::uint64_t now) noexcept {
    if (busy_.test_and_set(std::memory_order_acquire)) return;
    for (std::size_t i = 0; i < kPieces; ++i) publish_load(i, now);
    busy_.clear(std::memory_order_release);
}

bool CostModel::publish_load(std::size_t piece, std::uint64_t now) noexcept {
    const double load = std::exp(recent_load_.value(piece, now));
    published_[piece].load.store(load, std::memory_order_relaxed);
    if (std::fabs(load - told_load_[piece]) <= kLoadMoved * told_load_[piece]) return false;
    told_load_[piece] = load;
    return true;
}

std::array<double, 2> CostModel::piece_range(double work, std::size_t neighbours) const noexcept {
    const std::size_t piece = piece_of(work), first = piece - std::min(piece, neighbours);
    const std::size_t last = std::min(kPieces - 1, piece + neighbours);
    return {piece_ends(first)[0], last + 1 == kPieces ? static_cast<double>(kLargestWork) : piece_end(last)};
}

std::size_t CostModel::piece_of(double work) noexcept {
    const double size = std::min(work, static_cast<double>(kLargestWork));
    const auto doublings = static_cast<std::size_t>(std::bit_width(static_cast<std::uint64_t>(size)));
    return std::min(kPieces - 1, doublings < 6 ? 0 : (doublings - 4) / 2);
}

std::array<double, 2> CostModel::piece_ends(std::size_t piece) noexcept {
    return {piece == 0 ? 1.0 : piece_end(piece - 1), piece_end(piece)};
}

void CostModel::publish(std::size_t piece) noexcept {
    const CostFit& fit = fits_[piece];
    published_[piece].a.store(fit.line().a, std::memory_order_relaxed);
    published_[piece].b.store(fit.line().b, std::memory_order_relaxed);
    published_[piece].spread.store(fit.spread(), std::memory_order_relaxed);
    published_[piece].drift.store(fit.drift(), std::memory_order_relaxed);
    published_[piece].foretold.store(!known_[piece] && fit.samples() == 0, std::memory_order_relaxed);
}

bool CostModel::prolong_beyond(std::size_t piece) noexcept {
    if (known_[piece]) return false;
    const double end = effort_of(kind_, piece_ends(piece)[1]);
    const CostLine line = prolonged(fits_[piece].line(), end, fits_[piece].line().at(end));
    std::size_t next = piece + 1;
    for (; next < kPieces && !known_[next] && fits_[next].samples() == 0; ++next) {
        const auto [low, high] = piece_ends(next);
        const double from = effort_of(kind_, low), to = effort_of(kind_, high);
        fits_[next].start(from, line.at(from), to, line.at(to), CostFit::Ends::foretold,
                          fits_[piece].drift());
        told_[next] = fits_[next].line();
        publish(next);
    }
    return next > piece + 1;
}

bool CostModel::moved(std::size_t piece) noexcept {
    const auto [first, last] = piece_ends(piece);
    const double low = effort_of(kind_, first), high = effort_of(kind_, last);
    const auto differs = [&](double effort) {
        const double before = told_[piece].at(effort);
        return std::fabs(fits_[piece].line().at(effort) - before) > kMoved * before;
    };
    return differs(low) || differs(high);
}

}  // namespace atalanta::routing
