#include "pricing/early_exercise.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "pricing/american/collocation.hpp"
#include "pricing/ladder/ladder.hpp"
#include "pricing/later_dividends.hpp"
#include "pricing/row_groups.hpp"

namespace atalanta {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A row without a price: nothing is known of it.
void set_unknown(std::size_t i, const EarlyExerciseColumns& out) {
    for (double* column : {out.intrinsic, out.time_value, out.boundary, out.far_boundary, out.probability,
                           out.cost_of_holding, out.cost_of_waiting}) {
        column[i] = kNaN;
    }
    out.exercise_now[i] = out.ex_dividend_exercise[i] = 0;
}

// The boundary of a row with cash is read off a ladder about the strike, within that one's error. Where the
// row's own ladder has the exercise value at the spot, exercise is right there, and the boundary not nearer.
void include_spot(double right, double spot, double& boundary) {
    boundary = right < 0.0 ? std::max(boundary, spot) : std::min(boundary, spot);
}

// Needs the price, the boundaries and value_after.
void weigh(const OptionRows& rows, const EarlyExerciseColumns& out) {
    for (std::size_t i = 0; i < rows.size; ++i) {
        if (std::isnan(out.price[i])) {
            set_unknown(i, out);
            continue;
        }
        const double right = rows.right[i], spot = rows.spot[i], strike = rows.strike[i];
        out.intrinsic[i] = std::max(right * (spot - strike), 0.0);
        out.time_value[i] = out.price[i] - out.intrinsic[i];
        const double carry = right * (rows.dividend_yield[i] * spot - rows.rate[i] * strike);
        const bool somewhere = out.boundary[i] > 0.0 && out.boundary[i] < kInfinity;
        if (somewhere && carry > 0.0 && out.intrinsic[i] > 0.0 && out.time_value[i] <= 0.0)
            include_spot(right, spot, out.boundary[i]);
        const bool beyond = right * (spot - out.boundary[i]) >= 0.0;
        const bool past_far = right * (spot - out.far_boundary[i]) > 0.0;
        out.exercise_now[i] = somewhere && beyond && !past_far;
        if (out.exercise_now[i] != 0) out.probability[i] = 1.0;
        out.cost_of_waiting[i] = out.exercise_now[i] ? std::max(carry, 0.0) : 0.0;
        const double lost = out.intrinsic[i] - out.value_after[i];
        out.ex_dividend_exercise[i] = lost > 0.0;
        out.cost_of_holding[i] = lost > 0.0 ? lost : 0.0;
    }
}

// Boundaries of rows without dividends, each with all of its years left.
void collocation_boundaries(const OptionRows& rows, double tolerance, double* boundary, double* far,
                            int threads) {
    constexpr double kAll = 1.0;
    collocation_boundary(rows, tolerance, &kAll, 1, boundary, far, threads);
}

void boundaries_by(Method method, const OptionRows& rows, const Terms& terms, double* boundary, double* far,
                   int threads) {
    if (method == Method::ladder) {
        std::fill_n(far, rows.size, kNaN);
        ladder_early_exercise(rows, terms, boundary, nullptr, threads);
    } else {
        collocation_boundaries(rows, terms.tolerance.yield, boundary, far, threads);
    }
}

// Of American exercise, now.
void boundaries(const OptionRows& rows, const Terms& terms, double* boundary, double* far, int threads) {
    const RowGroups groups(rows.size, rows.years, terms);
    if (groups.only()) {
        boundaries_by(*groups.only(), rows, terms, boundary, far, threads);
        return;
    }
    for (const Method method : kMethods) {
        const std::span<const std::size_t> chosen = groups.of(method);
        if (chosen.empty()) continue;
        const GatheredOptions group(rows, terms, chosen);
        std::vector<double> near_values(chosen.size()), far_values(chosen.size());
        boundaries_by(method, group.rows, group.terms, near_values.data(), far_values.data(), threads);
        scatter(near_values.data(), chosen, boundary);
        scatter(far_values.data(), chosen, far);
    }
}

// One option alone would leave most lanes of its block empty; so many rows and more fill them, and threads.
constexpr std::size_t kRowsAtOnce = 4096;

// Rows as they are with remaining[m] years left, row i at m * rows.size + i. Those that never have so much
// have NaN years.
class RowsAtInstants {
  public:
    RowsAtInstants(const OptionRows& rows, const Terms& terms, const double* remaining, std::size_t times)
        : size_(rows.size), times_(times), rows_(rows), terms_(terms) {
        rows_.size = size_ * times_;
        rows_.right = repeated(rows.right, right_);
        rows_.spot = repeated(rows.spot, values_[0]);
        rows_.strike = repeated(rows.strike, values_[1]);
        rows_.rate = repeated(rows.rate, values_[2]);
        rows_.dividend_yield = repeated(rows.dividend_yield, values_[3]);
        rows_.vol = repeated(rows.vol, values_[4]);
        years_.reserve(rows_.size);
        for (std::size_t m = 0; m < times_; ++m) add_instant(rows, terms, remaining[m]);
        rows_.years = {years_.data(), false};
        terms_.exercise = Exercise::american;
        if (terms.dividends.count > 0) terms_.dividends = later_.columns();
    }
    RowsAtInstants(const RowsAtInstants&) = delete;
    RowsAtInstants& operator=(const RowsAtInstants&) = delete;

    const OptionRows& rows() const { return rows_; }
    const Terms& terms() const { return terms_; }

  private:
    template <class T>
    Column<T> repeated(const Column<T>& column, std::vector<T>& storage) const {
        if (column.shared) return column;
        storage.reserve(rows_.size);
        for (std::size_t m = 0; m < times_; ++m) {
            storage.insert(storage.end(), column.data, column.data + size_);
        }
        return {storage.data(), false};
    }

    void add_instant(const OptionRows& rows, const Terms& terms, double remaining) {
        for (std::size_t i = 0; i < size_; ++i) {
            const bool alive = remaining >= 0.0 && remaining <= rows.years[i] && rows.years[i] < kInfinity;
            years_.push_back(alive ? remaining : kNaN);
            if (terms.dividends.count > 0) later_.add(terms.dividends, i, rows.years[i] - remaining);
        }
    }

    std::size_t size_, times_;
    OptionRows rows_;
    Terms terms_;
    std::vector<std::int8_t> right_;
    std::array<std::vector<double>, 5> values_;
    std::vector<double> years_;
    LaterDividends later_;
};

}  // namespace

void early_exercise(const OptionRows& rows, const Terms& terms, const EarlyExerciseColumns& out,
                    int threads) {
    const Terms american = {Exercise::american, terms.dividends, terms.tolerance};
    price(rows, american, out.price, threads);
    boundaries(rows, american, out.boundary, out.far_boundary, threads);
    ladder_early_exercise(rows, american, nullptr, out.probability, threads);
    ex_dividend_columns(rows, american, out, threads);
    weigh(rows, out);
}

void exercise_boundary(const OptionRows& rows, const Terms& terms, const double* remaining, std::size_t times,
                       double* out, double* far, int threads) {
    const std::size_t at_once = std::max<std::size_t>(kRowsAtOnce / std::max<std::size_t>(rows.size, 1), 1);
    std::vector<double> far_values(far == nullptr ? std::min(at_once, times) * rows.size : 0);
    for (std::size_t first = 0; first < times; first += at_once) {
        const RowsAtInstants then(rows, terms, remaining + first, std::min(at_once, times - first));
        const std::size_t place = first * rows.size;
        boundaries(then.rows(), then.terms(), out + place, far == nullptr ? far_values.data() : far + place,
                   threads);
    }
}

}  // namespace atalanta
