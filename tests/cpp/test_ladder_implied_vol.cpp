// Implied volatility with cash dividends: the way back from prices, and what has none.
#include "check.hpp"
#include "ladder_rows.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

struct ImpliedVols {
    std::vector<double> vol;
    std::vector<ImpliedVolStatus> status;
};

ImpliedVols invert(const std::vector<LadderRow>& rows, const std::vector<double>& prices, Exercise exercise,
                   double tolerance, const double* start = nullptr, int threads = 1) {
    const LadderRows columns(rows);
    ImpliedVols out = {std::vector<double>(rows.size()), std::vector<ImpliedVolStatus>(rows.size())};
    ladder_implied_vol(columns.quotes(prices), columns.terms(exercise, tolerance), start, out.vol.data(),
                       out.status.data(), threads);
    return out;
}

}  // namespace

// The volatility of a price of ours comes back, as well as the price determines it.
TEST(round_trip) {
    const std::vector<LadderRow> rows = random_rows(150, 21);
    for (const Exercise exercise : {Exercise::european, Exercise::american}) {
        const LadderGreeks g = solve(rows, exercise, kUsual);
        const ImpliedVols found = invert(rows, g.of[0], exercise, kUsual);
        std::size_t inverted = 0;
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (g(Greek::vega, i) < 1.0) continue;
            ++inverted;
            CHECK(found.status[i] == ImpliedVolStatus::ok);
            CHECK_CLOSE(rows[i].vol, found.vol[i], 5e-4 / g(Greek::vega, i));
        }
        CHECK(inverted > 120);
    }
}

// Where the search begins is not where it ends.
TEST(starts_do_not_matter) {
    const std::vector<LadderRow> rows = random_rows(60, 22);
    const LadderGreeks g = solve(rows, Exercise::american, kUsual);
    const std::vector<double> low(rows.size(), 0.05), high(rows.size(), 1.0), unknown(rows.size(), kNaN);
    const ImpliedVols cold = invert(rows, g.of[0], Exercise::american, kUsual);
    for (const std::vector<double>* start : {&low, &high, &unknown}) {
        const ImpliedVols found = invert(rows, g.of[0], Exercise::american, kUsual, start->data());
        for (std::size_t i = 0; i < rows.size(); ++i) {
            if (g(Greek::vega, i) < 1.0) continue;
            CHECK_CLOSE(cold.vol[i], found.vol[i], 5e-4 / g(Greek::vega, i));
        }
    }
}

// Prices that no volatility has get NaN and the reason.
TEST(no_volatility) {
    const LadderRow put = {-1, 60, 100, 1, 0.06, 0, 0.2, {{0.5, 1.0}}};
    const LadderRow call = {1, 100, 80, 1, 0.06, 0, 0.2, {{0.5, 1.0}}};
    LadderRow expired = call, free = call;
    expired.years = 0.0;
    free.spot = 0.0;
    const std::vector<LadderRow> rows = {put, put, call, call, call, expired, free, call};
    const std::vector<double> prices = {40.0, 100.5, 20.0, 100.0, kNaN, 25.0, 25.0, -1.0};
    const ImpliedVolStatus expected[] = {ImpliedVolStatus::below_intrinsic, ImpliedVolStatus::above_bound,
                                         ImpliedVolStatus::below_intrinsic, ImpliedVolStatus::above_bound,
                                         ImpliedVolStatus::bad_input,       ImpliedVolStatus::bad_input,
                                         ImpliedVolStatus::bad_input,       ImpliedVolStatus::bad_input};
    const ImpliedVols found = invert(rows, prices, Exercise::american, kUsual);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(found.status[i] == expected[i]);
        CHECK(std::isnan(found.vol[i]));
    }
}

// Nearly worthless and nearly intrinsic prices still end, with a volatility of theirs or NaN.
TEST(hostile_prices_end) {
    const std::vector<LadderRow> rows = random_rows(40, 23);
    for (const double share : {1e-9, 1e-4, 0.5, 0.999}) {
        std::vector<double> prices;
        for (const LadderRow& row : rows) {
            const double floor = std::max(row.right * (row.spot - row.strike), 0.0);
            const double most = row.right > 0 ? row.spot : row.strike;
            prices.push_back(floor + share * (most - floor));
        }
        const ImpliedVols found = invert(rows, prices, Exercise::american, 2e-3);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            CHECK((found.status[i] == ImpliedVolStatus::ok) == (found.vol[i] > 0.0));
        }
    }
}

// Searches do not see each other: alone, in any order and on any number of threads the same bits.
TEST(searches_are_independent) {
    std::vector<LadderRow> rows = random_rows(70, 24);
    const LadderGreeks g = solve(rows, Exercise::american, 2e-3);
    const ImpliedVols together = invert(rows, g.of[0], Exercise::american, 2e-3, nullptr, 3);
    for (std::size_t i = 0; i < rows.size(); i += 7) {
        const ImpliedVols alone = invert({rows[i]}, {g.of[0][i]}, Exercise::american, 2e-3);
        CHECK(std::bit_cast<std::uint64_t>(alone.vol[0]) == std::bit_cast<std::uint64_t>(together.vol[i]));
    }
}

ATALANTA_TEST_MAIN
