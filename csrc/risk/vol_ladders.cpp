// The build: which ladders a book needs, and their solves.
#include "risk/vol_ladders.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "pricing/dispatch.hpp"

namespace atalanta::risk {
namespace {

// A ladder reaches so many times vol sqrt(years) to each side; beyond that from the strike nothing is left
// of the option but its best exercise on the known path.
constexpr double kReach = 4.3;

// At Chebyshev's places weights differ by a factor of two; through others they grow by powers, and so does
// what the polynomial makes of a bend between them.
constexpr double kSpread = 8.0;

// In units of the span, so that they neither over- nor underflow.
void barycentric(const double* x, std::size_t count, double* weight) noexcept {
    const double unit = 4.0 / (x[count - 1] - x[0]);
    for (std::size_t l = 0; l < count; ++l) {
        double product = 1.0;
        for (std::size_t m = 0; m < count; ++m) {
            if (m != l) product *= unit * (x[l] - x[m]);
        }
        weight[l] = 1.0 / product;
    }
}

std::vector<double> copied(const double* from, std::size_t size) {
    return size == 0 ? std::vector<double>() : std::vector<double>(from, from + size);
}

}  // namespace

struct VolLadders::Row {
    std::size_t contract;
    double spot, vol;
};

VolLadders::VolLadders(const Contracts& contracts, const double* levels, std::size_t count, Reach reach,
                       Tolerance tolerance, int threads)
    : kernels_(active_kernels()),
      count_(count),
      tolerance_(tolerance),
      right_(contracts.right, contracts.right + contracts.size),
      spot_(copied(contracts.spot, contracts.size)),
      strike_(copied(contracts.strike, contracts.size)),
      years_(copied(contracts.years, contracts.size)),
      rate_(copied(contracts.rate, contracts.size)),
      yield_(copied(contracts.dividend_yield, contracts.size)),
      american_(contracts.american, contracts.american + contracts.size),
      schedule_(contracts.size, -1),
      level_(copied(levels, contracts.size * count)),
      weight_(contracts.size * count),
      spread_(contracts.size),
      near_(contracts.size * count, kNoRow),
      far_(contracts.size * count, kNoRow) {
    if (count < 1 || count > kMostLevels) {
        throw std::invalid_argument("there must be from 1 to " + std::to_string(kMostLevels) +
                                    " levels of volatility");
    }
    const DividendSchedules& paid = contracts.dividends;
    if (paid.count > 0) {
        offsets_.assign(paid.offsets, paid.offsets + paid.count + 1);
        ex_years_ = copied(paid.years, offsets_.back());
        cash_ = copied(paid.cash, offsets_.back());
        for (std::size_t c = 0; c < contracts.size; ++c) schedule_[c] = paid.of[c];
    }
    std::vector<Row> american, european;
    for (std::size_t c = 0; c < contracts.size; ++c) {
        if (in_closed_form(c)) continue;
        weigh(c);
        plan(c, reach, american, european);
    }
    const auto solve = [&](const std::vector<Row>& wanted, Exercise exercise, std::optional<Ladders>& into) {
        const std::size_t size = wanted.size();
        std::vector<std::int8_t> right(size);
        std::vector<double> spot(size), strike(size), years(size), rate(size), yield(size), vol(size);
        std::vector<std::int32_t> schedule(size);
        for (std::size_t i = 0; i < size; ++i) {
            const std::size_t c = wanted[i].contract;
            right[i] = right_[c];
            spot[i] = wanted[i].spot;
            strike[i] = strike_[c];
            years[i] = years_[c];
            rate[i] = rate_[c];
            yield[i] = yield_[c];
            vol[i] = wanted[i].vol;
            schedule[i] = schedule_[c];
        }
        Terms of_rows = terms(exercise);
        of_rows.dividends.of = {schedule.data(), false};
        const OptionRows all = {size,
                                {right.data(), false},
                                {spot.data(), false},
                                {strike.data(), false},
                                {years.data(), false},
                                {rate.data(), false},
                                {yield.data(), false},
                                {vol.data(), false}};
        into.emplace(all, of_rows, threads);
    };
    if (!american.empty()) solve(american, Exercise::american, american_ladders_);
    if (!european.empty()) solve(european, Exercise::european, european_ladders_);
}

OptionRows VolLadders::rows() const noexcept {
    static constexpr double kNoVol = 0.0;
    return {size(),
            {right_.data(), false},
            {spot_.data(), false},
            {strike_.data(), false},
            {years_.data(), false},
            {rate_.data(), false},
            {yield_.data(), false},
            {&kNoVol, true}};
}

Terms VolLadders::terms(Exercise exercise) const noexcept {
    const std::size_t schedules = offsets_.empty() ? 0 : offsets_.size() - 1;
    return {exercise,
            {schedules, offsets_.data(), ex_years_.data(), cash_.data(), {schedule_.data(), false}},
            tolerance_};
}

bool VolLadders::in_closed_form(std::size_t contract) const noexcept {
    if (years_[contract] == 0.0) return true;
    if (american_[contract] != 0) return false;
    if (schedule_[contract] < 0) return true;
    const std::size_t first = offsets_[static_cast<std::size_t>(schedule_[contract])];
    const std::size_t end = offsets_[static_cast<std::size_t>(schedule_[contract]) + 1];
    return first == end || !(ex_years_[first] < years_[contract]);
}

const Ladders* VolLadders::ladders_of(std::size_t contract) const noexcept {
    const std::optional<Ladders>& own = american_[contract] != 0 ? american_ladders_ : european_ladders_;
    return own ? &*own : nullptr;
}

// The spot at which the best exercise on the known path begins to be worth something, around which an option
// has a time value: a call exercised ahead of a large dividend has it at its strike, not a dividend above.
double VolLadders::threshold(std::size_t c) const noexcept {
    const double growth = rate_[c] - yield_[c], side = right_[c];
    const auto at = [&](double years) { return strike_[c] * std::exp(-growth * years); };
    double paid = 0.0, best = american_[c] != 0 ? strike_[c] : side * std::numeric_limits<double>::infinity();
    const auto try_exercise = [&](double spot) {
        best = side > 0.0 ? std::min(best, spot) : std::max(best, spot);
    };
    const std::size_t schedule = schedule_[c] < 0 ? 0 : static_cast<std::size_t>(schedule_[c]);
    const std::size_t first = schedule_[c] < 0 ? 0 : offsets_[schedule];
    const std::size_t end = schedule_[c] < 0 ? 0 : offsets_[schedule + 1];
    for (std::size_t d = first; d < end && ex_years_[d] < years_[c]; ++d) {
        const double cash = cash_[d] * std::exp(-growth * ex_years_[d]);
        if (american_[c] != 0) try_exercise(at(ex_years_[d]) + paid + (side > 0.0 ? 0.0 : cash));
        paid += cash;
    }
    try_exercise(at(years_[c]) + paid);
    return best;
}

// One ladder around the spot at each level; a second one around the threshold where spots will be asked for
// that the first does not reach and that are near it.
void VolLadders::plan(std::size_t c, Reach reach, std::vector<Row>& american, std::vector<Row>& european) {
    std::vector<Row>& rows = american_[c] != 0 ? american : european;
    const double centre = threshold(c);
    const double lowest = reach.lowest * spot_[c], highest = reach.highest * spot_[c];
    for (std::size_t l = 0; l < count_; ++l) {
        const std::size_t place = c * count_ + l;
        const double stretch = std::exp(kReach * level_[place] * std::sqrt(years_[c]));
        near_[place] = static_cast<std::uint32_t>(rows.size());
        rows.push_back({c, spot_[c], level_[place]});
        const double from = std::max(lowest, centre / stretch), to = std::min(highest, centre * stretch);
        const bool asked = from < to && (from < spot_[c] / stretch || to > spot_[c] * stretch);
        if (!asked) continue;
        far_[place] = static_cast<std::uint32_t>(rows.size());
        rows.push_back({c, centre, level_[place]});
    }
}

// Weights of the polynomial through all levels. Equal levels leave NaN: then levels alone can be read.
void VolLadders::weigh(std::size_t c) noexcept {
    double* const weight = weight_.data() + c * count_;
    barycentric(level_.data() + c * count_, count_, weight);
    double least = std::fabs(weight[0]), most = least;
    for (std::size_t l = 1; l < count_; ++l) {
        least = std::min(least, std::fabs(weight[l]));
        most = std::max(most, std::fabs(weight[l]));
    }
    spread_[c] = most <= kSpread * least ? 1 : 0;
}

VolLadders::Window VolLadders::window(std::size_t c, double vol) const noexcept {
    constexpr std::size_t kNearest = 6;
    Window all;
    const double* const x = level_.data() + c * count_;
    if (count_ <= kNearest || spread_[c] != 0) {
        all.first = 0;
        all.count = count_;
        std::copy_n(weight_.data() + c * count_, count_, all.weight);
        return all;
    }
    const auto above = static_cast<std::size_t>(std::upper_bound(x, x + count_, vol) - x);
    all.first = std::min(above < kNearest / 2 ? 0 : above - kNearest / 2, count_ - kNearest);
    all.count = kNearest;
    barycentric(x + all.first, kNearest, all.weight);
    return all;
}

std::size_t VolLadders::solves() const noexcept {
    return (american_ladders_ ? american_ladders_->size() : 0) +
           (european_ladders_ ? european_ladders_->size() : 0);
}

double VolLadders::smooth_years(std::size_t c) const noexcept {
    if (american_[c] == 0 || schedule_[c] < 0) return years_[c];
    const auto schedule = static_cast<std::size_t>(schedule_[c]);
    const bool pays = offsets_[schedule] < offsets_[schedule + 1];
    return pays ? std::min(years_[c], ex_years_[offsets_[schedule]]) : years_[c];
}

std::size_t VolLadders::bytes() const noexcept {
    return sizeof(*this) + size() * (6 * sizeof(double) + count_ * (2 * sizeof(double) + 8)) +
           (american_ladders_ ? american_ladders_->bytes() : 0) +
           (european_ladders_ ? european_ladders_->bytes() : 0);
}

}  // namespace atalanta::risk
