// Prices with cash dividends: exact values, limits, and what every price must satisfy.
#include "check.hpp"
#include "ladder_rows.hpp"
#include "pricing/european.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// Values in the spot model by nested Gauss-Legendre quadrature to 1e-9, confirmed by an independent
// trapezoidal rule.
struct ExactRow {
    Exercise exercise;
    LadderRow row;
    double expected;
};
const std::vector<Dividend> half_year = {{0.5, 7.0}}, two = {{1.0 / 6.0, 0.5}, {5.0 / 12.0, 0.5}},
                            quarter = {{0.25, 2.0}}, late = {{0.9999, 7.0}};
const ExactRow exact[] = {
    {Exercise::european, {1, 100, 100, 1, 0.06, 0, 0.3, half_year}, 11.106242462849202},
    {Exercise::european, {-1, 100, 100, 1, 0.06, 0, 0.3, half_year}, 12.075814556113635},
    {Exercise::american, {1, 100, 100, 1, 0.06, 0, 0.3, half_year}, 11.65644894768186},
    {Exercise::european, {1, 40, 40, 0.5, 0.09, 0, 0.3, two}, 3.7187634896704536},
    {Exercise::european, {-1, 40, 40, 0.5, 0.09, 0, 0.3, two}, 2.9328159416563944},
    {Exercise::american, {1, 40, 40, 0.5, 0.09, 0, 0.3, two}, 3.765434316149804},
    {Exercise::european, {1, 100, 90, 1, 0.05, 0, 0.2, quarter}, 15.157570415498801},
    {Exercise::european, {-1, 100, 90, 1, 0.05, 0, 0.2, quarter}, 2.7433742215508232},
    {Exercise::american, {1, 100, 90, 1, 0.05, 0, 0.2, quarter}, 15.157570415498801},
    {Exercise::european, {1, 100, 130, 1, 0.06, 0, 0.3, late}, 3.7263370456},
    {Exercise::american, {1, 100, 130, 1, 0.06, 0, 0.3, late}, 4.918931727275503},
};

// American without dividends: Andersen-Lake-Offengenden equations by spectral collocation, converged to 1e-9.
const ExactRow exact_without_dividends[] = {
    {Exercise::american, {-1, 90, 100, 0.0821917808219178, 0.06, 0, 0.5, {}}, 11.538213087056617},
    {Exercise::american, {-1, 90, 100, 0.2493150684931507, 0.06, 0.04, 0.6, {}}, 16.592518275233733},
    {Exercise::american, {-1, 50, 100, 1, 0.06, 0.12, 0.6, {}}, 52.44534034792508},
    {Exercise::american, {1, 100, 100, 0.7479452054794521, 0.04, 0.12, 0.6, {}}, 17.437601141267354},
    {Exercise::american, {-1, 150, 100, 0.7479452054794521, 0.1, 0, 0.2, {}}, 0.017901038276406406},
};

// American options by an independent scheme in the spot itself (sinh grid, TR-BDF2, policy iteration, spline
// jumps, Richardson extrapolation of 1600 and 3200 nodes; tests/oracle/spot_grid.py), which meets the exact
// rows above to 4e-7 and changes by less than 2e-5 in these ones.
const std::vector<Dividend> quarterly = {{0.12, 0.6}, {0.37, 0.6}, {0.62, 0.6}, {0.87, 0.6}};
const ExactRow american_rows[] = {
    {Exercise::american, {-1, 100, 100, 1, 0.04, 0, 0.25, quarterly}, 9.20984},
    {Exercise::american, {-1, 100, 110, 1, 0.04, 0, 0.25, quarterly}, 15.17527},
    {Exercise::american, {-1, 100, 90, 0.5, 0.06, 0.01, 0.3, {{0.2, 1.5}}}, 3.75337},
    {Exercise::american, {-1, 100, 100, 2, 0.03, 0.05, 0.35, {{0.4, 2}, {1.4, 2}}}, 22.02473},
    {Exercise::american, {-1, 100, 100, 1, -0.02, 0, 0.25, quarterly}, 12.42491},
    {Exercise::american, {-1, 100, 80, 1, 0.05, 0, 0.4, {{0.3, 25}}}, 14.32456},
    {Exercise::american, {1, 100, 100, 1, 0.02, 0.06, 0.25, quarterly}, 7.47833},
    {Exercise::american, {1, 100, 90, 1, -0.01, 0.03, 0.3, {{0.3, 2}, {0.8, 2}}}, 14.01282},
};

