#include "bind/schedules.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::bind {
namespace {

// A sequence of schedules in the place of one is the likely mistake.
[[noreturn]] void raise_no_pair(const char* origin, const std::string& entry, PyObject* value) {
    const py::object items = as_sequence(value);
    const bool nested = items && PySequence_Fast_GET_SIZE(items.ptr()) > 0 &&
                        as_sequence(PySequence_Fast_GET_ITEM(items.ptr(), 0));
    raise_input_error(origin,
                      entry + " is " + repr_of(value) + "; it must be a (years, cash) pair of numbers" +
                          (nested ? ". Several schedules: atalanta.Dividends(schedules, of=...)" : ""));
}

// Reasons are in the order in which the values stop making sense.
const char* fault_of(double years, double cash) {
    if (!std::isfinite(years)) return "the years to the ex-date must be finite";
    if (years <= 0.0) {
        return "it goes ex on or before the valuation instant: the spot is taken as already ex-dividend; "
               "leave "
               "it out";
    }
    if (!std::isfinite(cash)) return "the cash must be finite";
    if (cash < 0.0) return "the cash must not be negative";
    return nullptr;
}

}  // namespace

py::object as_sequence(PyObject* value) {
    if (PyUnicode_Check(value) || PyBytes_Check(value)) return {};
    PyObject* sequence = PySequence_Fast(value, "");
    if (sequence != nullptr) return py::reinterpret_steal<py::object>(sequence);
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw py::error_already_set();
    PyErr_Clear();
    return {};
}

std::size_t Schedules::longest() const {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < count(); ++i) longest = std::max(longest, offsets_[i + 1] - offsets_[i]);
    return longest;
}

DividendSchedules Schedules::columns(const Column<std::int32_t>& of) const {
    return {count(), offsets_.data(), years_.data(), cash_.data(), of};
}

void Schedules::add(PyObject* pairs, const char* origin, const std::string& place) {
    const py::object sequence = as_sequence(pairs);
    if (!sequence) {
        raise_input_error(origin,
                          place + " is " + repr_of(pairs) + "; it must be a sequence of (years, cash) pairs");
    }
    const Py_ssize_t entries = PySequence_Fast_GET_SIZE(sequence.ptr());
    for (Py_ssize_t i = 0; i < entries; ++i) {
        add_entry(PySequence_Fast_GET_ITEM(sequence.ptr(), i), origin, place + " entry " + std::to_string(i));
    }
    offsets_.push_back(years_.size());
}

void Schedules::add_entry(PyObject* pair, const char* origin, const std::string& place) {
    const py::object items = as_sequence(pair);
    double years, cash;
    if (!items || PySequence_Fast_GET_SIZE(items.ptr()) != 2 ||
        !read_number(PySequence_Fast_GET_ITEM(items.ptr(), 0), years) ||
        !read_number(PySequence_Fast_GET_ITEM(items.ptr(), 1), cash)) {
        raise_no_pair(origin, place, pair);
    }
    const auto text = [&] { return place + " is " + repr_of(pair) + "; "; };
    if (const char* fault = fault_of(years, cash)) raise_input_error(origin, text() + fault);
    if (years_.size() > offsets_.back() && years <= years_.back()) {
        raise_input_error(origin, text() + (years == years_.back()
                                                ? "the entry before has the same ex-date: add their amounts"
                                                : "the entry before goes ex later: sort them by ex-date"));
    }
    years_.push_back(years);
    cash_.push_back(cash);
}

py::tuple Schedules::pairs() const {
    py::tuple schedules(count());
    for (std::size_t i = 0; i < count(); ++i) {
        py::tuple entries(offsets_[i + 1] - offsets_[i]);
        for (std::size_t k = offsets_[i]; k < offsets_[i + 1]; ++k) {
            entries[k - offsets_[i]] = py::make_tuple(years_[k], cash_[k]);
        }
        schedules[i] = entries;
    }
    return schedules;
}

Schedules Schedules::after(double years) const {
    Schedules later;
    for (std::size_t i = 0; i < count(); ++i) {
        for (std::size_t k = offsets_[i]; k < offsets_[i + 1]; ++k) {
            if (!(years_[k] > years)) continue;
            later.years_.push_back(years_[k] - years);
            later.cash_.push_back(cash_[k]);
        }
        later.offsets_.push_back(later.years_.size());
    }
    return later;
}

}  // namespace atalanta::bind
