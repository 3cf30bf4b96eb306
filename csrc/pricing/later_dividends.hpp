// The dividends of a row, and of rows as seen at later instants of their lives.
#pragma once

#include <vector>

#include "pricing/dividends.hpp"

namespace atalanta {

// Entries of a schedule, by their place in the columns of all.
struct DividendEntries {
    std::size_t first, last;
};

inline DividendEntries entries_of(const DividendSchedules& dividends, std::size_t row) {
    if (dividends.count == 0 || dividends.of[row] < 0) return {0, 0};
    const auto schedule = static_cast<std::size_t>(dividends.of[row]);
    return {dividends.offsets[schedule], dividends.offsets[schedule + 1]};
}

// A schedule of its own for each row that is added, in order.
class LaterDividends {
  public:
    // What the row's dividends are `years` from now: those that have gone ex by then are gone.
    void add(const DividendSchedules& dividends, std::size_t row, double years) {
        const DividendEntries entries = entries_of(dividends, row);
        for (std::size_t k = entries.first; k < entries.last; ++k) {
            if (!(dividends.years[k] > years)) continue;
            years_.push_back(dividends.years[k] - years);
            cash_.push_back(dividends.cash[k]);
        }
        of_.push_back(static_cast<std::int32_t>(of_.size()));
        offsets_.push_back(years_.size());
    }
    DividendSchedules columns() const {
        return {of_.size(), offsets_.data(), years_.data(), cash_.data(), {of_.data(), false}};
    }

  private:
    std::vector<std::size_t> offsets_ = {0};
    std::vector<double> years_, cash_;
    std::vector<std::int32_t> of_;
};

}  // namespace atalanta
