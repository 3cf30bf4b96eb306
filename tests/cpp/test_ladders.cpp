// Ladders read at other spots, and early exercise.
#include <cmath>
#include <span>
#include <stdexcept>

#include "check.hpp"
#include "ladder_rows.hpp"
#include "pricing/ladder/ladders.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

const std::vector<Dividend> quarterly = {{0.12, 0.6}, {0.37, 0.6}, {0.62, 0.6}, {0.87, 0.6}};

std::vector<LadderRow> chain() {
    std::vector<LadderRow> rows;
    for (double strike = 80; strike <= 125; strike += 5) {
        for (const int right : {1, -1}) rows.push_back({right, 100, strike, 1, 0.04, 0.01, 0.25, quarterly});
    }
    return rows;
}

Ladders ladders_of(const LadderRows& columns, Exercise exercise = Exercise::american) {
    return Ladders(columns.rows(), columns.terms(exercise, kUsual), 2);
}

}  // namespace

// At the spot of the row a read agrees with the solve, whose grid is narrower: nobody reads it far out.
TEST(reads_at_the_present_spot_are_the_solve) {
    const std::vector<LadderRow> rows = chain();
    const Ladders ladders = ladders_of(LadderRows(rows));
    const LadderGreeks g = solve(rows, Exercise::american, kUsual);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        const LadderReading reading = ladders.read(i, 100.0);
        CHECK_CLOSE(g(Greek::price, i), reading.price, kUsual);
        CHECK_CLOSE(g(Greek::delta, i), reading.delta, 2e-4);
        CHECK_CLOSE(g(Greek::gamma, i), reading.gamma, 1e-4);
    }
}

// The payoff counts in all of the range, however deep in the money the option is; without dividends and with
// little to gain from exercise that is the forward.
TEST(deep_in_the_money_the_whole_range_is_right) {
    const double strike = 80, years = 0.1, rate = 0.045, discount = std::exp(-rate * years);
    const Ladders ladders = ladders_of(LadderRows({{1, 100, strike, years, rate, 0, 0.08, {}}}));
    const auto range = ladders.range(0);
    for (double spot = range.lowest; spot < range.highest; spot *= 1.01) {
        const LadderReading reading = ladders.read(0, spot);
        CHECK_CLOSE(spot - strike * discount, reading.price, 1e-5);
        CHECK_CLOSE(1.0, reading.delta, 1e-5);
    }
}

// A call that yields less than the strike earns is worth more than exercise: what the grid does not hold of
// the payoff is no exercise. The European value by parity from a put worth nothing; exercise is far away.
TEST(what_lies_beyond_the_grid_is_not_exercised) {
    const std::vector<LadderRow> rows = {{1, 100, 42.73, 1.749, 0.0507, 0.0149, 0.0806, {{0.02, 0.5}}}};
    const LadderGreeks american = solve(rows, Exercise::american, kUsual);
    const LadderGreeks european = solve(rows, Exercise::european, kUsual);
    const double rest = std::exp(-0.0149 * 1.749),
                 dividend = 0.5 * std::exp(-0.0149 * (1.749 - 0.02) - 0.0507 * 0.02);
    const double parity = 100 * rest - dividend - 42.73 * std::exp(-0.0507 * 1.749);
    CHECK_CLOSE(parity, european(Greek::price, 0), 1e-4);
    CHECK(american(Greek::price, 0) >= european(Greek::price, 0) - 5e-4);
    CHECK(american(Greek::delta, 0) < 0.99);
}

// Elsewhere it is a solve at that spot, within the tolerance.
TEST(reads_elsewhere_agree_with_a_solve_there) {
    std::vector<LadderRow> rows = chain();
    const Ladders ladders = ladders_of(LadderRows(rows));
    for (const double spot : {78.0, 91.3, 99.9, 107.7, 130.0}) {
        for (LadderRow& row : rows) row.spot = spot;
        const LadderGreeks g = solve(rows, Exercise::american, kTight);
        for (std::uint32_t i = 0; i < rows.size(); ++i) {
            const LadderReading reading = ladders.read(i, spot);
            CHECK_CLOSE(g(Greek::price, i), reading.price, 1e-3);
            CHECK_CLOSE(g(Greek::delta, i), reading.delta, 1e-3);
        }
    }
}

