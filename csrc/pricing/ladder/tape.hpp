// What a march writes down so that its derivative can be taken backwards: operators, payoffs and free
// boundaries of every stage, the values just after each ex-date. Entry: Tape, laid over the caller's memory.
// Steps are of all lanes, ex-dates of each.
#pragma once

#include "pricing/ladder/ex_date_column.hpp"

namespace atalanta {
namespace {

// The free boundary of a stage, of two the upper one, as the march goes and once it is over
// (adjoint_boundary.hpp).
struct BoundaryRecord {
    PerLane place, first_free;  // in nodes, 0 where there is none
    PerLane excess;             // u above the payoff one node beyond the first free one
    PerLane node, above;        // the first free node if its cell is resolved, else 0; how far it lies above
    PerLane here, below, second;  // what is 0 on the boundary and has slope 1, at that node and the two below
};

struct StageRecord {
    PayoffRecord payoff;
    SweepRecord sweep;
    BoundaryRecord boundary;
    LaneSet ghosts;
};

struct StepRecord {
    StepOperator op;
    PerLane spacing;
    PerLane begins;  // 1 in lanes whose interval begins with it
    StageRecord stage[2];
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
    static std::size_t doubles(const LadderExtent& extent) {
        const std::size_t nodes = extent.nodes, held = held_doubles(nodes);
        return (extent.dividends + 1) * sizeof(EdgeRecord) / 8 +
               extent.steps * (sizeof(StepRecord) / 8 + 2 * held) +
               extent.dividends * (sizeof(DateRecord) / 8 + kLadderOptions * nodes + held);
    }

    Tape(const LadderExtent& extent, double* memory)
        : edges_(reinterpret_cast<EdgeRecord*>(memory)),
          steps_(reinterpret_cast<StepRecord*>(edges_ + extent.dividends + 1)),
          dates_(reinterpret_cast<DateRecord*>(steps_ + extent.steps)) {
        const std::size_t nodes = extent.nodes;
        double* free = reinterpret_cast<double*>(dates_ + extent.dividends);
        for (std::uint32_t d = 0; d < extent.dividends; ++d) {
            dates_[d].after = free;
            dates_[d].held = reinterpret_cast<std::uint16_t*>(free + kLadderOptions * nodes);
            __builtin_memset(dates_[d].held, 0, nodes * sizeof(std::uint16_t));
            free += kLadderOptions * nodes + held_doubles(nodes);
        }
        for (std::size_t s = 0; s < extent.steps; ++s) {
            for (StageRecord& stage : steps_[s].stage) {
                stage.sweep.held = reinterpret_cast<std::uint16_t*>(free);
                free += held_doubles(nodes);
            }
        }
    }

    // In the order of the calendar of each lane, one per interval.
    EdgeRecord& edge(std::size_t interval) const { return edges_[interval]; }
    // In the order of the march.
    StepRecord& step(std::size_t index) const { return steps_[index]; }
    // In the order of the calendar of each lane.
    DateRecord& date(std::size_t index) const { return dates_[index]; }

  private:
    EdgeRecord* edges_;
    StepRecord* steps_;
    DateRecord* dates_;
};

}  // namespace
}  // namespace atalanta
