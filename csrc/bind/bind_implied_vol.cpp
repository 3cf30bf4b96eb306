// implied_vol: as price and greeks, with a quoted price in the place of the volatility.
#include "bind/memory/result_arrays.hpp"
#include "bind/module.hpp"
#include "bind/pricing_docs.hpp"
#include "bind/routed_call.hpp"
#include "bind/rows.hpp"
#include "bind/terms.hpp"
#include "bind/vectorcall.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/european.hpp"

namespace atalanta::bind {
namespace {

bool is_true(PyObject* value) {
    const int truth = value == nullptr ? 0 : PyObject_IsTrue(value);
    if (truth < 0) throw py::error_already_set();
    return truth == 1;
}

constexpr const char* kSharedNames[] = {"spot", "strike", "years", "rate"};
constexpr const char* kImpliedVolNames[] = {"price", "right",          "spot",     "strike",    "years",
                                            "rate",  "dividend_yield", "exercise", "dividends", "tolerance",
                                            "start", "full_output",    "out",      "threads",   "device"};
enum QuotedArgument : std::size_t {
    kPrice,
    kQuotedRight,
    kQuotedSpot,
    kQuotedYield = 6,
    kQuotedExercise,
    kQuotedDividends,
    kQuotedTolerance,
    kStart,
    kFullOutput,
    kQuotedOut,
    kQuotedThreads,
    kQuotedDevice
};

struct ScalarQuote {
    std::int8_t right;
    double values[7];  // price, spot, strike, years, rate, dividend_yield, start

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
        if (!read_scalar(arguments[kQuotedSpot + i], quote.values[1 + i], origin, kSharedNames[i]))
            return false;
    }
    quote.values[5] = 0.0;
    if (arguments[kQuotedYield] != nullptr &&
        !read_scalar(arguments[kQuotedYield], quote.values[5], origin, "dividend_yield")) {
        return false;
    }
    if (arguments[kStart] != nullptr && !read_scalar(arguments[kStart], quote.values[6], origin, "start")) {
        return false;
    }
    quote.right = static_cast<std::int8_t>(read_scalar_right(arguments[kQuotedRight], origin));
    return quote.right != 0;
}

void add_quoted_rows(BroadcastRows& inputs, std::span<PyObject* const> arguments) {
    inputs.add(arguments[kPrice], "price");
    inputs.add_right(arguments[kQuotedRight]);
    for (std::size_t i = 0; i < 4; ++i) inputs.add(arguments[kQuotedSpot + i], kSharedNames[i]);
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kQuotedYield] == nullptr ? no_yield.ptr() : arguments[kQuotedYield],
               "dividend_yield");
    if (arguments[kStart] != nullptr) inputs.add(arguments[kStart], "start");
}

QuotedRows quoted_rows(const BroadcastRows& inputs) {
    return {inputs.size(),    inputs.column(0), inputs.right(),   inputs.column(1),
            inputs.column(2), inputs.column(3), inputs.column(4), inputs.column(5)};
}

void require_decimals(const QuotedRows& rows, const char* origin) {
    require_decimal_rates(rows.rate, rows.size, "rate", origin);
    require_decimal_rates(rows.dividend_yield, rows.size, "dividend_yield", origin);
}

py::object vol_and_status(double vol, ImpliedVolStatus status, bool full_output) {
    if (!full_output) return py::reinterpret_steal<py::object>(PyFloat_FromDouble(vol));
    return py::make_tuple(vol, static_cast<int>(status));
}

py::object implied_vol_of_one(const ScalarQuote& quote, const TermsArguments& terms, bool has_start,
                              bool full_output) {
    double vol;
    ImpliedVolStatus status;
    {
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::implied_vol(quote.rows(), terms.of_one_row(), has_start ? &quote.values[6] : nullptr, &vol,
                              &status, 1);
    }
    return vol_and_status(vol, status, full_output);
}

// One start per row, out of the last column of the inputs.
std::vector<double> starts_of(const BroadcastRows& inputs) {
    const Column<double> column = inputs.column(6);
    std::vector<double> starts(inputs.size());
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = column[i];
    return starts;
}

// Another device's vols and statuses, as the call wants them: new, in the caller's array, or numbers.
py::object as_asked(const py::object& result, PyObject* out, const BroadcastRows& inputs, bool full_output) {
    py::object vols = result[py::int_(0)], status = result[py::int_(1)];
    if (out != nullptr) {
        py::module_::import("numpy").attr("copyto")(py::handle(out), vols);
        vols = py::reinterpret_borrow<py::object>(out);
    } else if (inputs.is_scalar()) {
        vols = py::float_(vols), status = py::int_(status);
    }
    return full_output ? py::object(py::make_tuple(vols, status)) : vols;
}

