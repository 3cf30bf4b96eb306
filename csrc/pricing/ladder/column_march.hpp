// The march of one option that is not exercised between its ex-dates, from the last of them to the present:
// what it is worth to expiry is known in closed form, every interval is one convolution, and exercise is
// possible just before each date. Entry: ColumnMarch::solve.
#pragma once

#include "pricing/ladder/convolution.hpp"
#include "pricing/ladder/ex_date_column.hpp"
#include "pricing/ladder/narrow_start.hpp"
#include "pricing/ladder/present_kink.hpp"

namespace atalanta {
namespace {

constexpr double kTapDeviations = 5.5, kFineTapDeviations = 7.5;
constexpr std::uint16_t kFineTenths = 60;  // deviations of grids for fine tolerances

// Rows that go on beyond the grid.
constexpr std::size_t kRowMargin = 32;  // of what whole registers read beyond
static_assert(kRowMargin >= kConvolved);
constexpr std::size_t row_nodes(std::size_t nodes) {
    return (nodes + kRowMargin - 1) / kRowMargin * kRowMargin;
}

// What a march writes down, date by date, so that its derivative can be taken backwards.
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

class ColumnMarch {
  public:
    // Of the working memory, aligned to 64 bytes.
    static constexpr std::size_t doubles(std::size_t nodes) {
        return 2 * row_length(nodes) + row_nodes(nodes);
    }

    ColumnMarch(const Normalised& n, const Calendar& calendar, const Columns& columns, std::size_t nodes,
                double* memory)
        : n_(n),
          calendar_(calendar),
          c_(columns),
          nodes_(nodes),
          growth_(memory + row_nodes(nodes)),
          row_(growth_ + row_length(nodes)),
          taps_(memory + 2 * row_length(nodes)) {}

    // u at the present, at the nodes first .. last of lane l, on a grid so many tenths of deviations wide.
    // tape may be null.
    void solve(std::size_t l, std::uint32_t dividends, std::uint16_t tenths, std::size_t first,
               std::size_t last, double* u, const ColumnTape* tape = nullptr) {
        dividends_ = dividends;
        tape_ = tape;
        kink_ = {0.0, 0.0, 0.0};
        reads_present_ = last - first <= 2 * kReadingReach;
        deviations_ = tenths >= kFineTenths ? kFineTapDeviations : kTapDeviations;
        fill_growth(l);
        if (dividends == 0) {
            for (std::size_t i = 0; i < Columns::length(nodes_); ++i) c_.place[i] = static_cast<double>(i);
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
            carry_column(n_, l, calendar_.date(d - 1, l), after, growth_, nodes_, c_.u, c_);
            if (tape_ != nullptr) copy(c_.u, tape_->date(d - 1).after);
            exercise(l, d - 1);
        }
        spread(l, 0, first, last);
        for (std::size_t i = first; i <= last; ++i) u[i * kLadderOptions + l] = c_.u[i];
    }

    // The values of lane l just before its last date d, for a march by steps from there; false where nodes
    // do not resolve them and there is no narrow start.
    bool start_steps(std::size_t l, std::uint32_t d, const ColumnTape* tape = nullptr) {
        dividends_ = d + 1;
        tape_ = tape;
        reads_present_ = false;
        fill_growth(l);
        land(l, d);
        start_before(l, d);
        return narrow_.base() != NarrowStart::Base::none || narrow_.is_wide();
    }

