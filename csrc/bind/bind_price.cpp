// price and greeks: sort the arguments, view them as columns, release the GIL, call the core once.
// Calls with numbers alone take a path without any array.
#include "bind/memory/result_arrays.hpp"
#include "bind/module.hpp"
#include "bind/option_rows.hpp"
#include "bind/pricing_docs.hpp"
#include "bind/routed_call.hpp"
#include "bind/terms.hpp"
#include "bind/vectorcall.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/european.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kPriceNames[] = {"right", "spot",           "strike",   "years",     "rate",
                                       "vol",   "dividend_yield", "exercise", "dividends", "tolerance",
                                       "out",   "threads",        "device"};

enum PriceArgument : std::size_t { kPriceOut = kTolerance + 1, kPriceThreads, kPriceDevice };

// `device` is the last parameter of a routed function, and none of the plain one.
constexpr std::size_t count_of(std::size_t names, bool routed) {
    return routed ? names : names - 1;
}

bool wants_closed_form(std::span<PyObject* const> arguments) {
    return plainly_closed_form(arguments[kExercise], arguments[kDividends], arguments[kTolerance]);
}

py::object price_of_one(const ScalarRow& row, const TermsArguments& terms) {
    double value;
    {
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::price(row.rows(), terms.of_one_row(), &value, 1);
    }
    return py::float_(value);
}

// Another device's result, where it gave one, as the call wants it: its own array, the caller's or a number.
py::object as_asked(const py::object& result, PyObject* out, const BroadcastRows& inputs) {
    if (out != nullptr) {
        py::module_::import("numpy").attr("copyto")(py::handle(out), result);
        return py::reinterpret_borrow<py::object>(out);
    }
    return inputs.is_scalar() ? py::object(py::float_(result)) : result;
}

// Any call but that of numbers for the closed form. Terms are null for the closed form.
template <bool routed>
[[gnu::noinline]] py::object price_any(std::span<PyObject* const> arguments, const char* origin) {
    std::optional<TermsArguments> storage;
    const TermsArguments* terms =
        read_terms(arguments[kExercise], arguments[kDividends], arguments[kTolerance], origin, storage);
    if constexpr (routed) {
        if (terms != nullptr) require_plain_device(arguments[kPriceDevice], origin);
    }
    const int threads = read_threads(arguments[kPriceThreads], origin);
    ScalarRow row;
    if (terms != nullptr && terms->fits_one_row() && arguments[kPriceOut] == nullptr &&
        read_scalar_row(arguments, row, origin)) {
        require_decimals(row.rows(), origin);
        return price_of_one(row, *terms);
    }
    BroadcastRows inputs(origin);
    add_option_rows(inputs, arguments);
    if (terms != nullptr) terms->add_to(inputs);
    inputs.broadcast();
    const OptionRows rows = option_rows(inputs);
    require_decimals(rows, origin);
    RoutedCall call(threads);
    if constexpr (routed) {
        if (terms == nullptr)
            call = RoutedCall(Routed::price, arguments[kPriceDevice], arguments[kTolerance], rows.size,
                              rows.spot, rows.strike, threads, origin);
    }
    OutputColumn out(arguments[kPriceOut], inputs.shape(), inputs, origin, Purpose::price);
    if (call.elsewhere()) {
        if (const py::object result = call.run_elsewhere(inputs.objects(0, 6)))
            return as_asked(result, arguments[kPriceOut], inputs);
    }
    double* const values = out.data();
    if (terms == nullptr) {
        const ReleasedGil released(rows.size);
        call.run_here(out, [&](int count) { atalanta::price(rows, values, count); });
    } else {
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::price(rows, terms->over(inputs), values, threads);
    }
    return inputs.is_scalar() && arguments[kPriceOut] == nullptr ? py::float_(*values) : out.finish();
}

