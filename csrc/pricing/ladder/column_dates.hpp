// A march of one option by columns at its dates: what it is worth just before the last one, and the right to
// exercise just before each. Entries: ColumnDates::start_before, ColumnDates::exercise.
#pragma once

#include "pricing/ladder/column_row.hpp"
#include "pricing/ladder/narrow_start.hpp"
#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

class ColumnDates : public ColumnRow {
  public:
    // Of the lane last solved. kink: what u and its derivatives at the present have beside the nodes.
    const LocalSolution& kink() const { return kink_; }
    const NarrowStart& narrow_start() const { return narrow_; }
    // The node beyond the kink of the forward's payoff after the last date, 0 where there is none.
    std::size_t start_kink() const { return start_kink_; }
    // The node that says where that lies: the one with more left of it.
    std::size_t start_kink_node(std::size_t l) const { return start_kink_ - (n_.side[l] > 0.0 ? 0 : 1); }
    IntrinsicKink intrinsic_kink(std::size_t l, std::uint32_t d) const {
        const std::size_t i = start_kink_node(l);
        return {n_.side[l], forward_y(l, d, i), c_.rest[i], n_.spacing[l]};
    }
    // Where the last date d takes a spot of a put, which then loses the discounted one.
    TakenSpot start_taken_spot(std::size_t l, std::uint32_t d) const {
        const LaneDate date = calendar_.date(d, l);
        const double loses = exponential(fma(n_.diffusion[l], date.time, calendar_.centre(d, l)));
        return {date.share, loses, n_.spacing[l], nodes_};
    }
    // Whether exercise before date d changes anything.
    bool exercises(std::size_t l, std::uint32_t d) const {
        const bool waits = narrow_.base() == NarrowStart::Base::held && !narrow_.exercises();
        const bool earlier = calendar_.is_exercised_earlier(d, l);
        return n_.american[l] > 0.0 && !(d + 1 == dividends_ && waits) && !earlier;
    }
    bool starts_exercised(std::uint32_t d) const { return d + 1 == dividends_ && narrow_.exercises(); }
    // The kinks before date d that are added at the present.
    PresentKinks present_kinks(std::size_t l, std::uint32_t d, const double* gain) const {
        const bool near = d == 0 && reads_present_ && variance(l, d) < kNearVariance;
        return near ? PresentKinks::find(gain, nodes_, square_root(variance(l, d))) : PresentKinks{};
    }
    PresentKink present_kink(std::size_t l, const double* gain, std::size_t node) const {
        return {gain, node, nodes_, square_root(variance(l, 0))};
    }
    // Calls body(node beyond) for the kinks before date d that have two nodes on each side, none of them
    // beyond the kink of what is held there.
    template <class Body>
    void each_kink(std::uint32_t d, const double* gain, Body&& body) const {
        const bool ends = d + 1 == dividends_ && start_kink_ > 0;
        atalanta::each_kink(gain, ends ? start_kink_ : nodes_, body);
    }
    // Calls body(lowest exercised node) where lane l is held again below, before date d: a call whose yield
    // below zero gains more by waiting than the dividend takes, beyond some spot.
    template <class Body>
    void each_lower_kink(std::size_t l, std::uint32_t d, const double* gain, Body&& body) const {
        if (!(n_.side[l] < 0.0 && n_.rate[l] < 0.0)) return;
        const std::size_t end = d + 1 == dividends_ && start_kink_ > 0 ? start_kink_ : nodes_;
        for (std::size_t i = 2; i + 1 < end; ++i) {
            if (!(gain[i - 1] > 0.0) && gain[i] > 0.0) body(i);
        }
    }
    // Where a node before date d lies after it, at the forward.
    double forward_y(std::size_t l, std::uint32_t d, std::size_t i) const {
        const double middle = static_cast<double>(nodes_ / 2);
        return fma(c_.place[i] - middle, n_.spacing[l], calendar_.centre(d + 1, l)) + narrow_.forward();
    }

    LanePayoff payoff(std::size_t l, double time, double centre) const {
        return {time, exponential(n_.rate[l] * time),
                exponential(fma(n_.rate[l] - n_.drift[l], time, centre))};
    }

  protected:
    using ColumnRow::ColumnRow;

    void land(std::size_t l, std::uint32_t d) {
        land_column(n_, l, calendar_.date(d, l), growth_, nodes_, c_);
    }