    // Of the lane last solved. kink: what u and its derivatives at the present have beside the nodes.
    const LocalSolution& kink() const { return kink_; }
    const double* growth() const { return growth_; }
    double variance(std::size_t l, std::uint32_t d) const { return cells_squared(l, interval(l, d)); }
    double deviations() const { return deviations_; }
    const NarrowStart& narrow_start() const { return narrow_; }
    // The node beyond the kink of the forward's payoff after the last date, 0 where there is none.
    std::size_t start_kink() const { return start_kink_; }
    IntrinsicKink intrinsic_kink(std::size_t l, std::uint32_t d, std::size_t i) const {
        return {forward_y(l, d, i - 1), forward_y(l, d, i)};
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
        return n_.american[l] > 0.0 && !(d + 1 == dividends_ && waits);
    }
    bool starts_exercised(std::uint32_t d) const { return d + 1 == dividends_ && narrow_.exercises(); }
    // The node beyond the kink before date d that is added at the present; 0 where none is.
    std::size_t present_kink_node(std::size_t l, std::uint32_t d, const double* gain) const {
        const bool near = d == 0 && reads_present_ && variance(l, d) < kNearVariance;
        return near ? PresentKink::find(gain, nodes_, square_root(variance(l, d))) : 0;
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
    // Where a node before date d lies after it, at the forward.
    double forward_y(std::size_t l, std::uint32_t d, std::size_t i) const {
        const double middle = static_cast<double>(nodes_ / 2);
        return fma(c_.place[i] - middle, n_.spacing[l], calendar_.centre(d + 1, l)) + narrow_.forward();
    }

    LanePayoff payoff(std::size_t l, double time, double centre) const {
        return {time, exponential(n_.rate[l] * time),
                exponential(fma(n_.rate[l] - n_.drift[l], time, centre))};
    }

  private:
    // Of a row with its continuation on both sides, by as much as the grid is long.
    static constexpr std::size_t row_length(std::size_t nodes) { return 3 * row_nodes(nodes) + kRowMargin; }

    // Years before date d, since the one before or the present.
    double interval(std::size_t l, std::uint32_t d) const {
        return (d > 0 ? calendar_.date(d - 1, l).time : n_.years[l]) - calendar_.date(d, l).time;
    }
    void copy(const double* from, double* to) const {
        for (std::size_t i = 0; i < Columns::length(nodes_); ++i) to[i] = from[i];
    }

    // e^(distance from the middle) on the grid, and beyond as far as the longest interval reaches.
    void fill_growth(std::size_t l) {
        double longest = 0.0;
        for (std::uint32_t d = 0; d < dividends_; ++d) {
            longest = interval(l, d) > longest ? interval(l, d) : longest;
        }
        const auto most = static_cast<std::ptrdiff_t>(round_up_to_lanes(reach(l, longest)));
        const std::ptrdiff_t end = static_cast<std::ptrdiff_t>(nodes_) + most + kRowMargin;
        const double first = -static_cast<double>(nodes_ / 2) - static_cast<double>(most), h = n_.spacing[l];
        const double factor = exponential(static_cast<double>(kLanes) * h);
        double* const from = growth_ - most;
        for (std::size_t k = 0; k < kLanes; ++k) from[k] = exponential((first + static_cast<double>(k)) * h);
        const auto count = static_cast<std::size_t>(end + most);
        for (std::size_t i = kLanes; i < count; i += kLanes) {
            ATALANTA_LANE_LOOP
            for (std::size_t k = 0; k < kLanes; ++k) from[i + k] = from[i + k - kLanes] * factor;
        }
    }
    double cells_squared(std::size_t l, double time) const {
        return 2.0 * n_.diffusion[l] * time * n_.inverse_spacing[l] * n_.inverse_spacing[l];
    }
    std::size_t reach(std::size_t l, double time) const {
        const double cells = deviations_ * square_root(cells_squared(l, time)) + 3.0;
        return cells < static_cast<double>(nodes_) ? static_cast<std::size_t>(cells) : nodes_;
    }

    void land(std::size_t l, std::uint32_t d) {
        land_column(n_, l, calendar_.date(d, l), growth_, nodes_, c_);
    }

    // The value to expiry at the places of the columns, on a grid about `centre` so long before.
    void start(std::size_t l, double time, double centre) {
        const double middle = static_cast<double>(nodes_ / 2), h = n_.spacing[l];
        const double deviation = european_deviation(n_.diffusion[l], time);
        const double inverse = 1.0 / deviation;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::length(nodes_); ++i) {
            c_.value[i] = european_u(fma(c_.place[i] - middle, h, centre), deviation, inverse);
        }
    }

    void count_in_shares() {
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::length(nodes_); ++i) c_.value[i] *= c_.rest[i];
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
        if (const std::size_t i = start_kink_; i > 0) {
            const double unit = n_.side[l] > 0.0 ? 1.0 : c_.rest[i - 1];
            const HingeWeights w = intrinsic_kink(l, d, i).weights();
            c_.value[i - 1] += unit * w.positive;
            c_.value[i] += unit * w.zero;
        }
        if (takes_a_spot(n_, l, date.share, growth_, 1, nodes_)) start_taken_spot(l, d).correct(c_.value, 1);
        exercise(l, d);
        if (narrow) narrow_.add(c_.value);
    }

