// price, greeks, implied_vol and early_exercise with terms: each row of a batch of all methods has the bits
// of its own call, columns that are not wanted stay out, and nothing depends on threads.
#include <cmath>
#include <vector>

#include "check.hpp"
#include "pricing/early_exercise.hpp"
#include "pricing/row_groups.hpp"

namespace {

using namespace atalanta;

constexpr std::size_t kRows = 60;
constexpr std::size_t kLongest = 3;

// Rows without a schedule, with one that pays before expiry, with one that pays after it.
struct Batch {
    std::vector<std::int8_t> right;
    std::vector<double> strike, years;
    std::vector<std::int32_t> of;
    double spot = 100.0, rate = 0.04, dividend_yield = 0.01, vol = 0.3;
    std::vector<std::size_t> offsets = {0, 3, 4};
    std::vector<double> ex_years = {0.1, 0.35, 0.6, 0.2}, cash = {0.8, 0.8, 0.9, 4.0};

    Batch() {
        for (std::size_t i = 0; i < kRows; ++i) {
            right.push_back(i % 2 == 0 ? 1 : -1);
            strike.push_back(80.0 + static_cast<double>(i % 9) * 5.0);
            years.push_back(0.05 + static_cast<double>(i % 7) * 0.15);
            of.push_back(static_cast<std::int32_t>(i % 3) - 1);
        }
    }
    OptionRows rows() const {
        return {kRows,
                {right.data(), false},
                {&spot, true},
                {strike.data(), false},
                {years.data(), false},
                {&rate, true},
                {&dividend_yield, true},
                {&vol, true}};
    }
    Terms terms(Exercise exercise) const {
        return {exercise, {2, offsets.data(), ex_years.data(), cash.data(), {of.data(), false}}, kStandard};
    }
    Terms terms_of(Exercise exercise, std::size_t row) const {
        Terms one = terms(exercise);
        one.dividends.of = one.dividends.of.from(row);
        return one;
    }
};

bool same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

void test_groups(const Batch& batch) {
    const RowGroups mixed(kRows, {batch.years.data(), false}, batch.terms(Exercise::american));
    CHECK(!mixed.only());
    CHECK(mixed.of(Method::closed_form).empty());
    CHECK(mixed.of(Method::collocation).size() + mixed.of(Method::ladder).size() == kRows);
    for (const std::size_t row : mixed.of(Method::ladder)) {
        const double first = batch.of[row] == 0 ? 0.1 : 0.2;
        CHECK(batch.of[row] >= 0 && first < batch.years[row]);
    }
    const Terms plain = {Exercise::european, {}, kStandard};
    CHECK(RowGroups(kRows, {batch.years.data(), false}, plain).only() == Method::closed_form);
    const double soon = 0.05;
    CHECK(RowGroups(kRows, {&soon, true}, batch.terms(Exercise::american)).only() == Method::collocation);
    CHECK(RowGroups(0, {&soon, true}, batch.terms(Exercise::european)).only() == Method::closed_form);
}

void test_greeks(const Batch& batch, Exercise exercise) {
    const std::size_t columns = kGreeksOfOrder[1];
    std::vector<double> all(columns * kRows), deltas(kLongest * kRows, -1.0);
    GreekColumns out{};
    for (std::size_t c = 0; c < columns; ++c) out.data[c] = all.data() + c * kRows;
    greeks(batch.rows(), batch.terms(exercise), out, deltas.data(), 2);
    for (std::size_t i = 0; i < kRows; ++i) {
        double one[7], one_delta[kLongest];
        GreekColumns alone{};
        for (std::size_t c = 0; c < columns; ++c) alone.data[c] = one + c;
        greeks(batch.rows().slice(i, 1), batch.terms_of(exercise, i), alone, one_delta, 1);
        for (std::size_t c = 0; c < columns; ++c) CHECK(same(one[c], all[c * kRows + i]));
        for (std::size_t d = 0; d < kLongest; ++d) CHECK(same(one_delta[d], deltas[d * kRows + i]));
    }
    // Some columns alone, and the price by itself, are the same numbers.
    std::vector<double> prices(kRows), vegas(kRows);
    price(batch.rows(), batch.terms(exercise), prices.data());
    GreekColumns vega_only{};
    vega_only.data[static_cast<std::size_t>(Greek::vega)] = vegas.data();
    greeks(batch.rows(), batch.terms(exercise), vega_only, nullptr);
    for (std::size_t i = 0; i < kRows; ++i) {
        CHECK(same(prices[i], all[i]));
        CHECK(same(vegas[i], all[3 * kRows + i]));
    }
}

void test_implied_vol(const Batch& batch, Exercise exercise) {
    std::vector<double> prices(kRows), vols(kRows), again(kRows);
    std::vector<ImpliedVolStatus> status(kRows);
    price(batch.rows(), batch.terms(exercise), prices.data());
    prices[7] = -1.0;
    const OptionRows rows = batch.rows();
    const QuotedRows quotes = {
        kRows,     {prices.data(), false}, rows.right, rows.spot, rows.strike, rows.years,
        rows.rate, rows.dividend_yield};
    implied_vol(quotes, batch.terms(exercise), nullptr, vols.data(), status.data());
    for (std::size_t i = 0; i < kRows; ++i) {
        const bool ok = status[i] == ImpliedVolStatus::ok;
        CHECK(ok == !std::isnan(vols[i]));
        if (ok) CHECK(std::fabs(vols[i] - batch.vol) < 5e-3);
    }
    CHECK(status[7] == ImpliedVolStatus::bad_input);
    // Started at the answer, without statuses.
    implied_vol(quotes, batch.terms(exercise), vols.data(), again.data(), nullptr);
    for (std::size_t i = 0; i < kRows; ++i) CHECK(std::isnan(vols[i]) == std::isnan(again[i]));
}

void test_early_exercise(const Batch& batch) {
    constexpr std::size_t kValues = 12;
    std::vector<double> values(kValues * kRows);
    std::vector<std::uint8_t> flags(2 * kRows);
    double* v[kValues];
    for (std::size_t c = 0; c < kValues; ++c) v[c] = values.data() + c * kRows;
    const EarlyExerciseColumns out = {v[0], v[1], v[2], v[3],  v[4],  v[5],         v[6],
                                      v[7], v[8], v[9], v[10], v[11], flags.data(), flags.data() + kRows};
    early_exercise(batch.rows(), batch.terms(Exercise::european), out);  // taken as American
    std::vector<double> prices(kRows);
    price(batch.rows(), batch.terms(Exercise::american), prices.data());
    for (std::size_t i = 0; i < kRows; ++i) {
        CHECK(same(prices[i], out.price[i]));
        CHECK(out.probability[i] >= 0.0 && out.probability[i] <= 1.0);
        const double first = batch.of[i] == 0 ? 0.1 : 0.2;
        const bool paid = batch.of[i] >= 0 && first < batch.years[i];
        CHECK(paid ? out.next_ex_years[i] == first : std::isnan(out.next_ex_years[i]));
        CHECK(paid == !std::isnan(out.value_after[i]));
        CHECK(out.ex_dividend_exercise[i] == (out.cost_of_holding[i] > 0.0));
        if (batch.right[i] < 0) CHECK(!out.ex_dividend_exercise[i]);
    }
    const double remaining[] = {0.3, 0.05};
    std::vector<double> boundary(2 * kRows), far(2 * kRows);
    exercise_boundary(batch.rows(), batch.terms(Exercise::american), remaining, 2, boundary.data(),
                      far.data());
    for (std::size_t i = 0; i < kRows; ++i) CHECK(std::isnan(boundary[i]) == (batch.years[i] < 0.3));
}

}  // namespace

TEST(rows_go_to_the_method_that_suits_them) {
    test_groups(Batch());
}
TEST(greeks_of_a_mixed_european_batch) {
    test_greeks(Batch(), Exercise::european);
}
TEST(greeks_of_a_mixed_american_batch) {
    test_greeks(Batch(), Exercise::american);
}
TEST(implied_vols_of_a_mixed_european_batch) {
    test_implied_vol(Batch(), Exercise::european);
}
TEST(implied_vols_of_a_mixed_american_batch) {
    test_implied_vol(Batch(), Exercise::american);
}
TEST(early_exercise_of_a_mixed_batch) {
    test_early_exercise(Batch());
}

ATALANTA_TEST_MAIN
