// Where the free boundary of each stage lies and how fast it moves, for the march back. The derivatives of a
// price vanish on it and rise away from it, so that they feel it more than the price does: a boundary that
// the sweep leaves a tenth of a cell too high costs the price nothing and a derivative beside it a tenth of
// itself. Entries: note_boundary, as the march goes; BoundaryTrack::follow, once it is over.
#pragma once

#include "pricing/ladder/tape.hpp"

namespace atalanta {
namespace {

constexpr double kNoBoundary = 0.0;

// The place of the free boundary, of two the upper one, as the sweep found it, and what the option is worth
// above its payoff one node beyond the first free one. u: of the stage.
inline void note_boundary(const StageRecord& stage, const double* growth, std::size_t nodes,
                          const PerLane& inverse_spacing, const double* u, BoundaryRecord& to) {
    const SweepRecord& sweep = stage.sweep;
    each_lane([&](std::size_t l) { to.place[l] = to.first_free[l] = to.excess[l] = kNoBoundary; });
    LaneSet unknown = kEveryOption;
    for (std::size_t i = sweep.end; i-- > 1 && unknown != 0;) {
        const LaneSet exercised = unknown & ~LaneSet{sweep.held[i]};
        unknown &= ~exercised;
        if (exercised == 0 || i + 1 >= sweep.end || i + 2 >= nodes) continue;
        each_in(exercised, [&](std::size_t l) {
            const double first = static_cast<double>(i + 1), *next = node(u, i + 2) + l;
            const bool resolved = sweep.boundary_node[l] == first;
            to.first_free[l] = first;
            to.place[l] = resolved ? first - sweep.boundary_above[l] * inverse_spacing[l] : first - 1.0;
            const double e = node(growth, i + 2)[l];
            to.excess[l] = *next - fma(-stage.payoff.slope[l], e, stage.payoff.level[l]);
        });
    }
}

// What lies beside a boundary that moves: what solves the equation there has curvature pull * slope, the pull
// being -speed / diffusion. Both are 0 on the boundary.
struct BesideBoundary {
    double rise, excess;  // of slope 1 there; of slope 0 and bend 1

    ATALANTA_INLINE BesideBoundary(double pull, double distance) {
        const double x = pull * distance, tiny = 1e-3;
        const bool flat = x * x < tiny * tiny;
        const double some = flat ? tiny : x, inverse = 1.0 / some, grown = exponential(some) - 1.0;
        const double first = flat ? fma(0.5, x, 1.0) : grown * inverse;
        const double second = flat ? fma(x, 1.0 / 6.0, 0.5) : (grown - some) * inverse * inverse;
        rise = distance * first;
        excess = distance * distance * second;
    }
};

constexpr double kMostPull = 6.0;     // times the spacing
constexpr double kTrustedPull = 0.7;  // where half of the sweep's place counts, and half of the better one
constexpr double kMostAbove = 1.25;   // cells from the boundary to the first free node
constexpr int kPlaceSteps = 3;        // of Newton's method
constexpr double kSmoothCells = 6.0;  // D t/h^2 from a march's start on, before which its kink is not smooth
constexpr double kNotBegun = -1.0;

class BoundaryTrack {
  public:
    BoundaryTrack(const Normalised& n, const Tape& tape, std::uint32_t steps, std::size_t nodes)
        : n_(n), tape_(tape), steps_(steps), middle_(static_cast<double>(nodes / 2)) {}

    void follow() const {
        Stretch before = {}, now = {}, after = steps_ > 0 ? stretch(0) : Stretch{};
        PerLane start, smooth;  // years to expiry where a lane's march began; 1 once its kink is smooth
        each_lane([&](std::size_t l) { start[l] = kNotBegun; });
        for (std::uint32_t s = 0; s < steps_; ++s) {
            before = now;
            now = after;
            after = s + 1 < steps_ ? stretch(s + 1) : Stretch{};
            StepRecord& step = tape_.step(s);
            PerLane at_end;
            each_lane([&](std::size_t l) {
                const double time = step.stage[0].payoff.time[l], h = step.spacing[l];
                at_end[l] = speed_at_end(before, now, after, l);
                const bool marches = now.begins[l] > 0.0 && now.years[l] > 0.0;  // is not idle
                start[l] = marches && start[l] == kNotBegun ? time : start[l];
                smooth[l] = n_.diffusion[l] * (time - start[l]) > kSmoothCells * h * h ? 1.0 : 0.0;
            });
            place(step, step.stage[0], now.speed, smooth);
            place(step, step.stage[1], at_end, smooth);
        }
    }

  private:
    // The boundary over a step: cells a year, 0 where that is not known.
    struct Stretch {
        PerLane speed, years, begins;
    };

    [[gnu::noinline, gnu::flatten]] Stretch stretch(std::uint32_t s) const {
        Stretch to;
        const StepRecord& step = tape_.step(s);
        const BoundaryRecord &stage = step.stage[0].boundary, &end = step.stage[1].boundary;
        const PerLane& start = s > 0 ? tape_.step(s - 1).stage[1].boundary.place : kNowhere;
        each_lane([&](std::size_t l) {
            const double later = step.stage[1].payoff.time[l] - step.stage[0].payoff.time[l];
            const double years = later * (1.0 / (1.0 - kGamma)), some = later > 0.0 ? later : 1.0;
            const bool begins = step.begins[l] > 0.0, idle = !(later > 0.0);
            const double from = begins ? kNoBoundary : start[l], to_end = end.place[l];
            const double of_step = (to_end - from) * (1.0 - kGamma) / some;
            const double of_stage = (to_end - stage.place[l]) / some;
            const bool ends = to_end > 0.0, starts = from > 0.0, stages = stage.place[l] > 0.0;
            const double known = starts ? of_step : stages ? of_stage : 0.0;
            to.speed[l] = (ends & !idle) ? known : 0.0;
            to.years[l] = years;
            to.begins[l] = begins ? 1.0 : 0.0;
        });
        return to;
    }

