// What a march writes down so that its derivative can be taken backwards: operators, payoffs and free
// boundaries of every stage, the values just after each ex-date. Entry: Tape, laid over the caller's memory.
// Steps are of all lanes, ex-dates of each.
#pragma once

#include "pricing/ladder/ex_date_column.hpp"

namespace atalanta {
namespace {

struct StageRecord {
    PayoffRecord payoff;
    SweepRecord sweep;
    LaneSet ghosts;
};

struct StepRecord {
    StepOperator op;
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
        const std::size_t dates = extent.dividends * kLadderOptions;
        return (extent.dividends + 1) * sizeof(EdgeRecord) / 8 +
               extent.steps * (sizeof(StepRecord) / 8 + 2 * held_doubles(extent.nodes)) +
               dates * (sizeof(DateRecord) / 8 + date_doubles(extent.nodes));
    }

    Tape(const LadderExtent& extent, double* memory)
        : edges_(reinterpret_cast<EdgeRecord*>(memory)),
          steps_(reinterpret_cast<StepRecord*>(edges_ + extent.dividends + 1)),
          dates_(reinterpret_cast<DateRecord*>(steps_ + extent.steps)) {
        const std::size_t dates = extent.dividends * kLadderOptions, nodes = extent.nodes;
        double* free = reinterpret_cast<double*>(dates_ + dates);
        for (std::size_t d = 0; d < dates; ++d, free += date_doubles(nodes)) {
            dates_[d].after = free;
            dates_[d].held = reinterpret_cast<std::uint8_t*>(free + Columns::length(nodes));
        }
        for (std::size_t s = 0; s < extent.steps; ++s) {
            for (StageRecord& stage : steps_[s].stage) {
                stage.sweep.held = reinterpret_cast<std::uint16_t*>(free);
                free += held_doubles(nodes);
            }
        }
    }

    // In the order of the calendar, one per interval.
    EdgeRecord& edge(std::size_t interval) const { return edges_[interval]; }
    // In the order of the march.
    StepRecord& step(std::size_t index) const { return steps_[index]; }
    // In the order of the calendar.
    DateRecord& date(std::size_t index, std::size_t lane) const {
        return dates_[index * kLadderOptions + lane];
    }

  private:
    static constexpr std::size_t date_doubles(std::size_t nodes) {
        return Columns::length(nodes) + Columns::length(nodes) / 8;
    }

    EdgeRecord* edges_;
    StepRecord* steps_;
    DateRecord* dates_;
};

}  // namespace
}  // namespace atalanta