// Any call but that of numbers for the closed form. Terms are null for the closed form, which needs no start.
template <bool routed>
[[gnu::noinline]] py::object implied_vol_any(std::span<PyObject* const> arguments, bool full_output,
                                             const char* origin) {
    std::optional<TermsArguments> storage;
    const TermsArguments* terms = read_terms(arguments[kQuotedExercise], arguments[kQuotedDividends],
                                             arguments[kQuotedTolerance], origin, storage);
    if constexpr (routed) {
        if (terms != nullptr) require_plain_device(arguments[kQuotedDevice], origin);
    }
    const int threads = read_threads(arguments[kQuotedThreads], origin);
    const bool has_start = arguments[kStart] != nullptr;
    ScalarQuote quote;
    if (terms != nullptr && terms->fits_one_row() && arguments[kQuotedOut] == nullptr &&
        read_scalar_quote(arguments, quote, origin)) {
        require_decimals(quote.rows(), origin);
        return implied_vol_of_one(quote, *terms, has_start, full_output);
    }
    BroadcastRows inputs(origin);
    add_quoted_rows(inputs, arguments);
    if (terms != nullptr) terms->add_to(inputs);
    inputs.broadcast();
    const QuotedRows rows = quoted_rows(inputs);
    require_decimals(rows, origin);
    RoutedCall call(threads);
    if constexpr (routed) {
        if (terms == nullptr)
            call = RoutedCall(Routed::implied_vol, arguments[kQuotedDevice], arguments[kQuotedTolerance],
                              rows.size, rows.spot, rows.strike, threads, origin);
    }
    OutputColumn out(arguments[kQuotedOut], inputs.shape(), inputs, origin, Purpose::implied_vol);
    if (call.elsewhere()) {
        if (const py::object result = call.run_elsewhere(inputs.objects(1, 6)))
            return as_asked(result, arguments[kQuotedOut], inputs, full_output);
    }
    auto status = result_array<std::uint8_t>(full_output ? inputs.shape() : Shape{0}, Purpose::implied_vol);
    double* const vols = out.data();
    auto* const statuses = full_output ? reinterpret_cast<ImpliedVolStatus*>(status.mutable_data()) : nullptr;
    if (terms == nullptr) {
        const ReleasedGil released(rows.size);
        call.run_here(out, [&](int count) { atalanta::implied_vol(rows, vols, statuses, count); });
    } else {
        const std::vector<double> starts = has_start ? starts_of(inputs) : std::vector<double>();
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::implied_vol(rows, terms->over(inputs), has_start ? starts.data() : nullptr, vols, statuses,
                              threads);
    }
    const bool scalar = inputs.is_scalar() && arguments[kQuotedOut] == nullptr;
    const py::object result = scalar ? py::object(py::float_(*vols)) : out.finish();
    if (!full_output) return result;
    if (scalar) return py::make_tuple(result, static_cast<int>(*status.data()));
    return py::make_tuple(result, status);
}

template <bool routed>
py::object implied_vol(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kImpliedVolNames);
    const std::span known(names.data(), routed ? names.size() : names.size() - 1);  // without `device`
    const Signature signature{"pricing.implied_vol", known, kQuotedYield};
    std::array<PyObject*, std::size(kImpliedVolNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    if (arguments[kQuotedOut] == Py_None) arguments[kQuotedOut] = nullptr;
    if (arguments[kStart] == Py_None) arguments[kStart] = nullptr;
    const bool full_output = is_true(arguments[kFullOutput]);
    ScalarQuote quote;
    if (arguments[kQuotedOut] == nullptr &&
        plainly_closed_form(arguments[kQuotedExercise], arguments[kQuotedDividends],
                            arguments[kQuotedTolerance]) &&
        (!routed || is_plain_device(arguments[kQuotedDevice])) &&
        read_scalar_quote(arguments, quote, signature.origin)) {
        read_threads(arguments[kQuotedThreads], signature.origin);
        require_decimals(quote.rows(), signature.origin);
        double vol;
        ImpliedVolStatus status{};
        active_kernels().implied_vol->european(quote.rows(), &vol, full_output ? &status : nullptr);
        return vol_and_status(vol, status, full_output);
    }
    return implied_vol_any<routed>(arguments, full_output, signature.origin);
}

}  // namespace

void bind_implied_vol(py::module_& module) {
    add_function<implied_vol<false>>(module, "atalanta.pricing", "implied_vol", "implied_vol",
                                     kImpliedVolDoc);
    add_function<implied_vol<true>>(module, "atalanta", "routed_implied_vol", "implied_vol",
                                    routed_doc(kImpliedVolDoc));
}

}  // namespace atalanta::bind
