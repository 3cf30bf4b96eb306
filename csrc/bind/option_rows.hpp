// The rows of an option as every pricing function takes them: right, spot, strike, years, rate, vol and the
// yield, as plain numbers (no array is made) or as columns; and what is refused about them.
#pragma once

#include "bind/rows.hpp"

namespace atalanta::bind {

// The arguments that those functions begin with, in this order.
enum OptionArgument : std::size_t {
    kRight,
    kSpot,
    kStrike,
    kYears,
    kRate,
    kVol,
    kYield,
    kExercise,
    kDividends,
    kTolerance
};

struct ScalarRow {
    std::int8_t right;
    double values[6];  // spot, strike, years, rate, vol, dividend_yield

    OptionRows rows() const {
        return {1,
                {&right, true},
                {&values[0], true},
                {&values[1], true},
                {&values[2], true},
                {&values[3], true},
                {&values[5], true},
                {&values[4], true}};
    }
};

// False when some argument is not a plain number.
bool read_scalar_row(std::span<PyObject* const> arguments, ScalarRow& row, const char* origin);

// The arguments as columns 0 to 5, in the order of ScalarRow; the caller broadcasts.
void add_option_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments);
OptionRows option_rows(const BroadcastRows& inputs);

// Refuses volatilities, rates and yields that are all per cent.
void require_decimals(const OptionRows& rows, const char* origin);

}  // namespace atalanta::bind
