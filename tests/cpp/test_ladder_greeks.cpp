// Greeks with cash dividends: they are the derivatives of the price, and exact where exercise is optimal now.
#include "check.hpp"
#include "ladder_rows.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// Central difference of the price by one field of the row.
template <class Change>
double difference(const LadderRow& row, Exercise exercise, double tolerance, double step, Change&& change) {
    LadderRow up = row, down = row;
    change(up, step);
    change(down, -step);
    return (price(up, exercise, tolerance) - price(down, exercise, tolerance)) / (2 * step);
}

// A sanitizer watches the way there; what comes out is for the builds that take seconds and not minutes.
#ifdef __SANITIZE_ADDRESS__
constexpr bool kValuesMatter = false;
#else
constexpr bool kValuesMatter = true;
#endif

// Greeks at the usual tolerance against differences of prices at the tight one: vega to 1 %, which it misses
// by most next to the free boundary.
void check_against_differences(const LadderRow& row, Exercise exercise) {
    const LadderGreeks g = solve(row, exercise, kUsual);
    CHECK(std::isfinite(g(Greek::vega) + g(Greek::rho) + g(Greek::phi)));
    if (!kValuesMatter) return;
    const auto slope = [&](double step, auto&& change) {
        return difference(row, exercise, kTight, step, change);
    };
    CHECK_CLOSE(slope(1e-2, [](LadderRow& r, double e) { r.spot += e; }), g(Greek::delta), 5e-4);
    const double vega = slope(1e-3, [](LadderRow& r, double e) { r.vol += e; });
    CHECK_CLOSE(vega, g(Greek::vega), 0.01 * std::fabs(vega) + 0.02);
    CHECK_CLOSE(slope(1e-4, [](LadderRow& r, double e) { r.rate += e; }), g(Greek::rho), 0.5);
    CHECK_CLOSE(slope(1e-4, [](LadderRow& r, double e) { r.dividend_yield += e; }), g(Greek::phi), 0.5);
    for (std::size_t d = 0; d < row.dividends.size(); ++d) {
        CHECK_CLOSE(slope(1e-2, [d](LadderRow& r, double e) { r.dividends[d].cash += e; }),
                    g.dividend_delta[d], 5e-3);
    }
}

}  // namespace

TEST(greeks_are_derivatives_of_european_prices) {
    for (const LadderRow& row : random_rows(12, 11)) check_against_differences(row, Exercise::european);
}

TEST(greeks_are_derivatives_of_american_prices) {
    const std::vector<Dividend> quarterly = {{0.12, 0.6}, {0.37, 0.6}, {0.62, 0.6}, {0.87, 0.6}};
    check_against_differences({-1, 100, 100, 1, 0.04, 0, 0.25, quarterly}, Exercise::american);
    check_against_differences({-1, 100, 120, 1, 0.04, 0.01, 0.25, quarterly}, Exercise::american);
    check_against_differences({1, 100, 90, 1, 0.02, 0.06, 0.25, quarterly}, Exercise::american);
    check_against_differences({1, 100, 100, 1, 0.06, 0, 0.3, {{0.5, 7.0}}}, Exercise::american);
    check_against_differences({-1, 100, 100, 2, -0.01, 0.03, 0.3, {{0.5, 2.0}, {1.5, 2.0}}},
                              Exercise::american);
    // Boundaries that begin away from the strike, and a dividend of most of the spot.
    check_against_differences({-1, 90, 100, 1, 0.02, 0.05, 0.25, {{0.5, 1.0}, {0.96, 2.0}}},
                              Exercise::american);
    check_against_differences({1, 110, 100, 1, 0.06, 0.02, 0.25, {{0.5, 1.0}, {0.96, 2.0}}},
                              Exercise::american);
    check_against_differences({-1, 100, 100, 1, 0.04, 0.01, 0.3, {{0.5, 70.0}}}, Exercise::american);
    // Two of nearly all of the spot: what a put is worth after the first bends within a cell before it.
    check_against_differences({-1, 100, 100, 0.2, 0.03, 0.08, 0.7, {{0.02, 100.0}, {0.15, 98.0}}},
                              Exercise::american);
    check_against_differences({-1, 100, 90, 1, 0.05, 0.01, 0.4, {{0.3, 80.0}, {0.5, 30.0}, {0.9, 40.0}}},
                              Exercise::american);
}

