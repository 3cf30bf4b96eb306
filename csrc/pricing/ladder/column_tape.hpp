// What a march of one option by columns writes down, date by date, so that its derivative can be taken
// backwards. Entry: ColumnTape::date.
#pragma once

#include "pricing/ladder/ex_date_column.hpp"

namespace atalanta {
namespace {

struct DateColumns {
    double* gain;   // of exercise over value just before the date
    double* after;  // u just after it, unless it is the last one
    double* ends;   // u just before it at nodes 0 and 1 and at the last two
};

class ColumnTape {
  public:
    static constexpr std::size_t doubles(std::size_t nodes, std::size_t dividends) {
        return dividends * per_date(nodes);
    }
    ColumnTape(std::size_t nodes, double* memory) : nodes_(nodes), memory_(memory) {}
    DateColumns date(std::uint32_t d) const {
        double* const at = memory_ + d * per_date(nodes_);
        return {at, at + Columns::length(nodes_), at + 2 * Columns::length(nodes_)};
    }

  private:
    static constexpr std::size_t per_date(std::size_t nodes) { return 2 * Columns::length(nodes) + kLanes; }
    std::size_t nodes_;
    double* memory_;
};

}  // namespace
}  // namespace atalanta
