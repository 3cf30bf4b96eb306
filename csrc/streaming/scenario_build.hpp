// What a scenario ladder is made of: the contracts that are held, and ladders of them at one moment, solved
// behind the engine. Main entries: ScenarioHoldings, solve_scenarios.
#pragma once

#include <memory>
#include <vector>

#include "risk/book_ladder.hpp"
#include "risk/vol_ladders.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

struct ScenarioTerms {
    std::vector<double> spot_shocks, vol_shocks;  // changes, ascending, with 0 among them
    bool vol_points = false;                      // vol shocks are added instead
    double vol_tolerance = 0.01;                  // a volatility further from its ladders' asks for new ones
    double spot_drift = 0.05;                     // spots may move so far before ladders no longer reach
    std::int64_t refresh_after_ns = 60'000'000'000;  // of market time
    std::size_t reads = 16;                          // contracts that a batch reads anew at most
    double tolerance = 5e-4;                         // of values, for a strike of 100

    std::size_t cells() const noexcept { return spot_shocks.size() * vol_shocks.size(); }
    std::size_t still() const noexcept;  // the cell in which nothing moves
    // Throws std::invalid_argument, saying what is wrong.
    void check() const;
};

// Immutable. The contracts lie as in the universe, those of an underlying side by side.
struct ScenarioHoldings {
    // quantities: of each key. Throws std::bad_alloc.
    ScenarioHoldings(const Universe& universe, const std::vector<double>& quantities);

    std::size_t size() const noexcept { return contract.size(); }

    std::vector<std::uint32_t> contract;  // of each that is held, in the universe
    std::vector<std::int32_t> place;      // of each of the universe, here; -1 where it is not held
    std::vector<double> weight;           // quantity times multiplier
    std::vector<std::int32_t> underlying;
    std::vector<std::int8_t> right;
    std::vector<std::uint8_t> american;
    std::vector<double> strike, rate, yield;
    std::vector<std::int64_t> expires_ns;
    std::vector<double> shares;           // of each underlying
    std::vector<std::size_t> first;       // of each underlying, and the end
    std::vector<Underlying> underlyings;  // for their dividends
};

// The market for which ladders are asked.
struct ScenarioRequest {
    std::shared_ptr<const ScenarioHoldings> of;
    std::int64_t time_ns = 0;
    std::uint64_t asked_ns = 0;  // of the monotonic clock
    std::vector<double> spot;    // of each underlying
    std::vector<double> vol;     // of each contract that is held; NaN where unknown
    std::vector<double> scale;   // of each: what it is priced on, by the price of the underlying
};

// Ladders and their sums, and what the engine's thread remembers of its reads. A row is a contract that has
// time, a volatility and a spot; the others are left out.
struct ScenarioBuild {
    std::shared_ptr<const ScenarioHoldings> of;
    std::int64_t time_ns, asked_ns, next_expiry_ns;
    std::vector<std::int32_t> row;    // of each contract held; -1 for those left out
    std::vector<std::uint32_t> held;  // of each row
    std::vector<std::size_t> first;   // row of each underlying, and the end
    std::vector<double> spot;         // of each underlying
    std::vector<double> row_spot, row_vol, row_scale, weight;
    std::unique_ptr<const risk::VolLadders> ladders;
    std::unique_ptr<const risk::BookLadder> sums;

    // Of the engine's thread from here on.
    std::vector<double> vol, scale;    // of each row, the latest
    std::vector<double> read_ratio;    // of each row: where its part was read; NaN for none
    std::vector<double> part;          // (rows, cells): what each adds to the sums
    std::vector<double> parts;         // (underlyings, cells)
    std::vector<std::uint32_t> queue;  // rows that wait to be read
    std::vector<std::uint8_t> queued;
    std::size_t queue_begin = 0, queue_count = 0;
    std::vector<std::uint8_t> unread;  // rows whose volatility has left the ladders
    std::size_t out_of_reach = 0;      // how many these are

    std::size_t rows() const noexcept { return held.size(); }
};

// Volatilities of a contract under the shocks, into `out`.
void shock_vol(const ScenarioTerms& terms, double vol, double* out) noexcept;

// Throws std::bad_alloc.
std::unique_ptr<ScenarioBuild> solve_scenarios(const ScenarioRequest& request, const ScenarioTerms& terms);

}  // namespace atalanta::streaming