    // Between those of two steps, or beyond those of the last ones of an interval.
    ATALANTA_INLINE static double speed_at_end(const Stretch& before, const Stretch& now,
                                               const Stretch& after, std::size_t l) {
        const double v = now.speed[l], t = now.years[l], next = after.speed[l], last = before.speed[l];
        const double t_next = after.years[l], t_last = before.years[l];
        const double both = t + t_next > 0.0 ? t + t_next : 1.0, past = t + t_last > 0.0 ? t + t_last : 1.0;
        const double between = fma(v, t_next, next * t) / both;
        const double beyond = fma(v - last, t / past, v);
        const bool goes_on = after.begins[l] == 0.0, is_known = next != 0.0;
        const bool knew = last != 0.0, went_on = now.begins[l] == 0.0, same_way = beyond * v > 0.0;
        const double alone = (knew & went_on) ? (same_way ? beyond : 0.0) : v;
        return (goes_on & is_known) ? (v != 0.0 ? between : next) : alone;
    }

    // From what the option is worth one node beyond the first free one to where the boundary lies, and what
    // the derivatives of the price do about it.
    [[gnu::noinline, gnu::flatten]] void place(const StepRecord& step, StageRecord& stage,
                                               const PerLane& speed, const PerLane& smooth) const {
        BoundaryRecord& to = stage.boundary;
        PerLane pull, plain, grown, distance, tracks;
        each_lane([&](std::size_t l) {
            const double h = step.spacing[l], inverse = n_.inverse_diffusion[l];
            const double wanted = -speed[l] * h * inverse, most = kMostPull / h;
            const double low = wanted > -most ? wanted : -most;
            pull[l] = low < most ? low : most;
            plain[l] = n_.rate[l] * stage.payoff.level[l] * inverse;
            grown[l] =
                n_.yield[l] * stage.payoff.slope[l] * inverse * exponential((to.first_free[l] - middle_) * h);
            const double bend = plain[l] - grown[l], excess = to.excess[l] > 0.0 ? to.excess[l] : 0.0;
            const bool exercised = to.first_free[l] > 1.0, leans = step.op.alpha[l] < 0.0, bends = bend > 0.0;
            const bool all = exercised & leans & bends & (smooth[l] > 0.0);
            tracks[l] = all ? 1.0 : 0.0;
            distance[l] = square_root((excess + excess) / (all ? bend : 1.0));
        });
        for (int k = 0; k < kPlaceSteps; ++k) {
            each_lane([&](std::size_t l) {
                const double excess = to.excess[l] > 0.0 ? to.excess[l] : 0.0;
                const double bend = tracks[l] > 0.0 ? plain[l] - grown[l] : 1.0;
                distance[l] =
                    improved(distance[l], step.spacing[l], pull[l], plain[l], grown[l], bend, excess);
            });
        }
        each_lane([&](std::size_t l) {
            const double h = step.spacing[l], first = to.first_free[l];
            const double swept = h * (first + 1.0 - to.place[l]), x = pull[l] * h * (1.0 / kTrustedPull);
            const double s = fma(distance[l] - swept, 1.0 / fma(x, x, 1.0), swept) - h, top = kMostAbove * h;
            const double positive = s > 0.0 ? s : 0.0, tracked = positive < top ? positive : top;
            const double found = stage.sweep.boundary_above[l];
            const double above = tracks[l] > 0.0 ? tracked : found, bent = tracks[l] > 0.0 ? pull[l] : 0.0;
            to.node[l] = tracks[l] > 0.0 ? first : stage.sweep.boundary_node[l];
            to.above[l] = above;
            to.here[l] = BesideBoundary(bent, above).rise;
            to.below[l] = BesideBoundary(bent, above - h).rise;
            const double second = BesideBoundary(bent, above - 2.0 * h).rise;
            to.second[l] = tracks[l] > 0.0 ? second : 0.0;
        });
    }

    // A step of Newton's method for the distance at which the excess is what it is. The bend is the
    // boundary's, so that it moves with it.
    ATALANTA_INLINE static double improved(double d, double h, double pull, double plain, double grown,
                                           double bend, double excess) {
        const double away = d - h, falls = grown * fma(away, fma(0.5, away, -1.0), 1.0);
        const double there = plain - falls, least = 1e-3 * bend, at = there > least ? there : least;
        const BesideBoundary beside(pull, d);
        const double miss = fma(at, beside.excess, -falls * d * d * d * (1.0 / 6.0)) - excess;
        const double slope = fma(at, beside.rise, falls * fma(-0.5, d * d, beside.excess));
        const double steepest = least * h, next = d - miss / (slope > steepest ? slope : steepest);
        return next > 0.0 ? next : 0.0;
    }

    static constexpr PerLane kNowhere = {};

    const Normalised& n_;
    const Tape& tape_;
    const std::uint32_t steps_;
    const double middle_;
};

}  // namespace
}  // namespace atalanta