// A table of prices is as many reads, beyond the ranges too.
TEST(a_table_is_as_many_reads) {
    const std::vector<LadderRow> rows = chain();
    const Ladders ladders = ladders_of(LadderRows(rows));
    std::vector<double> spots;
    for (double spot = 20.0; spot < 400.0; spot *= 1.03) spots.push_back(spot);
    spots.push_back(-1.0);
    spots.push_back(std::nan(""));
    const std::uint32_t row[] = {0, 3, 7, 11, 3};
    std::vector<double> price(5 * spots.size(), -12345.0);
    ladders.read_table(row, 5, spots.data(), spots.size(), price.data());
    for (std::size_t r = 0; r < 5; ++r) {
        for (std::size_t s = 0; s < spots.size(); ++s)
            CHECK_CLOSE(ladders.read(row[r], spots[s]).price, price[r * spots.size() + s], 1e-10);
    }
}

// Delta and gamma are the derivatives of the price that is read, from cell to cell.
TEST(reads_are_smooth) {
    const Ladders ladders = ladders_of(LadderRows({{-1, 100, 105, 1, 0.04, 0.01, 0.25, quarterly}}));
    constexpr double step = 1e-3;
    for (double spot = 92.0; spot < 110.0; spot += 0.0713) {
        const LadderReading up = ladders.read(0, spot + step), here = ladders.read(0, spot),
                            down = ladders.read(0, spot - step);
        CHECK_CLOSE((up.price - down.price) / (2 * step), here.delta, 1e-6);
        CHECK_CLOSE((up.delta - down.delta) / (2 * step), here.gamma, 1e-6);
    }
}

// Reads do not see each other.
TEST(reads_are_independent_of_their_batch) {
    const Ladders ladders = ladders_of(LadderRows(chain()));
    std::vector<std::uint32_t> row;
    std::vector<double> spot;
    for (int i = 0; i < 333; ++i) {
        row.push_back(static_cast<std::uint32_t>(i * 7) % 20);
        spot.push_back(60 + 0.3 * i);
    }
    std::vector<double> columns[4];
    for (auto& column : columns) column.assign(row.size(), 0.0);
    ladders.read(row.data(), spot.data(), row.size(),
                 {columns[0].data(), columns[1].data(), columns[2].data(), columns[3].data()});
    for (std::size_t i = 0; i < row.size(); ++i) {
        const LadderReading alone = ladders.read(row[i], spot[i]);
        const double values[] = {alone.price, alone.delta, alone.gamma, alone.theta};
        for (std::size_t c = 0; c < 4; ++c) {
            CHECK(columns[c][i] == values[c] || (std::isnan(columns[c][i]) && std::isnan(values[c])));
        }
    }
}

// Six hours before a date, whose kink lies inside a cell of the calls' ladders.
std::vector<LadderRow> chain_before_a_date() {
    std::vector<LadderRow> rows = chain();
    for (LadderRow& row : rows) row.dividends = {{0.25 / 365, 2.5}, {0.37, 0.6}};
    return rows;
}

bool has_close_up(const LadderProfile& profile) {
    return profile.close_up.low <= profile.close_up.high;
}

TEST(tables_read_close_ups_as_reads_do) {
    const std::vector<LadderRow> rows = chain_before_a_date();
    const Ladders ladders = ladders_of(LadderRows(rows));
    std::vector<std::uint32_t> row;
    std::vector<double> spot;
    for (std::uint32_t i = 0; i < rows.size(); ++i) row.push_back(i);
    for (double at = 70.0; at < 140.0; at += 0.171) spot.push_back(at);
    std::vector<double> price(row.size() * spot.size());
    ladders.read_table(row.data(), row.size(), spot.data(), spot.size(), price.data());
    std::size_t close = 0;
    for (std::size_t r = 0; r < row.size(); ++r) {
        const LadderProfile& profile = ladders.profiles()[r];
        CHECK(!has_close_up(profile) || rows[r].right > 0);
        for (std::size_t s = 0; s < spot.size(); ++s) {
            const bool within = spot[s] >= profile.close_up.low && spot[s] <= profile.close_up.high;
            close += within ? 1 : 0;
            CHECK_CLOSE(price[r * spot.size() + s], ladders.read(row[r], spot[s]).price, 1e-10);
        }
    }
    CHECK(close > 100);
}

