// What the next ex-date means for exercise: the options just after it, at today's spot and at all spots.
#include <algorithm>
#include <cmath>
#include <limits>

#include "pricing/early_exercise.hpp"
#include "pricing/ladder/close_ups.hpp"
#include "pricing/later_dividends.hpp"
#include "pricing/row_groups.hpp"

namespace atalanta {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void find_next_dividends(const OptionRows& rows, const DividendSchedules& dividends,
                         const EarlyExerciseColumns& out) {
    for (std::size_t i = 0; i < rows.size; ++i) {
        const DividendEntries entries = entries_of(dividends, i);
        std::size_t k = entries.first;
        while (k < entries.last && !(dividends.cash[k] > 0.0)) ++k;
        const bool paid = k < entries.last && dividends.years[k] < rows.years[i] && !std::isnan(out.price[i]);
        out.next_ex_years[i] = paid ? dividends.years[k] : kNaN;
        out.next_dividend[i] = paid ? dividends.cash[k] : kNaN;
    }
}

// Rows that have a next dividend, at the instant after it.
class AfterNextDividend {
  public:
    AfterNextDividend(const OptionRows& rows, const Terms& terms, const EarlyExerciseColumns& out)
        : chosen_(rows_with_dividends(rows, out)), group_(rows, terms, chosen_), tolerance_(terms.tolerance) {
        for (const std::size_t i : chosen_) {
            fallen_.push_back(rows.spot[i] - std::min(out.next_dividend[i], rows.spot[i]));
            years_.push_back(rows.years[i] - out.next_ex_years[i]);
            strikes_.push_back(rows.strike[i]);
            later_.add(terms.dividends, i, out.next_ex_years[i]);
        }
    }

    bool empty() const { return chosen_.empty(); }

    // At today's spots less the dividend.
    void price_into(double* value_after, int threads) const {
        std::vector<double> values(chosen_.size());
        price(at(fallen_), terms(), values.data(), threads);
        scatter(values.data(), chosen_, value_after);
    }

    void find_boundaries(const EarlyExerciseColumns& out, int threads) const {
        const Ladders ladders(at(strikes_), terms(), threads);
        for (std::size_t k = 0; k < chosen_.size(); ++k) {
            const std::size_t i = chosen_[k];
            const bool call = group_.rows.right[k] > 0;
            out.ex_dividend_boundary[i] = call ? call_boundary_before(ladders, static_cast<std::uint32_t>(k),
                                                                      strikes_[k], out.next_dividend[i])
                                               : 0.0;
        }
    }

  private:
    static std::vector<std::size_t> rows_with_dividends(const OptionRows& rows,
                                                        const EarlyExerciseColumns& out) {
        std::vector<std::size_t> chosen;
        for (std::size_t i = 0; i < rows.size; ++i) {
            if (!std::isnan(out.next_ex_years[i])) chosen.push_back(i);
        }
        return chosen;
    }
    OptionRows at(const std::vector<double>& spots) const {
        OptionRows after = group_.rows;
        after.spot = {spots.data(), false};
        after.years = {years_.data(), false};
        return after;
    }
    Terms terms() const { return {Exercise::american, later_.columns(), tolerance_}; }

    std::vector<std::size_t> chosen_;
    GatheredOptions group_;
    Tolerance tolerance_;
    std::vector<double> fallen_, years_, strikes_;
    LaterDividends later_;
};

}  // namespace

void ex_dividend_columns(const OptionRows& rows, const Terms& terms, const EarlyExerciseColumns& out,
                         int threads) {
    find_next_dividends(rows, terms.dividends, out);
    std::fill_n(out.value_after, rows.size, kNaN);
    std::fill_n(out.ex_dividend_boundary, rows.size, kNaN);
    const AfterNextDividend after(rows, terms, out);
    if (after.empty()) return;
    after.price_into(out.value_after, threads);
    after.find_boundaries(out, threads);
}

}  // namespace atalanta