// Where a march by steps leaves out dates close to expiry: of puts, alone and together, and of calls; and
// where a call's first date is so close that the present has its kink.
TEST(greeks_beside_late_and_early_dates) {
    for (const double gap : {3e-4, 2e-3, 5e-3}) {
        for (const double cash : {0.1, 2.0}) {
            const std::vector<Dividend> one = {{0.4, 1.0}, {1 - gap, cash}};
            const std::vector<Dividend> both = {{0.4, 1.0}, {1 - gap, cash}, {1 - 0.5 * gap, 0.5}};
            for (const double strike : {90.0, 104.0}) {
                check_against_differences({-1, 100, strike, 1, 0.04, 0, 0.3, one}, Exercise::american);
                check_against_differences({-1, 100, strike, 1, 0.03, 0.04, 0.3, one}, Exercise::american);
                check_against_differences({-1, 100, strike, 1, 0.04, 0, 0.3, both}, Exercise::american);
                check_against_differences({1, 100, strike, 1, 0.03, 0.02, 0.3, one}, Exercise::american);
            }
        }
        const std::vector<Dividend> soon = {{gap, 2.0}, {0.6, 1.0}}, soon_alone = {{gap, 2.0}};
        for (const double strike : {80.0, 88.0, 100.0}) {
            check_against_differences({1, 100, strike, 1, 0.03, 0.02, 0.3, soon}, Exercise::american);
            check_against_differences({1, 100, strike, 1, 0.03, 0.06, 0.3, soon_alone}, Exercise::american);
        }
    }
}

// Vega and rho at the usual tolerance against differences of prices at the tight one, in shares of
// themselves.
void check_shares(const LadderRow& row, double limit) {
    const LadderGreeks g = solve(row, Exercise::american, kUsual);
    if (!kValuesMatter) return;
    const auto check = [&](Greek greek, double step, auto&& change) {
        const double wanted = difference(row, Exercise::american, kTight, step, change);
        CHECK_CLOSE(wanted, g(greek), limit * std::fabs(wanted));
    };
    check(Greek::vega, 4e-3, [](LadderRow& r, double e) { r.vol += e; });
    check(Greek::rho, 2e-3, [](LadderRow& r, double e) { r.rate += e; });
}

// The derivatives vanish on the free boundary and rise away from it: where it has just passed a node, which
// the sweep notices late, they were up to 3.4 % off two cells above it.
TEST(sensitivities_where_the_free_boundary_has_just_passed_a_node) {
    const auto put = [](double spot) -> LadderRow {
        return {-1, spot, 100, 1, 0.05, 0.01, 0.25, {{0.5, 0.5}}};
    };
    for (const double spot : {74.75, 75.0}) check_shares(put(spot), 0.016);
    for (const double spot : {76.75, 77.0, 78.75}) check_shares(put(spot), 0.004);
}

// A call's bend at its boundary falls fast from node to node where rate and yield are close to each other;
// they were up to 0.6 % off.
TEST(sensitivities_of_calls_whose_bend_is_small_at_the_boundary) {
    for (const double spot : {159.0, 160.0, 162.0}) {
        check_shares({1, spot, 100, 0.84, 0.0611, 0.0468, 0.364, {{0.228, 2.17}, {0.5, 1.5}}}, 0.004);
    }
}

