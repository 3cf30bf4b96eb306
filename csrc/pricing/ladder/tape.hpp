// What a march writes down so that its derivative can be taken backwards: operators, payoffs and free
// boundaries of every stage, the values just after each ex-date. Entry: Tape, laid over the caller's memory.
#pragma once

#include "pricing/ladder/ex_date.hpp"

namespace atalanta {
namespace {

struct StageRecord {
    PayoffRecord payoff;
    SweepRecord sweep;
    bool ghosts;
};

struct StepRecord {
    StepOperator op;
    StageRecord stage[2];
};

struct DateRecord {
    PayoffRecord payoff_after, payoff;  // on the grids after and before the date
    KinkRecord kink;
    double* after;        // u just after the date
    std::uint16_t* held;  // a bit per lane
};

// Where the far end of the grid was extrapolated from, at the beginning of an interval's march.
struct EdgeRecord {
    PerLane since;  // time to expiry
    PerLane fall;   // u at node 0 less u at node 1
};

class Tape {
  public:
    static constexpr std::size_t held_doubles(std::size_t nodes) {
        return (nodes * sizeof(std::uint16_t) + 63) / 64 * 8;
    }
    static std::size_t doubles(const LadderShape& shape) {
        return (shape.dividends + 1) * sizeof(EdgeRecord) / 8 +
               steps_of(shape) * (sizeof(StepRecord) / 8 + 2 * held_doubles(shape.nodes)) +
               shape.dividends *
                   (sizeof(DateRecord) / 8 + kLadderOptions * shape.nodes + held_doubles(shape.nodes));
    }

    Tape(const LadderShape& shape, double* memory) {
        const std::size_t count = steps_of(shape), held = held_doubles(shape.nodes);
        edges_ = reinterpret_cast<EdgeRecord*>(memory);
        steps_ = reinterpret_cast<StepRecord*>(edges_ + shape.dividends + 1);
        dates_ = reinterpret_cast<DateRecord*>(steps_ + count);
        double* free = reinterpret_cast<double*>(dates_ + shape.dividends);
        const auto take = [&free](std::size_t size) {
            double* const taken = free;
            free += size;
            return taken;
        };
        for (std::uint32_t d = 0; d < shape.dividends; ++d) {
            dates_[d].after = take(kLadderOptions * shape.nodes);
            dates_[d].held = reinterpret_cast<std::uint16_t*>(take(held));
        }
        for (std::size_t s = 0; s < count; ++s) {
            for (StageRecord& stage : steps_[s].stage) {
                stage.sweep.held = reinterpret_cast<std::uint16_t*>(take(held));
            }
        }
    }

    // In the order of the calendar, one per interval.
    EdgeRecord& edge(std::size_t interval) const { return edges_[interval]; }
    // In the order of the march.
    StepRecord& step(std::size_t index) const { return steps_[index]; }
    // In the order of the calendar.
    DateRecord& date(std::size_t index) const { return dates_[index]; }

  private:
    static std::size_t steps_of(const LadderShape& shape) {
        std::size_t count = 0;
        for (std::uint32_t k = 0; k <= shape.dividends; ++k) count += shape.steps[k];
        return count;
    }

    EdgeRecord* edges_;
    StepRecord* steps_;
    DateRecord* dates_;
};

}  // namespace
}  // namespace atalanta
