// The scenario grid and the Greeks of a book, read from its ladders at every tick. Entry: BookGrid.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "risk/book_ladder.hpp"
#include "risk/vol_ladders.hpp"

namespace atalanta::risk {

// What a grid asks, and what the book holds of each contract.
struct GridTerms {
    std::vector<double> spot_shocks, vol_shocks;  // changes: 0.1 is a rise by 10 %
    bool vol_points = false;                      // vol shocks are added instead
    std::vector<double> weight;                   // of each contract: quantity times multiplier
    std::vector<std::int32_t> group;              // of each contract, 0 to groups - 1; others count nowhere
    std::size_t groups = 1;
    std::vector<double> dropped;  // of each contract: cash that goes ex before the horizon; empty for none
    std::vector<double> smile;    // (contracts, spot shocks) factors of the volatility; empty for none
};

struct BookGreeks {
    double value, delta, gamma, theta, vega;
};

// Holds its working memory: one thread at a time, no allocation, no exception.
class BookGrid {
  public:
    // A shocked volatility is not taken below this.
    static constexpr double kLeastVol = 1e-4;

    // Throws std::invalid_argument where columns do not fit each other.
    explicit BookGrid(GridTerms terms);

    std::size_t contracts() const noexcept { return terms_.weight.size(); }
    std::size_t groups() const noexcept { return terms_.groups; }
    std::size_t cells() const noexcept { return terms_.spot_shocks.size() * terms_.vol_shocks.size(); }

    // Adds up the ladders of contracts whose present is this, so that totals at spots that have moved
    // together, by up to `drift` in a group, and at these volatilities are reads of the sums. Contracts with
    // another volatility are read beside. False, and totals are read contract by contract, where a smile or
    // cash that goes ex moves the contracts' spots and volatilities apart. Throws std::bad_alloc; `ladders`
    // must outlive this.
    bool add_up(const VolLadders& ladders, const double* spot, const double* vol, double drift);

    // totals (groups, spot shocks, vol shocks): the sums of weight times value at the shocks of these present
    // spots and volatilities, one of each per contract. NaN where a volatility lies beyond the levels.
    void totals(const VolLadders& ladders, const double* spot, const double* vol, double* totals) noexcept;

    // Of each group at the present spots and volatilities; sums of weight times the values per share.
    void greeks(const VolLadders& ladders, const double* spot, const double* vol,
                BookGreeks* out) const noexcept;

  private:
    void each_contract(const VolLadders& ladders, const double* spot, const double* vol,
                       double* totals) noexcept;
    bool from_sums(const VolLadders& ladders, const double* spot, const double* vol, double* totals) noexcept;
    bool moves_together(const double* spot) noexcept;
    void add_moved(const VolLadders& ladders, std::size_t contract, double spot, double vol,
                   double* totals) noexcept;
    bool counts(std::size_t contract) const noexcept {
        return terms_.group[contract] >= 0 && static_cast<std::size_t>(terms_.group[contract]) < groups();
    }
    void shift(double vol, const double* factor, double* out) const noexcept;

    GridTerms terms_;
    std::vector<double> spots_, vols_, values_;

    const VolLadders* summed_ = nullptr;
    std::unique_ptr<const BookLadder> sums_;
    std::vector<double> summed_spot_, summed_vol_;  // of each contract
    std::vector<double> ratio_;                     // of each group
};

}  // namespace atalanta::risk