template <bool routed>
py::object price(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kPriceNames);
    const std::span known(names.data(), count_of(names.size(), routed));
    const Signature signature{"pricing.price", known, kYield};
    std::array<PyObject*, std::size(kPriceNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kPriceOut] == Py_None) arguments[kPriceOut] = nullptr;
    ScalarRow row;
    if (arguments[kPriceOut] == nullptr && wants_closed_form(arguments) &&
        (!routed || is_plain_device(arguments[kPriceDevice])) &&
        read_scalar_row(arguments, row, signature.origin)) {
        read_threads(arguments[kPriceThreads], signature.origin);
        require_decimals(row.rows(), signature.origin);
        double value;
        active_kernels().european->price(row.rows(), &value);
        return py::reinterpret_steal<py::object>(PyFloat_FromDouble(value));
    }
    return price_any<routed>(arguments, signature.origin);
}

constexpr const char* kGreeksNames[] = {
    "right",    "spot",      "strike",    "years", "rate", "vol",     "dividend_yield",
    "exercise", "dividends", "tolerance", "order", "out",  "threads", "device"};

int read_order(PyObject* value, const char* origin) {
    if (value == nullptr) return 1;
    const long order = PyLong_Check(value) && !PyBool_Check(value) ? PyLong_AsLong(value) : 0;
    if (PyErr_Occurred()) PyErr_Clear();
    if (order < 1 || order > 3) {
        raise_input_error(origin, "order is " + repr_of(value) + "; it must be 1, 2 or 3");
    }
    return static_cast<int>(order);
}

// What a call of order 2 or 3 may run on.
PyObject* cpu_only() {
    static PyObject* const cpu = PyUnicode_InternFromString("cpu");
    return cpu;
}

void require_first_order(int order, const char* origin) {
    if (order == 1) return;
    raise_input_error(origin, "order is " + std::to_string(order) +
                                  "; with exercise='american' or dividends= it must be 1: second and third "
                                  "order exist for European exercise without cash dividends");
}

GreekColumns columns_of(double* data, std::size_t columns, std::size_t stride) {
    GreekColumns out{};
    for (std::size_t i = 0; i < columns; ++i) out.data[i] = data + i * stride;
    return out;
}

// dividend_delta: (longest schedule, ...), or empty when the call has no dividends.
Doubles dividend_deltas(const TermsArguments* terms, const Shape& rows) {
    if (terms == nullptr || !terms->has_dividends()) return {};
    Shape shape = rows;
    shape.insert(shape.begin(), static_cast<py::ssize_t>(terms->longest_schedule()));
    return result_array<double>(shape, Purpose::greeks);
}

py::object with_dividend_deltas(py::object greeks, const Doubles& deltas, const TermsArguments* terms) {
    if (terms == nullptr || !terms->has_dividends()) return greeks;
    return py::make_tuple(greeks, deltas);
}

void run_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out, Doubles& deltas,
                int threads) {
    double* const dividend_delta = deltas.size() == 0 ? nullptr : deltas.mutable_data();
    const ReleasedGil released(kRowsToReleaseGil);
    atalanta::greeks(rows, terms, out, dividend_delta, threads);
}

py::tuple tuple_of(const double* values, std::size_t count) {
    py::tuple result(count);
    for (std::size_t i = 0; i < count; ++i) result[i] = py::float_(values[i]);
    return result;
}

py::object greeks_of_one(const ScalarRow& row, const TermsArguments& terms) {
    double values[kGreeksOfOrder[1]];
    Doubles deltas = dividend_deltas(&terms, {});
    run_greeks(row.rows(), terms.of_one_row(), columns_of(values, std::size(values), 1), deltas, 1);
    return with_dividend_deltas(tuple_of(values, std::size(values)), deltas, &terms);
}

enum GreeksArgument : std::size_t { kOrder = kTolerance + 1, kGreeksOut, kGreeksThreads, kGreeksDevice };

