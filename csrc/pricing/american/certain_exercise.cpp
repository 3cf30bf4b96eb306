#include "pricing/american/certain_exercise.hpp"

#include <cmath>

namespace atalanta {
namespace {

CertainExercise exercise_at(const AmericanRow& row, double moment) {
    const double yield_discount = std::exp(-row.dividend_yield * moment);
    const double spot = row.spot * yield_discount, strike = row.strike * std::exp(-row.rate * moment);
    return {row.right * (spot - strike), row.right * yield_discount,
            row.right * (row.dividend_yield * spot - row.rate * strike), row.right * moment * strike,
            -row.right * moment * spot};
}

// Where the gain of waiting turns; NaN or outside the years where it does not.
double turning_moment(const AmericanRow& row) {
    const double ratio = row.dividend_yield * row.spot / (row.rate * row.strike);
    return std::log(ratio) / (row.dividend_yield - row.rate);
}

}  // namespace

CertainExercise certain_exercise(const AmericanRow& row) noexcept {
    CertainExercise best = exercise_at(row, 0.0);
    best.theta = 0.0;
    const double turn = turning_moment(row);
    if (turn > 0.0 && turn < row.years) {
        const CertainExercise then = exercise_at(row, turn);
        if (then.price > best.price) best = then;
        best.theta = 0.0;
    }
    const CertainExercise last = exercise_at(row, row.years);
    if (last.price > best.price) best = last;
    return best.price > 0.0 ? best : CertainExercise{};
}

}  // namespace atalanta
