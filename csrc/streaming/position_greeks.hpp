// The Greeks of a book, kept up to date as prices change: quantity x multiplier x Greeks of a contract, added
// up by underlying. Main entry: PositionGreeks::stage.
#pragma once

#include <vector>

#include "streaming/risk_stage.hpp"

namespace atalanta::streaming {

// Raw: vega per 1.00 of volatility, theta per year; `pnl` against the first value of each position.
struct PositionSums {
    double value = 0.0, pnl = 0.0, delta = 0.0, gamma = 0.0, vega = 0.0, theta = 0.0;
};

struct BookTotals : PositionSums {
    double delta_cash = 0.0;                  // delta times spot, which may be added over underlyings
    std::uint64_t positions = 0, priced = 0;  // the others are in no sum
};

class PositionGreeks {
  public:
    // Throws std::bad_alloc; the universe must outlive it.
    explicit PositionGreeks(const Universe& universe);

    RiskStage stage() noexcept { return {this, &PositionGreeks::run, false}; }
    // Of every key; 0 for none. Between batches only. Swaps, so that nothing is freed on the engine's thread.
    // The profit of a position whose quantity changes begins anew.
    void replace(std::vector<double>& quantities, const RiskBatch& all) noexcept;

    const BookTotals& totals() const noexcept { return all_; }
    const BookTotals& of(std::uint32_t underlying) const noexcept { return sums_[underlying]; }
    bool needs(std::uint32_t key) const noexcept { return quantity_[key] != 0.0; }

  private:
    struct Part : PositionSums {  // what a position is in the sums with
        bool priced = false;
    };

    static void run(void* state, const RiskBatch& batch) noexcept;
    void renew(std::uint32_t contract, const RiskBatch& batch) noexcept;
    void move(std::uint32_t underlying, const RiskBatch& batch) noexcept;
    void put(std::uint32_t underlying, std::uint32_t key, const PositionSums& now) noexcept;
    void touch(std::uint32_t underlying) noexcept;
    void fold(const double* spots) noexcept;
    void add_up_again(const double* spots) noexcept;

    const Universe& universe_;
    std::vector<double> quantity_;  // of each key
    std::vector<Part> parts_;       // of each key
    std::vector<double> first_;     // the first value of each position; NaN before it
    std::vector<BookTotals> sums_;  // of each underlying
    BookTotals all_;
    std::vector<BookTotals> folded_;  // what of each underlying is in all_
    std::vector<std::uint32_t> touched_;
    std::vector<std::uint8_t> is_touched_;
    std::size_t touched_count_ = 0;
    std::uint32_t batches_ = 0;
};

}  // namespace atalanta::streaming