// Its first and last node are the ladder's own.
TEST(a_close_up_ends_in_its_ladder) {
    const std::vector<LadderRow> rows = chain_before_a_date();
    const Ladders ladders = ladders_of(LadderRows(rows));
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        const LadderCloseUp& close_up = ladders.profiles()[i].close_up;
        if (!has_close_up(ladders.profiles()[i])) continue;
        for (const double end : {close_up.low, close_up.high}) {
            const LadderReading inside = ladders.read(i, end);
            const LadderReading outside = ladders.read(i, end * (end == close_up.low ? 1 - 1e-9 : 1 + 1e-9));
            if (std::isnan(outside.price)) continue;  // the ladder's own end
            CHECK_CLOSE(inside.price, outside.price, 1e-6);
            CHECK_CLOSE(inside.delta, outside.delta, 1e-6);
            CHECK_CLOSE(inside.gamma, outside.gamma, 1e-5);
        }
    }
}

// As in another process: from a copy of profiles and nodes.
TEST(ladders_put_together_again_read_the_same_bits) {
    std::vector<LadderRow> rows = chain();
    rows[3].years = 0.0;  // no ladder
    const Ladders ladders = ladders_of(LadderRows(rows));
    const std::vector<LadderProfile> profiles(ladders.profiles().begin(), ladders.profiles().end());
    const std::vector<double> nodes(ladders.nodes().begin(), ladders.nodes().end());
    const Ladders again(profiles, nodes);
    CHECK(again.size() == ladders.size() && again.bytes() == ladders.bytes());
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        for (const double spot : {60.0, 97.3, 100.0, 141.0}) {
            const LadderReading a = ladders.read(i, spot), b = again.read(i, spot);
            CHECK(__builtin_memcmp(&a, &b, sizeof a) == 0);
        }
    }
    CHECK(std::isnan(again.read(3, 100.0).price));
}

TEST(ladders_with_close_ups_are_put_together_again) {
    const std::vector<LadderRow> rows = chain_before_a_date();
    const Ladders ladders = ladders_of(LadderRows(rows));
    std::vector<LadderProfile> profiles(ladders.profiles().begin(), ladders.profiles().end());
    const std::vector<double> nodes(ladders.nodes().begin(), ladders.nodes().end());
    const Ladders again(profiles, nodes);
    for (std::uint32_t i = 0; i < rows.size(); ++i) {
        for (double spot = 70.0; spot < 140.0; spot += 0.37) {
            const LadderReading a = ladders.read(i, spot), b = again.read(i, spot);
            CHECK(__builtin_memcmp(&a, &b, sizeof a) == 0);
        }
    }
    const auto is_refused = [&](std::size_t row, auto&& spoil) {
        std::vector<LadderProfile> spoilt = profiles;
        spoil(spoilt[row].close_up);
        try {
            const Ladders none(spoilt, nodes);
        } catch (const std::invalid_argument&) {
            return true;
        }
        return false;
    };
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(!is_refused(i, [](LadderCloseUp&) {}));
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.nodes += 1.0; }));
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.nodes = kNaN; }));
        if (!has_close_up(profiles[i])) continue;
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.step = 0.0; }));
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.scale = -1.0; }));
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.centre = kNaN; }));
        CHECK(is_refused(i, [](LadderCloseUp& c) { c.nodes = 1e18; }));
    }
}

TEST(what_is_no_ladder_is_not_put_together) {
    const Ladders ladders = ladders_of(LadderRows(chain()));
    const std::vector<double> nodes(ladders.nodes().begin(), ladders.nodes().end());
    std::vector<LadderProfile> profiles(ladders.profiles().begin(), ladders.profiles().end());
    const auto is_refused = [&](std::span<const double> some) {
        try {
            const Ladders again(profiles, some);
        } catch (const std::invalid_argument&) {
            return true;
        }
        return false;
    };
    CHECK(!is_refused(nodes));
    for (const std::size_t count : {std::size_t{0}, std::size_t{7}, nodes.size() - 1}) {
        CHECK(is_refused({nodes.data(), count}));
    }
    profiles[0].middle += 1.0;
    CHECK(is_refused(nodes));
    profiles[0].middle = 1e300;
    CHECK(is_refused(nodes));
    profiles.pop_back();
    profiles[0].middle = ladders.profiles()[0].middle;
    CHECK(is_refused(nodes));
}