void check_rows(const ExactRow* rows, std::size_t count, double tolerance) {
    for (std::size_t i = 0; i < count; ++i) {
        const double allowed = tolerance * std::max(1.0, rows[i].row.strike / 100.0);
        CHECK_CLOSE(rows[i].expected, price(rows[i].row, rows[i].exercise, tolerance), allowed);
    }
}

}  // namespace

// The usual and the tight tolerance hold where the value is known exactly.
TEST(exact_values_with_dividends) {
    check_rows(exact, std::size(exact), kUsual);
    check_rows(exact, std::size(exact), kTight);
}

// Rows without dividends are solved on the same grids.
TEST(exact_values_without_dividends) {
    check_rows(exact_without_dividends, std::size(exact_without_dividends), kUsual);
    for (const ExactRow& row : exact_without_dividends) {
        CHECK_CLOSE(row.expected, price(row.row, row.exercise, kTight), 1.5e-5);
    }
}

// Where exercise is spread over time the error is the tolerance in the mean, and up to twice it at the worst.
TEST(american_rows_with_dividends) {
    for (const ExactRow& row : american_rows) {
        CHECK_CLOSE(row.expected, price(row.row, row.exercise, kUsual), 2 * kUsual);
        CHECK_CLOSE(row.expected, price(row.row, row.exercise, kTight), 6e-5);
    }
}

// Without dividends and exercise the price is Black-Scholes.
TEST(european_rows_without_dividends_are_black_scholes) {
    for (LadderRow row : random_rows(40, 1)) {
        row.dividends.clear();
        const LadderRows columns({row});
        double exact_price;
        atalanta::price(columns.rows(), &exact_price);
        CHECK_CLOSE(exact_price, price(row, Exercise::european, kUsual), kUsual);
        CHECK_CLOSE(exact_price, price(row, Exercise::european, kTight), 1.5e-5);
    }
}

// Call - put = what the stock leaves after its yield and dividends, less the strike; all of the dividends are
// paid, because they are small against the spot.
TEST(european_parity) {
    for (LadderRow row : random_rows(30, 2)) {
        row.right = 1;
        const double call = price(row, Exercise::european, kTight);
        row.right = -1;
        const double put = price(row, Exercise::european, kTight);
        double forward = row.spot * std::exp(-row.dividend_yield * row.years);
        for (const Dividend& d : row.dividends) {
            forward -= d.cash * std::exp(-row.rate * d.years - row.dividend_yield * (row.years - d.years));
        }
        CHECK_CLOSE(forward - row.strike * std::exp(-row.rate * row.years), call - put, 2e-5);
    }
}

// An American option is worth at least its exercise and the European one.
TEST(american_dominates) {
    const std::vector<LadderRow> rows = random_rows(60, 3);
    const LadderGreeks american = solve(rows, Exercise::american, kUsual);
    const LadderGreeks european = solve(rows, Exercise::european, kUsual);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(american(Greek::price, i) >= rows[i].right * (rows[i].spot - rows[i].strike));
        CHECK(american(Greek::price, i) >= european(Greek::price, i) - 1e-3);
    }
}

// Scaling spot, strike and dividends by 2 scales the price by 2.
TEST(homogeneous) {
    for (const LadderRow& row : random_rows(20, 4)) {
        LadderRow twice = row;
        twice.spot *= 2;
        twice.strike *= 2;
        for (Dividend& d : twice.dividends) d.cash *= 2;
        CHECK_CLOSE(2 * price(row, Exercise::american, kUsual), price(twice, Exercise::american, kUsual),
                    1e-11);
    }
}

// A dividend that takes the whole spot leaves a put its discounted strike, and a call nothing.
TEST(dividend_beyond_the_spot) {
    const std::vector<Dividend> all = {{0.5, 1000.0}};
    CHECK_CLOSE(100 * std::exp(-0.04),
                price({-1, 100, 100, 1, 0.04, 0, 0.2, all}, Exercise::european, kUsual), 1e-7);
    CHECK_CLOSE(0.0, price({1, 100, 100, 1, 0.04, 0, 0.2, all}, Exercise::european, kUsual), 1e-12);
    // The American put waits for the dividend; at negative rates it then waits for its expiry too.
    CHECK_CLOSE(100 * std::exp(-0.02),
                price({-1, 100, 100, 1, 0.04, 0, 0.2, all}, Exercise::american, kUsual), 1e-7);
    CHECK_CLOSE(100 * std::exp(0.04),
                price({-1, 100, 100, 1, -0.04, 0, 0.2, all}, Exercise::american, kUsual), 1e-7);
}

