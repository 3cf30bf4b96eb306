// early_exercise and exercise_boundary: the columns that atalanta.pricing names.
#include "bind/memory/result_arrays.hpp"
#include "bind/module.hpp"
#include "bind/option_rows.hpp"
#include "bind/pricing_docs.hpp"
#include "bind/terms.hpp"
#include "bind/vectorcall.hpp"
#include "pricing/early_exercise.hpp"

namespace atalanta::bind {
namespace {

using Flags = py::array_t<bool, py::array::c_style | py::array::forcecast>;

constexpr const char* kEarlyNames[] = {"right", "spot",           "strike",    "years",     "rate",
                                       "vol",   "dividend_yield", "dividends", "tolerance", "threads"};

// What early_exercise gives, as arrays or, for numbers alone, as numbers.
class EarlyResult {
  public:
    explicit EarlyResult(const Shape& shape) : scalar_(shape.empty()) {
        for (Doubles& column : values_) column = result_array<double>(shape, Purpose::early_exercise);
        for (Flags& column : flags_) column = result_array<bool>(shape, Purpose::early_exercise);
    }

    EarlyExerciseColumns columns() {
        const auto value = [&](std::size_t i) { return values_[i].mutable_data(); };
        const auto flag = [&](std::size_t i) {
            return reinterpret_cast<std::uint8_t*>(flags_[i].mutable_data());
        };
        return {value(0), value(1), value(2), value(3),  value(4),  value(5), value(6),
                value(7), value(8), value(9), value(10), value(11), flag(0),  flag(1)};
    }

    py::tuple finish() const {
        py::tuple result(std::size(values_) + std::size(flags_));
        std::size_t i = 0;
        for (const Doubles& column : values_) {
            result[i++] = scalar_ ? py::object(py::float_(*column.data())) : py::object(column);
        }
        for (const Flags& column : flags_) {
            result[i++] = scalar_ ? py::object(py::bool_(*column.data())) : py::object(column);
        }
        return result;
    }

  private:
    bool scalar_;
    std::array<Doubles, 12> values_;
    std::array<Flags, 2> flags_;
};

py::object early_exercise(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kEarlyNames);
    constexpr std::size_t kEarlyDividends = 7, kEarlyTolerance = 8, kThreads = 9;
    const Signature signature{"pricing.early_exercise", names, kYield};
    std::array<PyObject*, std::size(kEarlyNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    const TermsArguments terms(nullptr, arguments[kEarlyDividends], arguments[kEarlyTolerance],
                               signature.origin);
    const int threads = read_threads(arguments[kThreads], signature.origin);
    BroadcastRows inputs(signature.origin);
    add_option_rows(inputs, arguments);
    terms.add_to(inputs);
    inputs.broadcast();
    const OptionRows rows = option_rows(inputs);
    require_decimals(rows, signature.origin);
    EarlyResult result(inputs.shape());
    const EarlyExerciseColumns columns = result.columns();
    {
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::early_exercise(rows, terms.over(inputs), columns, threads);
    }
    return result.finish();
}

constexpr const char* kBoundaryNames[] = {"right",     "strike",         "years",     "rate",      "vol",
                                          "remaining", "dividend_yield", "dividends", "tolerance", "threads"};

// The instants of a curve: a number, or a column of its own that broadcasts with nothing.
Doubles read_remaining(PyObject* value, const char* origin) {
    BroadcastRows instants(origin);
    instants.add(value, "remaining");
    instants.broadcast();
    if (instants.shape().size() > 1) {
        raise_input_error(origin, "remaining has " + std::to_string(instants.shape().size()) +
                                      " dimensions; it must be a number or a column of one");
    }
    Doubles remaining(instants.shape());
    const Column<double> column = instants.column(0);
    for (std::size_t i = 0; i < instants.size(); ++i) remaining.mutable_data()[i] = column[i];
    return remaining;
}

py::object exercise_boundary(PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned(kBoundaryNames);
    enum : std::size_t { kOf, kBoundaryStrike, kT, kR, kV, kRemaining, kQ, kCash, kError, kThreads };
    const Signature signature{"pricing.exercise_boundary", names, kQ};
    std::array<PyObject*, std::size(kBoundaryNames)> arguments{};
    sort_arguments(signature, given, positional, keywords, arguments);
    const TermsArguments terms(nullptr, arguments[kCash], arguments[kError], signature.origin);
    const int threads = read_threads(arguments[kThreads], signature.origin);
    const Doubles remaining = read_remaining(arguments[kRemaining], signature.origin);
    BroadcastRows inputs(signature.origin);
    inputs.add_right(arguments[kOf]);
    for (const std::size_t name : {kBoundaryStrike, kT, kR, kV}) {
        inputs.add(arguments[name], kBoundaryNames[name]);
    }
    const py::float_ no_yield(0.0);
    inputs.add(arguments[kQ] == nullptr ? no_yield.ptr() : arguments[kQ], kBoundaryNames[kQ]);
    terms.add_to(inputs);
    inputs.broadcast();
    // The strike stands for the spot, around which grids lie.
    const OptionRows rows = {inputs.size(),    inputs.right(),   inputs.column(0), inputs.column(0),
                             inputs.column(1), inputs.column(2), inputs.column(4), inputs.column(3)};
    require_decimals(rows, signature.origin);
    Shape shape = inputs.shape();
    if (remaining.ndim() == 1) shape.insert(shape.begin(), remaining.shape(0));
    Doubles boundary(shape), far(shape);
    const double* const instants = remaining.data();
    const auto times = static_cast<std::size_t>(remaining.size());
    double* const near_data = boundary.mutable_data();
    double* const far_data = far.mutable_data();
    {
        const ReleasedGil released(kRowsToReleaseGil);
        atalanta::exercise_boundary(rows, terms.over(inputs), instants, times, near_data, far_data, threads);
    }
    if (shape.empty()) return py::make_tuple(*near_data, *far_data);
    return py::make_tuple(boundary, far);
}

}  // namespace

void bind_early_exercise(py::module_& module) {
    add_function<early_exercise>(module, "early_exercise", kEarlyExerciseDoc);
    add_function<exercise_boundary>(module, "exercise_boundary", kExerciseBoundaryDoc);
}

}  // namespace atalanta::bind
