// price, greeks, implied_vol: sort the arguments, view them as columns, release the GIL, call the core once.
// Calls with numbers alone take a path without any array.
#include <cmath>

#include "bind/module.hpp"
#include "bind/pricing_docs.hpp"
#include "bind/rows.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/european.hpp"

namespace atalanta::bind {
namespace {

// Below this, letting other threads run costs more than the work.
constexpr std::size_t kRowsToReleaseGil = 256;

class ReleasedGil {
  public:
    explicit ReleasedGil(std::size_t rows)
        : state_(rows >= kRowsToReleaseGil ? PyEval_SaveThread() : nullptr) {}
    // At shutdown CPython ends a daemon thread in here by unwinding it.
    ~ReleasedGil() noexcept(false) {
        if (state_ != nullptr) PyEval_RestoreThread(state_);
    }
    ReleasedGil(const ReleasedGil&) = delete;
    ReleasedGil& operator=(const ReleasedGil&) = delete;

  private:
    PyThreadState* state_;
};

// Interned for the life of the process, as the functions are.
template <std::size_t N>
std::array<PyObject*, N> interned(const char* const (&names)[N]) {
    std::array<PyObject*, N> objects;
    for (std::size_t i = 0; i < N; ++i) objects[i] = PyUnicode_InternFromString(names[i]);
    return objects;
}

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

// ---- price and greeks share their inputs

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

    EuropeanRows rows() const {
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

void require_decimal_vol(const ScalarRow& row, const char* origin) {
    if (looks_like_per_cent(row.values[4], row.values[2])) raise_per_cent(row.values[4], origin);
}

void add_european_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments) {
    inputs.add_right(arguments[kRight]);
    for (std::size_t i = 0; i < 5; ++i) inputs.add(arguments[kSpot + i], kValueNames[i]);
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kYield] == nullptr ? no_yield.ptr() : arguments[kYield], kValueNames[5]);
    inputs.broadcast();
}

EuropeanRows european_rows(const BroadcastRows& inputs) {
    return {inputs.size(),    inputs.right(),   inputs.column(0), inputs.column(1),
            inputs.column(2), inputs.column(3), inputs.column(5), inputs.column(4)};
}

// ---- price

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
        require_decimal_vol(row, signature.origin);
        double value;
        active_kernels().price(row.rows(), &value);
        return py::reinterpret_steal<py::object>(PyFloat_FromDouble(value));
    }
    BroadcastRows inputs(signature.origin);
    add_european_rows(inputs, arguments);
    const EuropeanRows rows = european_rows(inputs);
    require_decimal_vols(rows.vol, rows.years, rows.size, signature.origin);
    OutputColumn out(arguments[kOut], inputs.shape(), inputs, signature.origin);
    double* const values = out.data();
    {
        const ReleasedGil released(rows.size);
        atalanta::price(rows, values, threads);
    }
    return inputs.is_scalar() && arguments[kOut] == nullptr ? py::float_(*values) : out.finish();
}

// ---- greeks

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

GreekColumns columns_of(double* data, std::size_t columns, std::size_t rows) {
    GreekColumns out{};
    for (std::size_t i = 0; i < columns; ++i) out.data[i] = data + i * rows;
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
        require_decimal_vol(row, signature.origin);
        return scalar_greeks(row, order);
    }
    BroadcastRows inputs(signature.origin);
    add_european_rows(inputs, arguments);
    const EuropeanRows rows = european_rows(inputs);
    require_decimal_vols(rows.vol, rows.years, rows.size, signature.origin);
    Shape shape = inputs.shape();
    shape.insert(shape.begin(), static_cast<py::ssize_t>(kGreeksOfOrder[order]));
    OutputColumn out(arguments[kOut], shape, inputs, signature.origin);
    const GreekColumns columns = columns_of(out.data(), kGreeksOfOrder[order], rows.size);
    {
        const ReleasedGil released(rows.size);
        atalanta::greeks(rows, order, columns, threads);
    }
    return out.finish();
}

// ---- implied_vol

constexpr const char* kImpliedVolNames[] = {"price", "right",          "spot",     "strike",    "years",
                                            "rate",  "dividend_yield", "exercise", "dividends", "full_output",
                                            "out",   "threads"};
enum QuotedArgument : std::size_t {
    kPrice,
    kQuotedRight,
    kQuotedSpot,
    kQuotedYield = 6,
    kQuotedExercise,
    kQuotedDividends
};

struct ScalarQuote {
    std::int8_t right;
    double values[6];  // price, spot, strike, years, rate, dividend_yield

    QuotedRows rows() const {
        return {1,
                {&values[0], true},
                {&right, true},
                {&values[1], true},
                {&values[2], true},
                {&values[3], true},
                {&values[4], true},
                {&values[5], true}};
    }
};

