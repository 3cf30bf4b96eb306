#include "bind/terms.hpp"

namespace atalanta::bind {
namespace {

bool equals(PyObject* object, const char* text) {
    return PyUnicode_Check(object) && PyUnicode_CompareWithASCIIString(object, text) == 0;
}

Exercise read_exercise(PyObject* value, const char* origin) {
    if (value == nullptr || equals(value, "european")) return Exercise::european;
    if (equals(value, "american")) return Exercise::american;
    raise_input_error(origin, "exercise is " + repr_of(value) + "; it must be 'european' or 'american'");
}

Tolerance read_tolerance(PyObject* value, const char* origin) {
    if (value == nullptr || equals(value, "standard")) return kStandard;
    if (equals(value, "fast")) return kFast;
    if (equals(value, "precise")) return kPrecise;
    double error;
    if (read_number(value, error) && error >= kLeastTolerance && error <= kLargestTolerance) {
        return {error, error};
    }
    raise_input_error(origin,
                      "tolerance is " + repr_of(value) +
                          "; it must be 'fast', 'standard' or 'precise', or the error of a price for a "
                          "strike of 100, from 1e-7 to 1e-2");
}

}  // namespace

TermsArguments::TermsArguments(PyObject* exercise, PyObject* dividends, PyObject* tolerance,
                               const char* origin)
    : exercise_(read_exercise(exercise, origin)), tolerance_(read_tolerance(tolerance, origin)) {
    if (dividends != nullptr && dividends != Py_None) read_dividends(dividends, origin);
}

void TermsArguments::read_dividends(PyObject* value, const char* origin) {
    if (!PyList_Check(value) && !PyTuple_Check(value)) {
        const py::handle given(value);
        const py::object packed = py::getattr(given, "_schedules", py::none());
        if (py::isinstance<Schedules>(packed)) {
            keeper_ = packed;
            schedules_ = &packed.cast<const Schedules&>();
            of_ = given.attr("of").cast<Indices>();
            return;
        }
    }
    own_.emplace();
    own_->add(value, origin, "dividends");
    schedules_ = &*own_;
}

Terms TermsArguments::of_one_row() const {
    static constexpr std::int32_t kFirst = 0;
    const Column<std::int32_t> of{of_ ? of_->data() : &kFirst, true};
    return {exercise_, has_dividends() ? schedules_->columns(of) : DividendSchedules{}, tolerance_};
}

void TermsArguments::add_to(BroadcastRows& inputs) const {
    if (of_) inputs.add_indices(*of_, "dividends.of");
}

Terms TermsArguments::over(const BroadcastRows& inputs) const {
    return {exercise_, has_dividends() ? schedules_->columns(inputs.indices()) : DividendSchedules{},
            tolerance_};
}

const TermsArguments* read_terms(PyObject* exercise, PyObject* dividends, PyObject* tolerance,
                                 const char* origin, std::optional<TermsArguments>& storage) {
    if (plainly_closed_form(exercise, dividends, tolerance)) return nullptr;
    storage.emplace(exercise, dividends, tolerance, origin);
    return storage->closed_form() ? nullptr : &*storage;
}

}  // namespace atalanta::bind