    // The value to expiry at the places of the columns, on a grid about `centre` so long before.
    void start(std::size_t l, double time, double centre) {
        const double middle = static_cast<double>(nodes_ / 2), h = n_.spacing[l];
        const double deviation = european_deviation(n_.diffusion[l], time);
        const double inverse = 1.0 / deviation;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::looped(nodes_); ++i) {
            c_.value[i] = european_u(fma(c_.place[i] - middle, h, centre), deviation, inverse);
        }
    }

    // The values just before the last date d, and the right to exercise then.
    void start_before(std::size_t l, std::uint32_t d) {
        const LaneDate date = calendar_.date(d, l);
        const double centre = calendar_.centre(d + 1, l);
        const LanePayoff before = payoff(l, date.time, calendar_.centre(d, l));
        narrow_.set(n_, l, date, centre, before, nodes_);
        const bool narrow = narrow_.base() != NarrowStart::Base::none;
        start(l, narrow ? 0.0 : date.time, narrow ? centre + narrow_.forward() : centre);
        if (n_.side[l] < 0.0) count_in_shares();
        for (std::size_t i = narrow ? narrow_.held_nodes() : nodes_; i < nodes_; ++i) c_.value[i] = 0.0;
        start_kink_ = find_start_kink(l, d);
        // exercise() needs the places for itself.
        const bool kinked = start_kink_ > 0;
        const IntrinsicKink kink = kinked ? intrinsic_kink(l, d) : IntrinsicKink(1.0, 0.0, 1.0, 1.0);
        if (takes_a_spot(n_, l, date.share, growth_, 1, nodes_)) start_taken_spot(l, d).correct(c_.value, 1);
        exercise(l, d);
        // After exercise, which would be worth more than a node that the correction lowers.
        if (kinked) kink.correct(c_.value + start_kink_ - 2);
        if (narrow) narrow_.add(c_.value);
    }

    // The right to exercise just before date d.
    void exercise(std::size_t l, std::uint32_t d) {
        if (!exercises(l, d)) return;
        const LanePayoff before = payoff(l, calendar_.date(d, l).time, calendar_.centre(d, l));
        double* const gain = c_.place;  // no longer needed
        double* const values = c_.value;
        const double* const growth = growth_;
        const double level = before.level, slope = before.slope;
        const std::size_t count = Columns::looped(nodes_);
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < count; ++i) {
            const double pay = fma(-slope, growth[i], level), value = values[i];
            gain[i] = pay - value;
            values[i] = pay > value ? pay : value;
        }
        if (tape_ != nullptr) copy(gain, tape_->date(d).gain);
        if (const PresentKinks near = present_kinks(l, d, gain); near.count > 0) {
            for (std::size_t k = 0; k < near.count; ++k) {
                const LocalSolution more = present_kink(l, gain, near.node[k]).reading();
                kink_ = {kink_.u + more.u, kink_.uy + more.uy, kink_.uyy + more.uyy};
            }
            keep_side(gain[nodes_ / 2] > 0.0);
            return;
        }
        each_kink(d, gain, [&](std::size_t i) { SmoothKink(gain, i).correct(c_.value + i - 2); });
        each_lower_kink(l, d, gain, [&](std::size_t i) { TurnedKink(gain, i).correct(c_.value + i + 1); });
    }

  private:
    // The columns have landed.
    std::size_t find_start_kink(std::size_t l, std::uint32_t d) const {
        if (narrow_.base() != NarrowStart::Base::held || !(forward_y(l, d, 1) < 0.0)) return 0;
        for (std::size_t i = 2; i + 1 < nodes_; ++i) {
            if (!(forward_y(l, d, i) < 0.0)) return i;
        }
        return 0;
    }

    void count_in_shares() {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::looped(nodes_); ++i) c_.value[i] *= c_.rest[i];
    }

    // From the larger of payoff and value to either.
    void keep_side(bool exercised) {
        const double sign = exercised ? 1.0 : -1.0;
        const double* const gain = c_.place;
        double* const values = c_.value;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::looped(nodes_); ++i) {
            const double missing = sign * gain[i];
            values[i] += missing < 0.0 ? missing : 0.0;
        }
    }

  protected:
    NarrowStart narrow_;
    std::size_t start_kink_ = 0;
    bool reads_present_ = false;  // and nothing beside it
    LocalSolution kink_ = {0.0, 0.0, 0.0};
};

}  // namespace
}  // namespace atalanta
