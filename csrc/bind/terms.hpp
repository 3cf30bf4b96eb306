// exercise=, dividends= and tolerance= of a call: what a listed option has beyond Black-Scholes-Merton.
#pragma once

#include <optional>

#include "bind/rows.hpp"
#include "bind/schedules.hpp"
#include "pricing/american.hpp"

namespace atalanta::bind {

class TermsArguments {
  public:
    // Arguments may be null (absent). Raises InputError.
    TermsArguments(PyObject* exercise, PyObject* dividends, PyObject* tolerance, const char* origin);

    TermsArguments(const TermsArguments&) = delete;
    TermsArguments& operator=(const TermsArguments&) = delete;

    bool has_dividends() const { return schedules_ != nullptr; }
    std::size_t longest_schedule() const { return has_dividends() ? schedules_->longest() : 0; }

    // European exercise without dividends: the closed form, whatever the tolerance.
    bool closed_form() const { return exercise_ == Exercise::european && !has_dividends(); }

    // One schedule for every row, or none.
    bool fits_one_row() const { return !of_ || of_->ndim() == 0; }
    Terms of_one_row() const;

    // The rows' schedules join the arguments that broadcast.
    void add_to(BroadcastRows& inputs) const;
    Terms over(const BroadcastRows& inputs) const;

  private:
    void read_dividends(PyObject* value, const char* origin);

    Exercise exercise_ = Exercise::european;
    Tolerance tolerance_ = kStandard;
    std::optional<Schedules> own_;
    const Schedules* schedules_ = nullptr;
    py::object keeper_;  // of the schedules that are not our own
    std::optional<Indices> of_;
};

// Whether a call has plainly asked for the closed form: told by identity alone, so that the path of numbers
// stays short. Another spelling of the same is found by read_terms.
inline bool plainly_closed_form(PyObject* exercise, PyObject* dividends, PyObject* tolerance) {
    if (exercise == nullptr && dividends == nullptr && tolerance == nullptr) return true;
    static PyObject* const european = PyUnicode_InternFromString("european");
    static PyObject* const standard = PyUnicode_InternFromString("standard");
    return (exercise == nullptr || exercise == european) && (dividends == nullptr || dividends == Py_None) &&
           (tolerance == nullptr || tolerance == standard);
}

// The terms of a call, kept in `storage`; null where the closed form holds.
const TermsArguments* read_terms(PyObject* exercise, PyObject* dividends, PyObject* tolerance,
                                 const char* origin, std::optional<TermsArguments>& storage);

}  // namespace atalanta::bind
