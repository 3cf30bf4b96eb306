// The row of nodes of one option that is not exercised between its ex-dates, and what an interval between two
// of them does to it: it goes on beyond the grid and is smoothed by a Gaussian. Entry: ColumnRow::spread.
#pragma once

#include "pricing/ladder/column_tape.hpp"
#include "pricing/ladder/convolution.hpp"

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

class ColumnRow {
  public:
    // Of the working memory, aligned to 64 bytes.
    static constexpr std::size_t doubles(std::size_t nodes) {
        return 2 * row_length(nodes) + row_nodes(nodes);
    }

    const double* growth() const { return growth_; }
    // Of the interval before date d, in cells squared; and how many deviations its taps reach.
    double variance(std::size_t l, std::uint32_t d) const { return cells_squared(l, interval(l, d)); }
    double deviations() const { return deviations_; }

  protected:
    ColumnRow(const Normalised& n, const Calendar& calendar, const Columns& columns, std::size_t nodes,
              double* memory)
        : n_(n),
          calendar_(calendar),
          c_(columns),
          nodes_(nodes),
          growth_(memory + row_nodes(nodes)),
          row_(growth_ + row_length(nodes)),
          taps_(memory + 2 * row_length(nodes)) {}

    // Lane l with so many dates.
    void begin(std::size_t l, std::uint32_t dividends, double deviations, const ColumnTape* tape) {
        dividends_ = dividends;
        deviations_ = deviations;
        tape_ = tape;
        fill_growth(l);
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

    void copy(const double* from, double* to) const {
        for (std::size_t i = 0; i < Columns::looped(nodes_); ++i) to[i] = from[i];
    }

  private:
    // Of a row with its continuation on both sides, by as much as the grid is long.
    static constexpr std::size_t row_length(std::size_t nodes) { return 3 * row_nodes(nodes) + kRowMargin; }

    // Years before date d, since the one before or the present.
    double interval(std::size_t l, std::uint32_t d) const {
        return (d > 0 ? calendar_.date(d - 1, l).time : n_.years[l]) - calendar_.date(d, l).time;
    }
    double cells_squared(std::size_t l, double time) const {
        return 2.0 * n_.diffusion[l] * time * n_.inverse_spacing[l] * n_.inverse_spacing[l];
    }
    std::size_t reach(std::size_t l, double time) const {
        const double cells = deviations_ * square_root(cells_squared(l, time)) + 3.0;
        return cells < static_cast<double>(nodes_) ? static_cast<std::size_t>(cells) : nodes_;
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

  protected:
    const Normalised& n_;
    const Calendar& calendar_;
    const Columns& c_;
    const std::size_t nodes_;
    double *growth_, *row_;  // of the first node, with continuations on both sides
    std::uint32_t dividends_ = 0;
    const ColumnTape* tape_ = nullptr;

  private:
    double* taps_;
    double deviations_ = kTapDeviations;
};

}  // namespace
}  // namespace atalanta