// An ex-date at the edges of the life of the option has the limit of what it does inside.
TEST(ex_dates_next_to_now_to_expiry_and_to_each_other) {
    const LadderRow now = {-1, 95, 100, 1, 0.05, 0.01, 0.25, {}};
    LadderRow row = {-1, 100, 100, 1, 0.05, 0.01, 0.25, {{1e-9, 5.0}}};
    CHECK_CLOSE(price(now, Exercise::american, kTight), price(row, Exercise::american, kTight), 2e-5);
    const LadderRow higher = {-1, 100, 105, 1, 0.05, 0.01, 0.25, {}};
    row.dividends = {{1 - 1e-9, 5.0}};
    CHECK_CLOSE(price(higher, Exercise::european, kTight), price(row, Exercise::european, kTight), 2e-5);
    row.dividends = {{0.5, 5.0}};
    const double once = price(row, Exercise::american, kTight);
    row.dividends = {{0.5, 2.0}, {0.5, 3.0}};
    CHECK_CLOSE(once, price(row, Exercise::american, kTight), 2e-5);
    row.dividends = {{0.5 - 1e-9, 2.0}, {0.5, 3.0}};
    CHECK_CLOSE(once, price(row, Exercise::american, kTight), 2e-5);
}

// However near expiry the last date is, and however near the present the first: kinks narrower than a cell.
TEST(kinks_narrower_than_a_cell) {
    for (const double gap : {1e-9, 1e-6, 1e-5, 1e-4, 1e-3, 5e-3}) {
        for (const int right : {1, -1}) {
            const LadderRow last = {right, 100, 100, 1, 0.05, 0.01, 0.25, {{1 - gap, 5.0}}};
            CHECK_CLOSE(price(last, Exercise::european, kTight), price(last, Exercise::european, kUsual),
                        kUsual);
        }
        const LadderRow first = {1, 100, 97, 1, 0.05, 0, 0.25, {{gap, 3.0}}};
        CHECK_CLOSE(price(first, Exercise::american, kTight), price(first, Exercise::american, kUsual),
                    2 * kUsual);
        const LadderRow both = {1, 100, 97, 1, 0.05, 0, 0.25, {{0.5, 1.0}, {0.5 + gap, 1.0}}};
        CHECK_CLOSE(price(both, Exercise::american, kTight), price(both, Exercise::american, kUsual),
                    2 * kUsual);
    }
}

// A first date seconds or days away: the price is the mean of the better of exercise and the option that is
// left, over the law of the spot until then, and so are its delta and gamma.
TEST(a_first_date_close_to_the_present_is_read_exactly) {
    for (const double gap : {1e-7, 1e-5, 1e-4, 1e-3, 4e-3, 1e-2}) {
        for (double spot = 100; spot <= 130; spot += 2.5) {
            const LadderRow row = {1, spot, 100, 0.8, 0.04, 0, 0.25, {{gap, 2.5}}};
            constexpr int kSamples = 1601;
            constexpr double kSeen = 8.0;
            const double deviation = row.vol * std::sqrt(gap), step = 2 * kSeen / (kSamples - 1);
            double mean = 0, by_spot = 0, bend = 0;
            for (int k = 0; k < kSamples; ++k) {
                const double z = -kSeen + k * step;
                const double then =
                    spot * std::exp((row.rate - 0.5 * row.vol * row.vol) * gap + deviation * z);
                const LadderRow left = {1, then - 2.5, 100, 0.8 - gap, 0.04, 0, 0.25, {}};
                const double held = price(left, Exercise::european, kTight);
                const double value = held > then - 100 ? held : then - 100;
                const double weight =
                    std::exp(-0.5 * z * z - row.rate * gap) / std::sqrt(2 * std::numbers::pi) * step;
                mean += weight * value;
                by_spot += weight * value * z / (spot * deviation);
                bend +=
                    weight * value * ((z * z - 1) / (deviation * deviation) - z / deviation) / (spot * spot);
            }
            const LadderGreeks g = solve(row, Exercise::american, kUsual);
            CHECK_CLOSE(mean, g(Greek::price), kUsual);
            CHECK_CLOSE(by_spot, g(Greek::delta), 2e-3);
            CHECK_CLOSE(bend, g(Greek::gamma), 1e-3 + 0.03 * bend);
        }
    }
}

