// Cash dividends in: sequences of (years, cash) pairs become the columns of DividendSchedules, checked once.
#pragma once

#include <vector>

#include "bind/arguments.hpp"
#include "pricing/dividends.hpp"

namespace atalanta::bind {

// Any iterable that is no text as a list or tuple; null when it is none.
py::object as_sequence(PyObject* value);

// One or more schedules. Within each the ex-dates ascend, are finite and positive; cash is finite and >= 0.
class Schedules {
  public:
    std::size_t count() const { return offsets_.size() - 1; }
    std::size_t longest() const;
    DividendSchedules columns(const Column<std::int32_t>& of) const;

    // Adds a sequence of (years, cash) pairs. Raises InputError, naming the pair; `place` opens the message.
    void add(PyObject* pairs, const char* origin, const std::string& place);

    // The pairs as a tuple of tuples, one per schedule.
    py::tuple pairs() const;

    // As seen `years` from now: dividends that have gone ex by then are left out.
    Schedules after(double years) const;

  private:
    void add_entry(PyObject* pair, const char* origin, const std::string& place);

    std::vector<std::size_t> offsets_ = {0};
    std::vector<double> years_, cash_;
};

}  // namespace atalanta::bind
