// price and greeks: sort the arguments, view them as columns, release the GIL, call the core once.
// Calls with numbers alone take a path without any array.
#include <cmath>

#include "bind/module.hpp"
#include "bind/pricing_docs.hpp"
#include "bind/rows.hpp"
#include "bind/vectorcall.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/european.hpp"

namespace atalanta::bind {
namespace {

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

enum EuropeanArgument : std::size_t {
    kRight,
    kSpot,
    kStrike,
    kYears,
    kRate,
    kVol,
    kYield,
    kExercise,
    kDividends
};
constexpr const char* kValueNames[] = {"spot", "strike", "years", "rate", "vol", "dividend_yield"};

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

void require_decimals(const OptionRows& rows, const char* origin) {
    require_decimal_vols(rows.vol, rows.years, rows.size, origin);
    require_decimal_rates(rows.rate, rows.size, "rate", origin);
    require_decimal_rates(rows.dividend_yield, rows.size, "dividend_yield", origin);
}

void add_european_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments) {
    inputs.add_right(arguments[kRight]);
    for (std::size_t i = 0; i < 5; ++i) inputs.add(arguments[kSpot + i], kValueNames[i]);
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kYield] == nullptr ? no_yield.ptr() : arguments[kYield], kValueNames[5]);
    inputs.broadcast();
}

OptionRows european_rows(const BroadcastRows& inputs) {
    return {inputs.size(),    inputs.right(),   inputs.column(0), inputs.column(1),
            inputs.column(2), inputs.column(3), inputs.column(5), inputs.column(4)};
}

constexpr const char* kPriceNames[] = {"right",          "spot",     "strike",    "years", "rate",   "vol",
                                       "dividend_yield", "exercise", "dividends", "out",   "threads"};

py::object price(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kPriceNames);
    constexpr std::size_t kOut = 9, kThreads = 10;
    const Signature signature{"pricing.price", names, kYield};
    std::array<PyObject*, std::size(kPriceNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kOut] == Py_None) arguments[kOut] = nullptr;
    if (arguments[kExercise] != nullptr || arguments[kDividends] != nullptr) {
        require_european(arguments[kExercise], arguments[kDividends], signature.origin);
    }
    const int threads = read_threads(arguments[kThreads], signature.origin);
    ScalarRow row;
    if (arguments[kOut] == nullptr && read_scalar_row(arguments, row, signature.origin)) {
        require_decimals(row.rows(), signature.origin);
        double value;
        active_kernels().european->price(row.rows(), &value);
        return py::reinterpret_steal<py::object>(PyFloat_FromDouble(value));
    }
    BroadcastRows inputs(signature.origin);
    add_european_rows(inputs, arguments);
    const OptionRows rows = european_rows(inputs);
    require_decimals(rows, signature.origin);
    OutputColumn out(arguments[kOut], inputs.shape(), inputs, signature.origin);
    double* const values = out.data();
    {
        const ReleasedGil released(rows.size);
        atalanta::price(rows, values, threads);
    }
    return inputs.is_scalar() && arguments[kOut] == nullptr ? py::float_(*values) : out.finish();
}

constexpr const char* kGreeksNames[] = {"right", "spot",           "strike",   "years",     "rate",
                                        "vol",   "dividend_yield", "exercise", "dividends", "order",
                                        "out",   "threads"};

int read_order(PyObject* value, const char* origin) {
    if (value == nullptr) return 1;
    const long order = PyLong_Check(value) && !PyBool_Check(value) ? PyLong_AsLong(value) : 0;
    if (PyErr_Occurred()) PyErr_Clear();
    if (order < 1 || order > 3) {
        raise_input_error(origin, "order is " + py::cast<std::string>(py::repr(py::handle(value))) +
                                      "; it must be 1, 2 or 3");
    }
    return static_cast<int>(order);
}

GreekColumns columns_of(double* data, std::size_t columns, std::size_t stride) {
    GreekColumns out{};
    for (std::size_t i = 0; i < columns; ++i) out.data[i] = data + i * stride;
    return out;
}

py::object scalar_greeks(const ScalarRow& row, int order) {
    double values[13];
    const std::size_t columns = kGreeksOfOrder[order];
    atalanta::greeks(row.rows(), order, columns_of(values, columns, 1), 1);
    py::tuple result(columns);
    for (std::size_t i = 0; i < columns; ++i) result[i] = py::float_(values[i]);
    return result;
}

py::object greeks(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kGreeksNames);
    constexpr std::size_t kOrder = 9, kOut = 10, kThreads = 11;
    const Signature signature{"pricing.greeks", names, kYield};
    std::array<PyObject*, std::size(kGreeksNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kOut] == Py_None) arguments[kOut] = nullptr;
    require_european(arguments[kExercise], arguments[kDividends], signature.origin);
    const int order = read_order(arguments[kOrder], signature.origin);
    const int threads = read_threads(arguments[kThreads], signature.origin);
    ScalarRow row;
    if (arguments[kOut] == nullptr && read_scalar_row(arguments, row, signature.origin)) {
        require_decimals(row.rows(), signature.origin);
        return scalar_greeks(row, order);
    }
    BroadcastRows inputs(signature.origin);
    add_european_rows(inputs, arguments);
    const OptionRows rows = european_rows(inputs);
    require_decimals(rows, signature.origin);
    Shape shape = inputs.shape();
    shape.insert(shape.begin(), static_cast<py::ssize_t>(kGreeksOfOrder[order]));
    OutputColumn out(arguments[kOut], shape, inputs, signature.origin,
                     OutputColumn::Layout::column_per_first_axis);
    const GreekColumns columns = columns_of(out.data(), kGreeksOfOrder[order], out.stride());
    {
        const ReleasedGil released(rows.size);
        atalanta::greeks(rows, order, columns, threads);
    }
    return out.finish();
}

}  // namespace

void bind_european(py::module_& module) {
    add_function<price>(module, "price", kPriceDoc);
    add_function<greeks>(module, "greeks", kGreeksDoc);
}

}  // namespace atalanta::bind
