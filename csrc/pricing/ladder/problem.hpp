// What the ladder kernels are given and give back: options with their own dividends, solved sixteen at a time
// on grids of one size. Plain data, shared with the translation units of the instruction sets.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atalanta {

// One row. ex_years ascend within (0, years).
struct LadderOption {
    double right, spot, strike, years, rate, dividend_yield, vol;
    const double* ex_years;
    const double* cash;
    std::uint32_t dividends;
    bool american;
    bool read_far = false;  // at spots far from the present one, where the grid must still be right
};

// Tenths of a deviation, beyond which a grid reaches only to find low spots (much_cash.hpp).
constexpr std::uint32_t kWideGrid = 240;

// The least that a date leaves of the spot at the centre of a grid; where the path below grids counts as
// known.
constexpr double kLeastLeft = 0.2, kLeastLeftOfKnown = 0.001;

// The shape of a solve, a function of the row's own numbers.
struct LadderShape {
    std::uint16_t nodes;       // odd
    std::uint32_t deviations;  // the grid reaches so many tenths of vol sqrt(years) to each side
    bool exercisable;          // between ex-dates exercise can be optimal; else no steps are counted
    bool bends;                // of values that a dividend crowds into a cell are corrected for
    bool known_below;          // below the grid the path of the spot counts as known (known_below.hpp)
    std::uint32_t dividends;   // ex-dates
    std::uint32_t total_steps;
    double narrowing;  // of the spacing, from the first ex-date to the present; 1 where it stays
    double tolerance;
    const std::uint16_t* steps;  // dividends + 1 counts, from the interval before expiry back to the present
};

constexpr std::size_t kLadderOptions = 16;

// Options that are solved side by side. Their grids have the same number of nodes; dividends and steps are
// each option's own.
struct LadderBlock {
    std::size_t count;
    LadderOption options[kLadderOptions];
    LadderShape shapes[kLadderOptions];
};

// The most that an option of a block, or of several, has.
struct LadderExtent {
    std::uint16_t nodes;
    std::uint32_t dividends, steps;

    [[gnu::always_inline]] void include(const LadderShape& shape) noexcept {
        nodes = shape.nodes > nodes ? shape.nodes : nodes;
        dividends = shape.dividends > dividends ? shape.dividends : dividends;
        steps = shape.total_steps > steps ? shape.total_steps : steps;
    }
};

struct LadderReading {
    double price, delta, gamma, theta;
    double boundary_cells =
        1e9;  // from the spot to the nearest free boundary, of now or just after a near date
};

// The rest of the first derivatives, and the probability of exercise before expiry in the measure of the
// spot.
struct LadderSensitivities {
    double vega, rho, phi, exercised;
};

// The part of a ladder about a kink that its nodes do not see, with nodes of its own (close_up.hpp): from
// `low` to `high`, which is below it where there is none. Nodes lie evenly in asinh(ln(spot / centre) /
// scale), each with u and its first two derivatives by their place.
struct LadderCloseUp {
    double low, high;
    double centre, scale, first, step;  // the place of the first node, and from node to node
    double nodes;
};

constexpr std::size_t kCloseUpNumbers = 3;  // of a node
constexpr LadderCloseUp kNoCloseUp = {1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 0.0};

// How to read the values of a ladder: its range of spots, its grid, its units, and the spots between which
// exercise is optimal now (low > high where it nowhere is).
struct LadderProfile {
    double low, high;
    double spot, spacing, middle;  // the spot at node `middle`, and ln(spot) from node to node
    double side, unit, strike, rate, yield, variance;
    double exercise_low, exercise_high;
    LadderCloseUp close_up;
};

// Where reads go; unused columns are null.
struct LadderReadColumns {
    double *price, *delta, *gamma, *theta;

    [[gnu::always_inline]] LadderReadColumns from(std::size_t first) const noexcept {
        const auto shifted = [first](double* column) { return column == nullptr ? nullptr : column + first; };
        return {shifted(price), shifted(delta), shifted(gamma), shifted(theta)};
    }
};

// A search for an implied volatility between two evaluations of the price at option.vol.
struct LadderSearch {
    LadderOption option;
    double target;
    double within;     // how near the target an evaluation must come
    double low, high;  // volatilities that enclose the answer
    double escrowed_spot;
    double last_price, last_escrowed;
    std::uint32_t evaluations;
};

}  // namespace atalanta