// Without exercise the sensitivities are the derivatives of the discrete price itself: no noise at all.
TEST(sensitivities_are_exact_for_the_discrete_price) {
    std::vector<LadderRow> rows = random_rows(12, 12);
    rows.push_back({-1, 100, 100, 1, 0.03, 0.01, 0.25, {{0.5, 60.0}}});
    rows.push_back({-1, 100, 100, 1, 0.03, 0.01, 0.25, {{0.5, 120.0}}});
    rows.push_back({-1, 100, 60, 1, 0.03, 0.01, 0.5, {{0.3, 55.0}, {0.7, 15.0}}});
    for (const LadderRow& row : rows) {
        const LadderGreeks g = solve(row, Exercise::european, kUsual);
        const auto slope = [&](auto&& change, double step = 1e-5) {
            return difference(row, Exercise::european, kUsual, step, change);
        };
        CHECK_CLOSE(slope([](LadderRow& r, double e) { r.vol += e; }), g(Greek::vega), 1e-5);
        CHECK_CLOSE(slope([](LadderRow& r, double e) { r.rate += e; }), g(Greek::rho), 1e-5);
        CHECK_CLOSE(slope([](LadderRow& r, double e) { r.dividend_yield += e; }), g(Greek::phi), 1e-5);
        for (std::size_t d = 0; d < row.dividends.size(); ++d) {
            // Of what is cut off far away 6e-11 come and go with much cash.
            const double by_cash = slope([d](LadderRow& r, double e) { r.dividends[d].cash += e; }, 1e-4);
            CHECK_CLOSE(by_cash, g.dividend_delta[d], 1e-6);
        }
    }
}

// Nor with exercise, where it is possible just before ex-dates only: the kink there moves with everything.
TEST(sensitivities_of_calls_exercised_at_dates_are_exact) {
    const std::vector<Dividend> ordinary = {{0.1, 1.5}, {0.4, 1.0}, {0.85, 2.0}};
    const std::vector<Dividend> now = {{1e-4, 1.5}, {0.4, 1.0}}, late = {{0.4, 1.0}, {0.899, 2.0}};
    const std::vector<Dividend> small_late = {{0.4, 1.0}, {0.89, 0.2}};
    const auto rows = [&](double strike) -> std::vector<LadderRow> {
        return {{1, 100, strike, 0.9, 0.04, -0.01, 0.3, ordinary},
                {1, 100, strike, 0.9, 0.04, 0, 0.3, now},
                {1, 100, strike, 0.9, 0.04, 0, 0.3, late},
                {1, 100, strike, 0.9, 0.01, 0, 0.3, small_late}};
    };
    std::vector<LadderRow> all;
    for (const double strike : {70.0, 84.0, 92.0, 97.0, 100.0, 115.0, 140.0}) {
        for (const LadderRow& row : rows(strike)) all.push_back(row);
    }
    for (const LadderRow& row : all) {
        const LadderGreeks g = solve(row, Exercise::american, kUsual);
        const auto slope = [&](auto&& change) {
            return difference(row, Exercise::american, kUsual, 1e-5, change);
        };
        CHECK_CLOSE(slope([](LadderRow& r, double e) { r.vol += e; }), g(Greek::vega), 1e-5);
        CHECK_CLOSE(slope([](LadderRow& r, double e) { r.rate += e; }), g(Greek::rho), 1e-5);
        if (row.dividend_yield < 0) {  // without a yield it may be exercised at any time if that rises
            CHECK_CLOSE(slope([](LadderRow& r, double e) { r.dividend_yield += e; }), g(Greek::phi), 1e-5);
        }
        for (std::size_t d = 0; d < row.dividends.size(); ++d) {
            CHECK_CLOSE(slope([d](LadderRow& r, double e) { r.dividends[d].cash += e; }), g.dividend_delta[d],
                        1e-6);
        }
    }
}

