// Ladders: what options with cash dividends are worth over a whole row of spots, from one solve each. A new
// spot is then a read of some ten nanoseconds instead of a solve. Entry: Ladders.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "pricing/american.hpp"
#include "pricing/kernel_set.hpp"

namespace atalanta {

// Immutable: threads may read it at the same time. A ladder covers 4.3 times vol sqrt(years) to each side of
// the spot that its row was given; in between, reads are twice continuously differentiable in the spot and
// agree with ladder_greeks at that spot. Where a call's first date is so near that the kink of exercise
// before it lies between two nodes, nodes of their own lie about it.
class Ladders {
  public:
    // Throws std::bad_alloc, and std::invalid_argument when ATALANTA_ISA is wrong.
    Ladders(const OptionRows& rows, const Terms& terms, int threads = 0);
    // Of options whose schedules lie anywhere; they are not needed afterwards. Kinks inside a cell are looked
    // at closely, or left as nodes see them.
    enum class Kinks : std::uint8_t { looked_at, as_nodes_see_them };
    Ladders(std::vector<LadderOption> options, double tolerance, int threads = 0,
            Kinks kinks = Kinks::looked_at);

    // Ladders of another process, from what profiles() and nodes() gave there: the same reads, bit for bit
    // between instruction sets with fused multiply-add. Throws std::invalid_argument, saying what is wrong,
    // where they do not belong together.
    Ladders(std::span<const LadderProfile> profiles, std::span<const double> nodes);
    std::span<const LadderProfile> profiles() const noexcept { return profiles_; }
    std::span<const double> nodes() const noexcept { return nodes_; }

    std::size_t size() const noexcept { return profiles_.size(); }
    std::size_t bytes() const noexcept;

    struct Range {
        double lowest, highest;
    };
    // NaN for rows without a ladder: outside the domain, or without time or volatility.
    Range range(std::size_t row) const noexcept { return {profiles_[row].low, profiles_[row].high}; }
    // The spots between which exercise is optimal now; lowest > highest where it nowhere is.
    Range exercise(std::size_t row) const noexcept {
        return {profiles_[row].exercise_low, profiles_[row].exercise_high};
    }

    // Price, delta, gamma and theta of ladder row[i] at spot[i]; NaN outside its range. Columns may be null.
    // Rows must be below size(); nothing is allocated.
    void read(const std::uint32_t* row, const double* spot, std::size_t count,
              const LadderReadColumns& out) const noexcept;
    LadderReading read(std::uint32_t row, double spot) const noexcept;

    // Prices alone, of ladders row[r] at all of the spots: price[r * spots + s]; NaN outside a ladder's
    // range. A third of what as many reads take; equal to them within rounding.
    void read_table(const std::uint32_t* row, std::size_t rows, const double* spot, std::size_t spots,
                    double* price) const noexcept;

  private:
    // Gives ladders close-ups of the kinks that their nodes do not see.
    void look_closely(const std::vector<LadderOption>& options, double tolerance, int threads);

    const LadderKernels* kernels_;
    std::vector<LadderProfile> profiles_;
    std::vector<const double*> values_;  // of each ladder, in nodes_
    std::vector<double> nodes_;
};

}  // namespace atalanta