bool read_scalar_quote(std::span<PyObject* const> arguments, ScalarQuote& quote, const char* origin) {
    if (!read_scalar(arguments[kPrice], quote.values[0], origin, "price")) return false;
    for (std::size_t i = 0; i < 4; ++i) {
        if (!read_scalar(arguments[kQuotedSpot + i], quote.values[1 + i], origin, kValueNames[i]))
            return false;
    }
    quote.values[5] = 0.0;
    if (arguments[kQuotedYield] != nullptr &&
        !read_scalar(arguments[kQuotedYield], quote.values[5], origin, kValueNames[5])) {
        return false;
    }
    quote.right = static_cast<std::int8_t>(read_scalar_right(arguments[kQuotedRight], origin));
    return quote.right != 0;
}

void add_quoted_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments) {
    inputs.add(arguments[kPrice], "price");
    inputs.add_right(arguments[kQuotedRight]);
    for (std::size_t i = 0; i < 4; ++i) inputs.add(arguments[kQuotedSpot + i], kValueNames[i]);
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kQuotedYield] == nullptr ? no_yield.ptr() : arguments[kQuotedYield],
               "dividend_yield");
    inputs.broadcast();
}

QuotedRows quoted_rows(const BroadcastRows& inputs) {
    return {inputs.size(),    inputs.column(0), inputs.right(),   inputs.column(1),
            inputs.column(2), inputs.column(3), inputs.column(4), inputs.column(5)};
}

bool is_true(PyObject* value) {
    const int truth = value == nullptr ? 0 : PyObject_IsTrue(value);
    if (truth < 0) throw py::error_already_set();
    return truth == 1;
}

py::object scalar_implied_vol(const ScalarQuote& quote, bool full_output) {
    double vol;
    ImpliedVolStatus status;
    active_kernels().implied_vol(quote.rows(), &vol, full_output ? &status : nullptr);
    if (!full_output) return py::reinterpret_steal<py::object>(PyFloat_FromDouble(vol));
    return py::make_tuple(vol, static_cast<int>(status));
}

py::object implied_vol(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kImpliedVolNames);
    constexpr std::size_t kFullOutput = 9, kOut = 10, kThreads = 11;
    const Signature signature{"pricing.implied_vol", names, kQuotedYield};
    std::array<PyObject*, std::size(kImpliedVolNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kOut] == Py_None) arguments[kOut] = nullptr;
    if (arguments[kQuotedExercise] != nullptr || arguments[kQuotedDividends] != nullptr) {
        require_european(arguments[kQuotedExercise], arguments[kQuotedDividends], signature.origin);
    }
    const int threads = read_threads(arguments[kThreads], signature.origin);
    const bool full_output = is_true(arguments[kFullOutput]);
    ScalarQuote quote;
    if (arguments[kOut] == nullptr && read_scalar_quote(arguments, quote, signature.origin)) {
        return scalar_implied_vol(quote, full_output);
    }
    BroadcastRows inputs(signature.origin);
    add_quoted_rows(inputs, arguments);
    const QuotedRows rows = quoted_rows(inputs);
    OutputColumn out(arguments[kOut], inputs.shape(), inputs, signature.origin);
    py::array_t<std::uint8_t> status(full_output ? inputs.shape() : Shape{0});
    double* const vols = out.data();
    auto* const statuses = full_output ? reinterpret_cast<ImpliedVolStatus*>(status.mutable_data()) : nullptr;
    {
        const ReleasedGil released(rows.size);
        atalanta::implied_vol(rows, vols, statuses, threads);
    }
    const bool scalar = inputs.is_scalar() && arguments[kOut] == nullptr;
    const py::object result = scalar ? py::object(py::float_(*vols)) : out.finish();
    if (!full_output) return result;
    if (scalar) return py::make_tuple(result, static_cast<int>(*status.data()));
    return py::make_tuple(result, status);
}

// ---- registration

using Function = py::object (*)(PyObject* const*, Py_ssize_t, PyObject*);

// The border: C++ exceptions become Python's. Not noexcept, and without a catch-all: see ReleasedGil.
template <Function function>
PyObject* guarded(PyObject*, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    try {
        return function(given, positional, keywords).release().ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_ValueError, error.what());
    }
    return nullptr;
}

template <Function function>
void add_function(py::module_& module, const char* name, const char* documentation) {
    static PyMethodDef definition = {
        name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&guarded<function>)),
        METH_FASTCALL | METH_KEYWORDS, documentation};
    const py::str module_name("atalanta");
    PyObject* object = PyCFunction_NewEx(&definition, nullptr, module_name.ptr());
    if (object == nullptr) throw py::error_already_set();
    module.attr(name) = py::reinterpret_steal<py::object>(object);
}

}  // namespace

void bind_pricing(py::module_& module) {
    add_function<price>(module, "price", kPriceDoc);
    add_function<greeks>(module, "greeks", kGreeksDoc);
    add_function<implied_vol>(module, "implied_vol", kImpliedVolDoc);
}

}  // namespace atalanta::bind