// Hours before expiry, with dividends from cents to dollars: where a call is exercised, near its strike, the
// grid sees nothing of what time is still worth.
TEST(last_dates_close_to_expiry) {
    for (const double gap : {3e-6, 1e-4, 7e-4, 3e-3, 8e-3, 2e-2, 5e-2}) {
        for (const double cash : {0.03, 0.2, 1.0, 5.0}) {
            for (const double spot : {85.0, 99.0, 104.0, 130.0}) {
                const LadderRow call = {1, spot, 100, 1, 0.04, 0, 0.3, {{0.4, cash}, {1 - gap, cash}}};
                CHECK_CLOSE(price(call, Exercise::american, kTight), price(call, Exercise::american, kUsual),
                            kUsual);
                for (const int right : {1, -1}) {
                    LadderRow held = call;
                    held.right = right;
                    CHECK_CLOSE(price(held, Exercise::european, kTight),
                                price(held, Exercise::european, kUsual), kUsual);
                }
            }
        }
    }
}

// A single date: the European price is one integral over the spot then, in closed form from there.
TEST(last_dates_close_to_expiry_exactly) {
    for (const double gap : {1e-5, 1e-3, 1e-2}) {
        for (const int right : {1, -1}) {
            const LadderRow row = {right, 103, 100, 1, 0.03, 0, 0.3, {{1 - gap, 1.5}}};
            constexpr int kSamples = 40001;
            const double deviation = row.vol * std::sqrt(1 - gap), step = 16.0 / (kSamples - 1);
            double mean = 0;
            for (int k = 0; k < kSamples; ++k) {
                const double z = -8 + k * step;
                const double then = 103 * std::exp((0.03 - 0.045) * (1 - gap) + deviation * z);
                const double left = then - 1.5, s = 0.3 * std::sqrt(gap);
                if (!(left > 0)) continue;
                const double d = (std::log(left / 100) + 0.03 * gap) / s + 0.5 * s;
                const auto law = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
                const double value =
                    right * (left * law(right * d) - 100 * std::exp(-0.03 * gap) * law(right * (d - s)));
                mean += step * value * std::exp(-0.5 * z * z - 0.03 * (1 - gap)) /
                        std::sqrt(2 * std::numbers::pi);
            }
            CHECK_CLOSE(mean, price(row, Exercise::european, kUsual), kUsual);
            CHECK_CLOSE(mean, price(row, Exercise::european, kTight), 2e-5);
        }
    }
}

// A call is exercised just before a dividend that comes just before expiry: the option without the dividend.
TEST(calls_whose_last_date_is_at_expiry) {
    for (double spot = 80; spot <= 110; spot += 0.5) {
        const LadderRow late = {1, spot, 100, 1.3, 0.03, 0, 0.58, {{1.3 - 2e-6, 1.8}}};
        LadderRow plain = late;
        plain.dividends.clear();
        CHECK_CLOSE(price(plain, Exercise::european, kTight), price(late, Exercise::american, kUsual),
                    kUsual);
    }
}

// Where dividends take most of a spot the value is flat and then falls: nothing may rise beyond its bound
// there.
TEST(many_dividends_that_ruin_low_spots) {
    LadderRow monthly = {-1, 80, 100, 5, 0.03, 0, 0.3, {}};
    for (int k = 0; k < 60; ++k) monthly.dividends.push_back({(k + 0.5) / 12, 0.8});
    LadderRow often = {-1, 100, 100, 1, 0.03, 0, 0.6, {}};
    for (int k = 0; k < 40; ++k) often.dividends.push_back({(k + 0.5) / 40, 1.5});
    LadderRow long_dated = {-1, 100, 100, 10, 0.03, 0, 0.25, {}};
    for (int k = 0; k < 40; ++k) long_dated.dividends.push_back({(k + 0.5) / 4, 1.0});
    for (const LadderRow& row : {monthly, often, long_dated}) {
        CHECK_CLOSE(price(row, Exercise::european, kTight), price(row, Exercise::european, kUsual), kUsual);
    }
}

// No number beyond what an option can be worth, whatever the grid made of it.
TEST(a_solve_that_goes_astray_is_no_price) {
    const LadderRow row = {1,     97.17,  100, 19.5,
                           -0.26, -0.049, 3.6, {{2.9223, 30.555}, {19.49885389, 23.478}}};
    for (const double tolerance : {2e-3, 5e-4, 3e-4}) {
        const double value = price(row, Exercise::american, tolerance);
        CHECK(!(value > 97.17 * std::exp(0.049 * 19.5) * 1.01) && !(value < 0.0));
    }
}

