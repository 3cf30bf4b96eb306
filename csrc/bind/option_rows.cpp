#include "bind/option_rows.hpp"

#include <cmath>

namespace atalanta::bind {
namespace {

constexpr const char* kValueNames[] = {"spot", "strike", "years", "rate", "vol", "dividend_yield"};

// A volatility of 12 (1200 %) over a time that makes vol * sqrt(years) exceed 1 is no market's: per cent was
// meant.
constexpr double kLargestPlausibleVol = 12.0;

bool looks_like_per_cent(double vol, double years) {
    return std::isfinite(vol) && vol > kLargestPlausibleVol && vol * std::sqrt(years) > 1.0;
}

[[noreturn]] void raise_per_cent(double vol, const char* origin) {
    raise_input_error(origin,
                      "vol is " + py::cast<std::string>(py::str(py::float_(vol))) +
                          " and looks like per cent; it must be a decimal (0.25 for 25 %): divide by 100");
}

// Only a call whose vols all look like per cent is refused; rows without a vol do not speak for it.
void require_decimal_vols(const Column<double>& vol, const Column<double>& years, std::size_t size,
                          const char* origin) {
    for (std::size_t i = 0, suspect = size; i < size; ++i) {
        if (looks_like_per_cent(vol[i], years[i])) {
            suspect = suspect == size ? i : suspect;
        } else if (vol[i] == vol[i]) {
            return;
        }
        if (i + 1 == size && suspect < size) raise_per_cent(vol[suspect], origin);
    }
}

}  // namespace

bool read_scalar_row(std::span<PyObject* const> arguments, ScalarRow& row, const char* origin) {
    for (std::size_t i = 0; i < 5; ++i) {
        if (!read_scalar(arguments[kSpot + i], row.values[i], origin, kValueNames[i])) return false;
    }
    row.values[5] = 0.0;
    if (arguments[kYield] != nullptr &&
        !read_scalar(arguments[kYield], row.values[5], origin, kValueNames[5])) {
        return false;
    }
    row.right = static_cast<std::int8_t>(read_scalar_right(arguments[kRight], origin));
    return row.right != 0;
}

void add_option_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments) {
    inputs.add_right(arguments[kRight]);
    for (std::size_t i = 0; i < 5; ++i) inputs.add(arguments[kSpot + i], kValueNames[i]);
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kYield] == nullptr ? no_yield.ptr() : arguments[kYield], kValueNames[5]);
}

OptionRows option_rows(const BroadcastRows& inputs) {
    return {inputs.size(),    inputs.right(),   inputs.column(0), inputs.column(1),
            inputs.column(2), inputs.column(3), inputs.column(5), inputs.column(4)};
}

void require_decimals(const OptionRows& rows, const char* origin) {
    require_decimal_vols(rows.vol, rows.years, rows.size, origin);
    require_decimal_rates(rows.rate, rows.size, "rate", origin);
    require_decimal_rates(rows.dividend_yield, rows.size, "dividend_yield", origin);
}

}  // namespace atalanta::bind