// Converged values (Andersen-Lake-Offengenden equations, Greeks by fourth-order differences of them).
TEST(exact_american_greeks) {
    const LadderGreeks g =
        solve({-1, 90, 100, 0.4986301369863014, 0.08, 0.04, 0.6, {}}, Exercise::american, kTight);
    CHECK_CLOSE(20.091787728556852, g(Greek::price), 1.5e-5);
    CHECK_CLOSE(-0.5018907493096422, g(Greek::delta), 2e-6);
    CHECK_CLOSE(0.010943123190015456, g(Greek::gamma), 1e-6);
    CHECK_CLOSE(24.812077024687227, g(Greek::vega), 5e-3);
    CHECK_CLOSE(-12.540923893617395, g(Greek::theta), 2e-4);
    CHECK_CLOSE(-23.40663918504552, g(Greek::rho), 2e-2);
    CHECK_CLOSE(17.054765675466044, g(Greek::phi), 1e-2);
}

// Where exercise is optimal now the option is its payoff, and only the spot moves it.
TEST(exercised_now) {
    const LadderGreeks put = solve({-1, 60, 100, 1, 0.06, 0, 0.2, {}}, Exercise::american, kUsual);
    CHECK(put(Greek::price) == 40.0);
    CHECK(put(Greek::delta) == -1.0);
    for (const Greek zero : {Greek::gamma, Greek::vega, Greek::theta, Greek::rho, Greek::phi}) {
        CHECK(put(zero) == 0.0);
    }
    const LadderGreeks call =
        solve({1, 150, 100, 1, 0.02, 0.08, 0.2, {{0.5, 1.0}}}, Exercise::american, kUsual);
    CHECK(call(Greek::price) == 50.0);
    CHECK(call(Greek::delta) == 1.0);
    CHECK(call(Greek::gamma) == 0.0 && call(Greek::vega) == 0.0 && call.dividend_delta[0] == 0.0);
}

// A row without some dividend of the longest schedule has a zero there.
TEST(dividend_delta_is_zero_where_a_row_has_fewer) {
    const std::vector<LadderRow> rows = {{1, 100, 100, 1, 0.03, 0, 0.2, {{0.5, 1.0}, {0.8, 1.0}}},
                                         {1, 100, 100, 1, 0.03, 0, 0.2, {{0.5, 1.0}}},
                                         {1, 100, 100, 0, 0.03, 0, 0.2, {}}};
    const LadderGreeks g = solve(rows, Exercise::european, kUsual);
    CHECK(g.dividend_delta[0] < 0.0 && g.dividend_delta[1] < 0.0 && g.dividend_delta[2] == 0.0);
    CHECK(g.dividend_delta[3] < 0.0 && g.dividend_delta[4] == 0.0 && g.dividend_delta[5] == 0.0);
}

// Delta and gamma do not jump as the spot moves, nor as an ex-date passes away from the exercise boundary.
TEST(continuous) {
    double last_delta = 0.0, last_gamma = 0.0;
    for (int i = 0; i <= 40; ++i) {
        const LadderRow row = {-1, 95 + 0.25 * i, 100, 1, 0.04, 0, 0.25, {{0.3, 1.0}, {0.8, 1.0}}};
        const LadderGreeks g = solve(row, Exercise::american, kUsual);
        if (i > 0) CHECK(std::fabs(g(Greek::delta) - last_delta) < 6e-3);
        if (i > 0) CHECK(std::fabs(g(Greek::gamma) - last_gamma) < 3e-4);
        last_delta = g(Greek::delta);
        last_gamma = g(Greek::gamma);
    }
    const LadderGreeks before =
        solve({-1, 101, 100, 1, 0.04, 0, 0.25, {{1e-8, 1.0}}}, Exercise::american, kUsual);
    const LadderGreeks after = solve({-1, 100, 100, 1, 0.04, 0, 0.25, {}}, Exercise::american, kUsual);
    CHECK_CLOSE(after(Greek::delta), before(Greek::delta), 1e-4);
    CHECK_CLOSE(after(Greek::vega), before(Greek::vega), 2e-2);
}

ATALANTA_TEST_MAIN
