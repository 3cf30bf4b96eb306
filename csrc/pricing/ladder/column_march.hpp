// The march of one option that is not exercised between its ex-dates, from the last of them to the present:
// what it is worth to expiry is known in closed form, every interval is one convolution, and exercise is
// possible just before each date. Entry: ColumnMarch::solve.
#pragma once

#include "pricing/ladder/column_dates.hpp"
#include "pricing/ladder/known_below.hpp"

namespace atalanta {
namespace {

class ColumnMarch : public ColumnDates {
  public:
    ColumnMarch(const Normalised& n, const Calendar& calendar, const Columns& columns, std::size_t nodes,
                double* memory)
        : ColumnDates(n, calendar, columns, nodes, memory) {}

    // u at the present, at the nodes first .. last of lane l. tape may be null.
    void solve(std::size_t l, const LadderOption& option, const LadderShape& shape, std::size_t first,
               std::size_t last, double* u, const ColumnTape* tape = nullptr) {
        const std::uint32_t dividends = option.dividends, tenths = shape.deviations;
        kink_ = {0.0, 0.0, 0.0};
        reads_present_ = last - first <= 2 * kReadingReach;
        begin(l, dividends, tenths >= kFineTenths ? kFineTapDeviations : kTapDeviations, tape);
        if (dividends == 0) {
            for (std::size_t i = 0; i < Columns::looped(nodes_); ++i) c_.place[i] = static_cast<double>(i);
            start(l, n_.years[l], calendar_.centre(0, l));
            for (std::size_t i = first; i <= last; ++i) u[i * kLadderOptions + l] = c_.value[i];
            return;
        }
        std::uint32_t d = dividends - 1;
        land(l, d);
        start_before(l, d);
        for (; d > 0; --d) {
            spread(l, d, 0, nodes_ - 1);
            land(l, d - 1);
            const LanePayoff after = payoff(l, calendar_.date(d - 1, l).time, calendar_.centre(d, l));
            const LaneDate date = calendar_.date(d - 1, l);
            carry_column(n_, l, date, after, growth_, nodes_, c_.u, c_);
            if (shape.known_below)
                set_known_below(n_, l, option, d - 1, date, growth_, 1, nodes_, c_.value, 1);
            if (tape_ != nullptr) copy(c_.u, tape_->date(d - 1).after);
            exercise(l, d - 1);
        }
        spread(l, 0, first, last);
        for (std::size_t i = first; i <= last; ++i) u[i * kLadderOptions + l] = c_.u[i];
    }

    // The values of lane l just before its last date d, for a march by steps from there; false where nodes
    // do not resolve them and there is no narrow start.
    bool start_steps(std::size_t l, std::uint32_t d, const ColumnTape* tape = nullptr) {
        reads_present_ = false;
        begin(l, d + 1, deviations(), tape);
        land(l, d);
        start_before(l, d);
        return narrow_.base() != NarrowStart::Base::none || narrow_.is_wide();
    }
};

}  // namespace
}  // namespace atalanta
