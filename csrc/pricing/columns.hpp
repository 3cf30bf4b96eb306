// What the pricing kernels read and write: columns of options, never an object per option.
// A column either holds one value per row or one value shared by all rows. Members are inlined always:
// the translation units of the instruction sets include this and must not share code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace atalanta {

template <class T>
struct Column {
    const T* data;
    bool shared;  // one value for every row

    [[gnu::always_inline]] const T& operator[](std::size_t row) const noexcept {
        return data[shared ? 0 : row];
    }
    [[gnu::always_inline]] Column from(std::size_t row) const noexcept {
        return {shared ? data : data + row, shared};
    }
};

// Options. right: +1 call, -1 put. years to expiry; rate and dividend_yield continuously compounded; vol as a
// decimal per square root of a year.
struct OptionRows {
    std::size_t size;
    Column<std::int8_t> right;
    Column<double> spot, strike, years, rate, dividend_yield, vol;

    [[gnu::always_inline]] OptionRows slice(std::size_t first, std::size_t count) const noexcept {
        return {count,
                right.from(first),
                spot.from(first),
                strike.from(first),
                years.from(first),
                rate.from(first),
                dividend_yield.from(first),
                vol.from(first)};
    }
};

// Prices to invert; the other columns as in OptionRows.
struct QuotedRows {
    std::size_t size;
    Column<double> price;
    Column<std::int8_t> right;
    Column<double> spot, strike, years, rate, dividend_yield;

    [[gnu::always_inline]] QuotedRows slice(std::size_t first, std::size_t count) const noexcept {
        return {count,
                price.from(first),
                right.from(first),
                spot.from(first),
                strike.from(first),
                years.from(first),
                rate.from(first),
                dividend_yield.from(first)};
    }
};

// Outputs of the Greeks kernels in the order in which they are added: 7 of order 1, 10 of order 2, 13 of
// order 3. Raw derivatives: vega per 1.00 of vol; theta, charm and color per year of calendar time; rho and
// phi per 1.00.
enum class Greek : std::size_t {
    price,
    delta,
    gamma,
    vega,
    theta,
    rho,
    phi,  // order 1 (and gamma)
    vanna,
    charm,
    vomma,  // order 2
    speed,
    zomma,
    color,  // order 3
};
inline constexpr std::size_t kGreeksOfOrder[] = {1, 7, 10, 13};

struct GreekColumns {
    double* data[13];  // unused ones are null

    [[gnu::always_inline]] double* operator[](Greek greek) const noexcept {
        return data[static_cast<std::size_t>(greek)];
    }
    [[gnu::always_inline]] GreekColumns from(std::size_t row) const noexcept {
        GreekColumns shifted = *this;
        for (double*& column : shifted.data) column = column == nullptr ? nullptr : column + row;
        return shifted;
    }
};

// Why a row has no implied volatility.
enum class ImpliedVolStatus : std::uint8_t {
    ok = 0,
    below_intrinsic = 1,  // price at or below its least value: discounted intrinsic, or exercise now
    above_bound = 2,      // price at or above the upper bound (discounted forward or strike)
    bad_input = 3,        // NaN, infinite, or not positive where it must be
};

}  // namespace atalanta
