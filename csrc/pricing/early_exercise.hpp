// Whether and when American options are exercised early: the boundary, the probability, and what not
// exercising costs. Composed of the prices of american.hpp; for warnings of assignment.
#pragma once

#include "pricing/american.hpp"

namespace atalanta {

// One value per row; all must be given. Money is per share. A dividend counts for a row where it pays
// something before the row's expiry; NaN stands where there is none, and throughout a row without a price.
struct EarlyExerciseColumns {
    double* price;
    double* intrinsic;   // what exercising now gives, at least 0
    double* time_value;  // price - intrinsic
    // Exercising now is right at and below it (put), at and above it (call); 0 for puts, infinity for calls
    // where no spot is exercised, NaN where dividends lie ahead and nothing is random.
    double* boundary;
    double* far_boundary;  // where rates below 0 end the exercise region again; NaN where they do not
    double* probability;   // risk-neutral, of exercise before expiry
    double* next_ex_years;
    double* next_dividend;
    double* value_after;  // of the option just after the next ex-date, at today's spot less the dividend
    double* ex_dividend_boundary;        // as boundary, just before the next ex-date; 0 for puts
    double* cost_of_holding;             // intrinsic - value_after where that is positive, else 0
    double* cost_of_waiting;             // per year, lost by not exercising now; 0 where holding is right
    std::uint8_t* exercise_now;          // 1: the spot is at or beyond the boundary
    std::uint8_t* ex_dividend_exercise;  // 1: at today's spot, exercising just before the ex-date is right
};

// terms.exercise is taken to be American, whatever it says.
void early_exercise(const OptionRows& rows, const Terms& terms, const EarlyExerciseColumns& out,
                    int threads = 0);

// The part of it that the next dividend decides: next_ex_years, next_dividend, value_after and
// ex_dividend_boundary. Needs out.price.
void ex_dividend_columns(const OptionRows& rows, const Terms& terms, const EarlyExerciseColumns& out,
                         int threads = 0);

// The boundaries with remaining[m] years left, out[m * rows.size + row]; far may be null. NaN where the row
// has less time left. The spots of the rows do not matter.
void exercise_boundary(const OptionRows& rows, const Terms& terms, const double* remaining, std::size_t times,
                       double* out, double* far, int threads = 0);

}  // namespace atalanta
