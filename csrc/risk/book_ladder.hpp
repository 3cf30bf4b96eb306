// The ladders of a book added up: one row of spots per group and volatility in the place of one per contract,
// so that a grid at spots that move together costs the same for any number of contracts. Entry: BookLadder.
#pragma once

#include <cstdint>
#include <vector>

#include "risk/vol_ladders.hpp"

namespace atalanta::risk {

// The contracts and shocks that are added up; a column each.
struct SummedTerms {
    const double* spot_shocks;  // ascending
    std::size_t spots;
    const double* vols;  // (contracts, vols): at these volatilities, which the ladders hold
    std::size_t vol_count;
    const double* spot;    // of each contract: where its ladders' present is
    const double* weight;  // of each contract
    const std::int32_t* group;
    std::size_t groups;
    double drift;  // how far spots will move from those, as a share
};

// Immutable: threads may read it at the same time; reads allocate nothing. Between two nodes stands the
// polynomial through six of them. Contracts whose value bends within a node or two, an option that expires or
// goes ex today, are not in the sums: `holds` tells, and they are to be read by themselves.
class BookLadder {
  public:
    // Between nodes in the logarithm of the spot, and of those the least deviation that a contract's value
    // must have been smoothed over.
    static constexpr double kSpacing = 0.00125, kNarrowest = 4.0;
    static constexpr std::size_t kMostNodes = 2048;

    // Whether shocks lie near enough to each other for sums to be worth their nodes.
    static bool fits(const SummedTerms& terms) noexcept;

    // Throws std::bad_alloc. `fits` must hold.
    BookLadder(const VolLadders& ladders, const SummedTerms& terms);

    bool holds(std::size_t contract) const noexcept { return held_[contract] != 0; }
    bool reaches(double ratio) const noexcept { return ratio >= lowest_ && ratio <= highest_; }

    // The sums of weight times value at the shocks of `ratio` times the spots: out (spots, vols). The ratio
    // must be one that it reaches.
    void read(std::size_t group, double ratio, double* out) const noexcept;

  private:
    std::size_t vols_, nodes_;
    double first_ = 0.0, lowest_, highest_;
    std::vector<double> shock_;  // logarithms of 1 + shock
    std::vector<double> sum_;    // (groups, nodes, vols)
    std::vector<std::uint8_t> held_;
};

}  // namespace atalanta::risk