// Any call but that of numbers for the closed form.
template <bool routed>
[[gnu::noinline]] py::object greeks_any(std::span<PyObject* const> arguments, int order, const char* origin) {
    std::optional<TermsArguments> storage;
    const TermsArguments* terms =
        read_terms(arguments[kExercise], arguments[kDividends], arguments[kTolerance], origin, storage);
    if (terms != nullptr) require_first_order(order, origin);
    if constexpr (routed) {
        if (terms != nullptr || order > 1) require_plain_device(arguments[kGreeksDevice], origin);
    }
    const int threads = read_threads(arguments[kGreeksThreads], origin);
    ScalarRow row;
    if (terms != nullptr && terms->fits_one_row() && arguments[kGreeksOut] == nullptr &&
        read_scalar_row(arguments, row, origin)) {
        require_decimals(row.rows(), origin);
        return greeks_of_one(row, *terms);
    }
    BroadcastRows inputs(origin);
    add_option_rows(inputs, arguments);
    if (terms != nullptr) terms->add_to(inputs);
    inputs.broadcast();
    const OptionRows rows = option_rows(inputs);
    require_decimals(rows, origin);
    RoutedCall call(threads);
    if constexpr (routed) {
        PyObject* const device = order > 1 ? cpu_only() : arguments[kGreeksDevice];
        if (terms == nullptr)
            call = RoutedCall(Routed::greeks, device, arguments[kTolerance], rows.size, rows.spot,
                              rows.strike, threads, origin);
    }
    Shape shape = inputs.shape();
    shape.insert(shape.begin(), static_cast<py::ssize_t>(kGreeksOfOrder[order]));
    OutputColumn out(arguments[kGreeksOut], shape, inputs, origin, Purpose::greeks,
                     OutputColumn::Layout::column_per_first_axis);
    if (call.elsewhere()) {
        if (const py::object result = call.run_elsewhere(inputs.objects(0, 6))) {
            if (inputs.is_scalar() && arguments[kGreeksOut] == nullptr)
                return py::tuple(result.attr("tolist")());
            return as_asked(result, arguments[kGreeksOut], inputs);
        }
    }
    Doubles deltas = dividend_deltas(terms, inputs.shape());
    const GreekColumns columns = columns_of(out.data(), kGreeksOfOrder[order], out.stride());
    if (terms == nullptr) {
        const ReleasedGil released(rows.size);
        call.run_here(out, [&](int count) { atalanta::greeks(rows, order, columns, count); });
    } else {
        run_greeks(rows, terms->over(inputs), columns, deltas, threads);
    }
    return with_dividend_deltas(out.finish(), deltas, terms);
}

template <bool routed>
py::object greeks(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kGreeksNames);
    const std::span known(names.data(), count_of(names.size(), routed));
    const Signature signature{"pricing.greeks", known, kYield};
    std::array<PyObject*, std::size(kGreeksNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kGreeksOut] == Py_None) arguments[kGreeksOut] = nullptr;
    const int order = read_order(arguments[kOrder], signature.origin);
    ScalarRow row;
    if (arguments[kGreeksOut] == nullptr && wants_closed_form(arguments) &&
        (!routed || is_plain_device(arguments[kGreeksDevice])) &&
        read_scalar_row(arguments, row, signature.origin)) {
        read_threads(arguments[kGreeksThreads], signature.origin);
        require_decimals(row.rows(), signature.origin);
        double values[kGreeksOfOrder[3]];
        atalanta::greeks(row.rows(), order, columns_of(values, kGreeksOfOrder[order], 1), 1);
        return tuple_of(values, kGreeksOfOrder[order]);
    }
    return greeks_any<routed>(arguments, order, signature.origin);
}

}  // namespace

void bind_price(py::module_& module) {
    add_function<price<false>>(module, "atalanta.pricing", "price", "price", kPriceDoc);
    add_function<greeks<false>>(module, "greeks", kGreeksDoc);
    add_function<price<true>>(module, "atalanta", "routed_price", "price", routed_doc(kPriceDoc));
    add_function<greeks<true>>(module, "routed_greeks", routed_doc(kGreeksDoc));
}

}  // namespace atalanta::bind