    // The columns have landed.
    std::size_t find_start_kink(std::size_t l, std::uint32_t d) const {
        if (narrow_.base() != NarrowStart::Base::held || !(forward_y(l, d, 0) < 0.0)) return 0;
        for (std::size_t i = 1; i < nodes_; ++i) {
            if (!(forward_y(l, d, i) < 0.0)) return i;
        }
        return 0;
    }

    // The right to exercise just before date d.
    void exercise(std::size_t l, std::uint32_t d) {
        if (!exercises(l, d)) return;
        const LanePayoff before = payoff(l, calendar_.date(d, l).time, calendar_.centre(d, l));
        double* const gain = c_.place;  // no longer needed
        double* const values = c_.value;
        const double* const growth = growth_;
        const double level = before.level, slope = before.slope;
        const std::size_t count = Columns::length(nodes_);
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < count; ++i) {
            const double pay = fma(-slope, growth[i], level), value = values[i];
            gain[i] = pay - value;
            values[i] = pay > value ? pay : value;
        }
        if (tape_ != nullptr) copy(gain, tape_->date(d).gain);
        if (const std::size_t i = present_kink_node(l, d, gain); i > 0) {
            const PresentKink kink = present_kink(l, gain, i);
            kink_ = kink.reading();
            keep_side(kink.exercised());
            return;
        }
        each_kink(d, gain, [&](std::size_t i) { SmoothKink(gain, i).correct(c_.value + i - 2); });
    }

    // From the larger of payoff and value to either.
    void keep_side(bool exercised) {
        const double sign = exercised ? 1.0 : -1.0;
        const double* const gain = c_.place;
        double* const values = c_.value;
        ATALANTA_VECTOR_LOOP
        for (std::size_t i = 0; i < Columns::length(nodes_); ++i) {
            const double missing = sign * gain[i];
            values[i] += missing < 0.0 ? missing : 0.0;
        }
    }

    // From the values just before date d to u an interval earlier, at the nodes first .. last.
    void spread(std::size_t l, std::uint32_t d, std::size_t first, std::size_t last) {
        const GaussianTaps taps(variance(l, d), deviations_, nodes_, taps_);
        if (tape_ != nullptr) {
            double* const ends = tape_->date(d).ends;
            ends[0] = c_.value[0];
            ends[1] = c_.value[1];
            ends[2] = c_.value[nodes_ - 2];
            ends[3] = c_.value[nodes_ - 1];
        }
        continue_row(taps.reach());
        std::size_t i = first / kLanes * kLanes;
        for (; i + kRowLanes <= last; i += kConvolved) convolve(taps, row_ + i, c_.u + i);
        if (i <= last) convolve_less(taps, row_ + i, c_.u + i);
    }

    // Beyond the grid u = level - slope e^y, from the two nodes at each end, and between 0 and 1, the most an
    // option can be worth that is not exercised between its dates.
    void continue_row(std::size_t reach) {
        const auto nodes = static_cast<std::ptrdiff_t>(nodes_), more = static_cast<std::ptrdiff_t>(reach);
        for (std::ptrdiff_t i = 0; i < nodes; ++i) row_[i] = c_.value[i];
        const auto fill = [&](std::ptrdiff_t first, std::ptrdiff_t last, std::ptrdiff_t end) {
            const double slope = (row_[end] - row_[end + 1]) / (growth_[end + 1] - growth_[end]);
            const double level = fma(slope, growth_[end], row_[end]);
            ATALANTA_VECTOR_LOOP
            for (std::ptrdiff_t i = first; i < last; ++i) {
                const double value = fma(-slope, growth_[i], level);
                const double bounded = value < 1.0 ? value : 1.0;
                row_[i] = bounded > 0.0 ? bounded : 0.0;
            }
        };
        fill(-more, 0, 0);
        fill(nodes, nodes + more + static_cast<std::ptrdiff_t>(kRowMargin), nodes - 2);
    }

    const Normalised& n_;
    const Calendar& calendar_;
    const Columns& c_;
    const std::size_t nodes_;
    double *growth_, *row_;  // of the first node, with continuations on both sides
    double* taps_;
    std::uint32_t dividends_ = 0;
    const ColumnTape* tape_ = nullptr;
    double deviations_ = kTapDeviations;
    NarrowStart narrow_;
    std::size_t start_kink_ = 0;
    bool reads_present_ = false;  // and nothing beside it
    LocalSolution kink_ = {0.0, 0.0, 0.0};
};

}  // namespace
}  // namespace atalanta