// Dividends after expiry, or none at all, are no dividends.
TEST(later_dividends_do_not_count) {
    const LadderRow plain = {1, 100, 100, 1, 0.05, 0.01, 0.25, {}};
    LadderRow row = plain;
    row.dividends = {{1.0, 5.0}, {2.0, 5.0}};
    CHECK(price(plain, Exercise::american, kUsual) == price(row, Exercise::american, kUsual));
}

// Zero time, volatility, spot or strike: the known path, with the best moment of exercise.
TEST(limits) {
    const auto american = [](const LadderRow& row) { return price(row, Exercise::american, kUsual); };
    const auto european = [](const LadderRow& row) { return price(row, Exercise::european, kUsual); };
    CHECK(american({1, 103, 100, 0, 0.05, 0, 0.2, {}}) == 3.0);
    CHECK(european({-1, 103, 100, 0, 0.05, 0, 0.2, {}}) == 0.0);
    CHECK_CLOSE(100 * std::exp(-0.05), european({-1, 0, 100, 1, 0.05, 0, 0.2, {}}), 1e-13);
    CHECK(american({-1, 0, 100, 1, 0.05, 0, 0.2, {}}) == 100.0);
    CHECK(american({1, 100, 0, 1, 0.05, 0.03, 0.2, {}}) == 100.0);
    CHECK_CLOSE(100 * std::exp(-0.03), european({1, 100, 0, 1, 0.05, 0.03, 0.2, {}}), 1e-13);
    // No volatility: the call is exercised just before the dividend, the put just after it.
    const std::vector<Dividend> one = {{0.5, 5.0}};
    const double before = 100 - 90 * std::exp(-0.02);
    CHECK_CLOSE(before, american({1, 100, 90, 1, 0.04, 0, 0, one}), 1e-12);
    CHECK_CLOSE(110 * std::exp(-0.02) - (100 - 5.0 * std::exp(-0.02)),
                american({-1, 100, 110, 1, 0.04, 0, 0, one}), 1e-12);
    // ... and where the payoff is stationary: q S_t = r K.
    const double wait = std::log(0.02 * 100 / (0.05 * 60)) / (0.02 - 0.05);
    const double best = 100 * std::exp(-0.02 * wait) - 60 * std::exp(-0.05 * wait);
    CHECK_CLOSE(best, american({-1, 60, 100, 40, 0.02, 0.05, 0, {}}), 1e-12);
    // A tiny volatility is near the limit.
    CHECK_CLOSE(before, american({1, 100, 90, 1, 0.04, 0, 1e-4, one}), 1e-3);
}

// A bad domain gives NaN, never a number.
TEST(bad_domain) {
    const LadderRow good = {1, 100, 100, 1, 0.05, 0.01, 0.25, {{0.5, 1.0}}};
    for (int field = 0; field < 7; ++field) {
        for (const double bad : {kNaN, kInf, -1.0}) {
            LadderRow row = good;
            double* const fields[] = {&row.spot, &row.strike, &row.years,
                                      &row.vol,  &row.rate,   &row.dividend_yield};
            if (field == 6) {
                row.right = 0;
            } else if (bad == -1.0 && field > 3) {
                continue;
            } else {
                *fields[field] = bad;
            }
            const LadderGreeks g = solve(row, Exercise::american, kUsual);
            for (std::size_t k = 0; k < 7; ++k) CHECK(std::isnan(g.of[k][0]));
        }
    }
}

// Finer tolerances are finer: errors against the tightest fall with the tolerance.
TEST(tolerance_orders_errors) {
    const std::vector<LadderRow> rows = random_rows(30, 5);
    const LadderGreeks best = solve(rows, Exercise::american, 2e-6);
    double last = 1.0;
    for (const double tolerance : {2e-3, 2e-4, 2e-5}) {
        const LadderGreeks g = solve(rows, Exercise::american, tolerance);
        double sum = 0.0;
        for (std::size_t i = 0; i < rows.size(); ++i)
            sum += std::pow(g(Greek::price, i) - best(Greek::price, i), 2);
        const double error = std::sqrt(sum / static_cast<double>(rows.size()));
        CHECK(error < 0.5 * last);
        CHECK(error < tolerance);
        last = error;
    }
}

ATALANTA_TEST_MAIN