// Outside its range, and for rows that have none, a ladder says NaN.
TEST(outside_the_range) {
    const Ladders ladders = ladders_of(LadderRows({{-1, 100, 105, 1, 0.04, 0.01, 0.25, quarterly},
                                                   {-1, 100, 105, 0, 0.04, 0.01, 0.25, {}},
                                                   {-1, kNaN, 105, 1, 0.04, 0.01, 0.25, {}}}));
    const Ladders::Range range = ladders.range(0);
    CHECK(range.lowest < 40.0 && range.highest > 250.0);
    CHECK(!std::isnan(ladders.read(0, range.lowest).price) &&
          !std::isnan(ladders.read(0, range.highest).price));
    for (const double spot : {0.99 * range.lowest, 1.01 * range.highest, 0.0, -1.0, kNaN, kInf}) {
        CHECK(std::isnan(ladders.read(0, spot).price) && std::isnan(ladders.read(0, spot).gamma));
    }
    CHECK(std::isnan(ladders.range(1).lowest) && std::isnan(ladders.read(1, 100.0).price));
    CHECK(std::isnan(ladders.range(2).lowest) && std::isnan(ladders.read(2, 100.0).price));
}

// Where exercise is optimal now a read is the payoff.
TEST(reads_in_the_exercise_region) {
    const Ladders ladders = ladders_of(LadderRows({{-1, 100, 100, 1, 0.06, 0, 0.2, {}}}));
    const Ladders::Range exercise = ladders.exercise(0);
    CHECK(exercise.lowest == 0.0);
    const LadderReading reading = ladders.read(0, 0.99 * exercise.highest);
    CHECK(reading.price == 100 - 0.99 * exercise.highest && reading.delta == -1.0 && reading.gamma == 0.0);
    const LadderReading held = ladders.read(0, 1.001 * exercise.highest);
    CHECK(held.price > 100 - 1.001 * exercise.highest && held.gamma > 0.0);
}

// The boundary of a put without dividends, from the collocation of the integral equation by QuantLib's QdFp
// engine, and where exercise is never optimal.
TEST(early_exercise_boundaries) {
    const LadderRows columns({{-1, 100, 100, 1, 0.05, 0, 0.2, {}},
                              {1, 100, 100, 1, 0.05, 0, 0.2, {{0.5, 3.0}}},
                              {-1, 100, 100, 1, -0.01, 0.02, 0.2, {}},
                              {-1, 100, 100, 1, 0.04, 0, 0.2, {{0.01, 2.0}}},
                              {-1, kNaN, 100, kNaN, 0.05, 0, 0.2, {}}});
    std::vector<double> boundary(columns.size()), probability(columns.size());
    ladder_early_exercise(columns.rows(), columns.terms(Exercise::american, kTight), boundary.data(),
                          probability.data());
    CHECK_CLOSE(80.875, boundary[0], 5e-3);
    CHECK(boundary[1] == kInf);
    CHECK(probability[1] > 0.05 && probability[1] < 0.2);
    CHECK(boundary[2] == 0.0 && probability[2] == 0.0);
    CHECK(boundary[3] == 0.0);  // the dividend of next week is worth more than the interest
    CHECK(std::isnan(boundary[4]) && std::isnan(probability[4]));
    ladder_early_exercise(columns.rows(), columns.terms(Exercise::european, kTight), boundary.data(),
                          probability.data());
    CHECK(boundary[0] == 0.0 && boundary[1] == kInf && probability[0] == 0.0);
}

// Exercise beyond doubt, and just before a dividend that is known: the call is exercised if the spot is then
// above the level where its value meets the payoff.
TEST(early_exercise_probabilities) {
    const LadderRows columns(
        {{-1, 50, 100, 1, 0.05, 0, 0.2, {}}, {1, 100, 60, 1, 0.05, 0, 0.2, {{0.5, 5.0}}}});
    double probability[2];
    ladder_early_exercise(columns.rows(), columns.terms(Exercise::american, kUsual), nullptr, probability);
    CHECK(probability[0] == 1.0);
    CHECK(probability[1] > 0.95 && probability[1] <= 1.0);
}

ATALANTA_TEST_MAIN
