// Implied volatilities of a piece of rows. In rounds: all rows still open are priced together at their own
// volatilities, each takes a safeguarded step of Newton's method, and those that are done leave, so that no
// lane waits for a stubborn neighbour. The step is taken between European implied volatilities, of the price
// found and of the quote: that function of the volatility is close to a straight line, in the tails too.
#include <algorithm>
#include <cmath>
#include <limits>

#include "pricing/american/certain_exercise.hpp"
#include "pricing/american/collocation_piece.hpp"
#include "pricing/american/collocation_regime.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// A step this small, relative to the volatility, is taken and is the last: what it leaves is of second order.
constexpr double kLastStep = 2e-4;
constexpr double kLeastBracket = 1e-12, kRounding = 1e-13;
constexpr int kMostRounds = 100;
constexpr double kGuess = 0.3;

AmericanRow quoted_row(const QuotedRows& rows, std::size_t i, double vol) {
    return {static_cast<double>(rows.right[i]),
            rows.spot[i],
            rows.strike[i],
            rows.years[i],
            rows.rate[i],
            rows.dividend_yield[i],
            vol};
}

// No volatility lifts the value to it.
double upper_bound(const AmericanRow& row) {
    return row.put_strike() * std::max(1.0, std::exp(-row.put_rate() * row.years));
}

ImpliedVolStatus judge(const QuotedRows& rows, std::size_t i) {
    const AmericanRow row = quoted_row(rows, i, 1.0);
    const Regime regime = regime_of(row);
    const double price = rows.price[i];
    const bool sane =
        regime != Regime::undefined && regime != Regime::certain && price >= 0.0 && price < kInfinity;
    if (!sane) return ImpliedVolStatus::bad_input;
    if (price <= certain_exercise(row).price) return ImpliedVolStatus::below_intrinsic;
    return price < upper_bound(row) ? ImpliedVolStatus::ok : ImpliedVolStatus::above_bound;
}

// A volatility between two that are too low and too high.
struct Search {
    double vol, low, high;
    double quote, european_quote;  // European implied volatility of the quote, NaN where it has none
};

// What a round finds at Search::vol: price and vega, and the European option of the same price.
struct Found {
    double price, vega, european_vol, european_vega;
};

// In European volatilities where both exist, else in prices.
double newton_step(const Search& s, const Found& found) {
    const double straight = (s.european_quote - found.european_vol) * found.european_vega;
    return (std::isfinite(straight) ? straight : s.quote - found.price) / found.vega;
}

// Whether the search is over; its volatility is then the answer.
bool advance(Search& s, const Found& found) {
    const double before = s.vol, step = newton_step(s, found), next = before + step;
    if (found.price == s.quote || std::fabs(step) <= kRounding * before) return true;
    (found.price < s.quote ? s.low : s.high) = before;
    const double highest = s.high < kInfinity ? s.high : 4.0 * before;
    if (next > s.low && next < highest) {
        s.vol = next;
        return std::fabs(step) <= kLastStep * before;
    }
    if (s.high == kInfinity) {
        s.vol = 2.0 * before;
        return false;
    }
    s.vol = 0.5 * (s.low + s.high);
    return s.high - s.low <= kLeastBracket * s.high;
}

// The rows still open, in contiguous columns.
class OpenRows {
  public:
    std::size_t size() const { return size_; }

    void add(const QuotedRows& rows, std::size_t i, const Search& search) {
        row_[size_] = i;
        search_[size_] = search;
        right_[size_] = rows.right[i];
        const double columns[] = {rows.spot[i], rows.strike[i], rows.years[i], rows.rate[i],
                                  rows.dividend_yield[i]};
        for (std::size_t c = 0; c < kColumns; ++c) columns_[c][size_] = columns[c];
        ++size_;
    }

    // One step for every row; what is done goes to vol and leaves.
    void advance_all(double tolerance, bool last_round, double* vol) {
        price_all(tolerance);
        std::size_t kept = 0;
        for (std::size_t k = 0; k < size_; ++k) {
            const Found found = {price_[k], vega_[k], european_vol_[k], european_vega_[k]};
            const bool over = advance(search_[k], found);
            if (over || last_round) {
                vol[row_[k]] = search_[k].vol;
            } else {
                move(k, kept++);
            }
        }
        size_ = kept;
    }

  private:
    static constexpr std::size_t kColumns = 5;

    Column<double> column(std::size_t c) const { return {columns_[c], false}; }
    OptionRows at(const double* vol) const {
        return {size_, {right_, false}, column(0), column(1), column(2), column(3), column(4), {vol, false}};
    }

    void price_all(double tolerance) {
        double vol[kPieceRows], unwanted[kGreeksOfOrder[1]][kPieceRows];
        for (std::size_t k = 0; k < size_; ++k) vol[k] = search_[k].vol;
        GreekColumns wanted{};
        wanted.data[static_cast<std::size_t>(Greek::price)] = price_;
        wanted.data[static_cast<std::size_t>(Greek::vega)] = vega_;
        piece_greeks(at(vol), tolerance, wanted);
        const KernelSet& kernels = active_kernels();
        const QuotedRows prices = {size_,     {price_, false}, {right_, false}, column(0),
                                   column(1), column(2),       column(3),       column(4)};
        kernels.implied_vol->european(prices, european_vol_, nullptr);
        for (std::size_t c = 0; c < kGreeksOfOrder[1]; ++c) wanted.data[c] = unwanted[c];
        wanted.data[static_cast<std::size_t>(Greek::vega)] = european_vega_;
        kernels.european->greeks_order_1(at(european_vol_), wanted);
    }

    void move(std::size_t from, std::size_t to) {
        row_[to] = row_[from];
        search_[to] = search_[from];
        right_[to] = right_[from];
        for (auto& column : columns_) column[to] = column[from];
    }

    std::size_t size_ = 0;
    std::size_t row_[kPieceRows];
    Search search_[kPieceRows];
    std::int8_t right_[kPieceRows];
    double columns_[kColumns][kPieceRows];
    double price_[kPieceRows], vega_[kPieceRows], european_vol_[kPieceRows], european_vega_[kPieceRows];
};

// A start that no market has is none.
constexpr double kLeastStart = 1e-4, kLargestStart = 1e2;

double first_vol(double start, double european_quote) {
    if (start >= kLeastStart && start <= kLargestStart) return start;
    return european_quote > 0.0 ? european_quote : kGuess;
}

}  // namespace

void piece_implied_vol(const QuotedRows& rows, double tolerance, const double* start, double* vol,
                       ImpliedVolStatus* status) noexcept {
    OpenRows open;
    double european_quote[kPieceRows];
    active_kernels().implied_vol->european(rows, european_quote, nullptr);
    for (std::size_t i = 0; i < rows.size; ++i) {
        const ImpliedVolStatus verdict = judge(rows, i);
        if (status != nullptr) status[i] = verdict;
        vol[i] = kNaN;
        if (verdict != ImpliedVolStatus::ok) continue;
        const double begin = first_vol(start == nullptr ? kNaN : start[i], european_quote[i]);
        open.add(rows, i, {begin, 0.0, kInfinity, rows.price[i], european_quote[i]});
    }
    for (int round = 1; open.size() > 0; ++round) {
        open.advance_all(tolerance, round == kMostRounds, vol);
    }
}

}  // namespace atalanta
