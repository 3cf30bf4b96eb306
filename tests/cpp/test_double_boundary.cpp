// Puts with q < r < 0 and calls with r < q < 0: the regime, values on both sides of the edges and after they
// have met, the edges themselves, limits, bad input.
#include <numeric>
#include <vector>

#include "american_reference.hpp"
#include "check.hpp"
#include "pricing/american/double_boundary.hpp"

using namespace atalanta;

namespace {

constexpr double kNaN = __builtin_nan("");
constexpr double kInf = __builtin_inf();
constexpr double kTolerances[] = {1e-4, 3e-5, 5e-7};

struct Row {
    int right;
    double spot, strike, years, rate, yield, vol;
};

struct Answer {
    double price, delta, gamma, vega, theta, rho, phi;
};

struct Batch {
    std::vector<std::int8_t> right;
    std::vector<double> column[6];

    explicit Batch(const std::vector<Row>& rows) {
        for (const Row& r : rows) {
            right.push_back(static_cast<std::int8_t>(r.right));
            const double values[] = {r.spot, r.strike, r.years, r.rate, r.yield, r.vol};
            for (std::size_t k = 0; k < 6; ++k) column[k].push_back(values[k]);
        }
    }

    OptionRows rows() const {
        return {right.size(),
                {right.data(), false},
                {column[0].data(), false},
                {column[1].data(), false},
                {column[2].data(), false},
                {column[3].data(), false},
                {column[4].data(), false},
                {column[5].data(), false}};
    }
};

std::vector<std::size_t> all_of(const std::vector<Row>& rows) {
    std::vector<std::size_t> places(rows.size());
    std::iota(places.begin(), places.end(), 0);
    return places;
}

std::vector<Answer> greeks_of(const std::vector<Row>& rows, double tolerance) {
    const Batch batch(rows);
    std::vector<double> columns(7 * rows.size());
    GreekColumns out = {};
    for (std::size_t k = 0; k < 7; ++k) out.data[k] = columns.data() + k * rows.size();
    double_boundary_greeks(batch.rows(), all_of(rows), tolerance, out);
    std::vector<Answer> answers;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto at = [&](std::size_t k) { return out.data[k][i]; };
        answers.push_back({at(0), at(1), at(2), at(3), at(4), at(5), at(6)});
    }
    return answers;
}

Answer greeks_of(const Row& row, double tolerance) {
    return greeks_of(std::vector<Row>{row}, tolerance)[0];
}

double price_of(const Row& row) {
    return greeks_of(row, 1e-7).price;
}

struct Interval {
    double lower, upper;
};

Interval edges_of(const Row& row, double remaining) {
    const Batch batch({row});
    Interval edges;
    double_boundary_edges(batch.rows(), 1e-7, &remaining, 1, &edges.lower, &edges.upper);
    return edges;
}

bool same(const Answer& a, const Answer& b) {
    return __builtin_memcmp(&a, &b, sizeof a) == 0;
}

const Row kAbove = {-1, 95.0, 100.0, 1.0, -0.01, -0.04, 0.1};
const Row kInside = {-1, 80.0, 100.0, 1.0, -0.01, -0.04, 0.1};
const Row kBelow = {-1, 25.0, 100.0, 1.0, -0.01, -0.04, 0.1};

// The rows of the table that belong here.
std::vector<testing::YieldReference> references() {
    std::vector<testing::YieldReference> ours;
    for (const testing::YieldReference& r : testing::kYieldReferences) {
        if (is_double_boundary(r.right, r.rate, r.dividend_yield)) ours.push_back(r);
    }
    return ours;
}

Row row_of(const testing::YieldReference& r) {
    return {r.right, r.spot, r.strike, r.years, r.rate, r.dividend_yield, r.vol};
}

}  // namespace

TEST(the_regime_is_strict) {
    CHECK(is_double_boundary(-1.0, -0.01, -0.02));
    CHECK(!is_double_boundary(-1.0, -0.01, -0.01));
    CHECK(!is_double_boundary(-1.0, 0.0, -0.02));
    CHECK(!is_double_boundary(-1.0, -0.02, -0.01));
    CHECK(is_double_boundary(1.0, -0.02, -0.01));
    CHECK(!is_double_boundary(1.0, -0.01, -0.02));
    CHECK(!is_double_boundary(0.0, -0.01, -0.02));
    CHECK(!is_double_boundary(-1.0, kNaN, -0.02));
    CHECK(!is_double_boundary(-1.0, -0.01, kNaN));
}

TEST(prices_are_within_each_tolerance) {
    CHECK(references().size() == 16);
    for (const double tolerance : kTolerances) {
        for (const testing::YieldReference& r : references()) {
            CHECK_CLOSE(r.price, greeks_of(row_of(r), tolerance).price, tolerance);
        }
    }
}

TEST(greeks_are_those_of_the_table) {
    const auto check = [](double expected, double actual) {
        CHECK_CLOSE(expected, actual, 1e-5 * (1.0 + std::fabs(expected)));
    };
    for (const testing::YieldReference& r : references()) {
        const Answer g = greeks_of(row_of(r), 5e-7);
        check(r.delta, g.delta);
        check(r.gamma, g.gamma);
        check(r.vega, g.vega);
        check(r.theta, g.theta);
        check(r.rho, g.rho);
        check(r.phi, g.phi);
    }
}

TEST(inside_the_edges_the_option_is_exercised) {
    const Answer expected = {20.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    for (const double tolerance : kTolerances) CHECK(same(expected, greeks_of(kInside, tolerance)));
}

TEST(greeks_are_the_slopes_of_the_price) {
    const auto slope = [](Row row, double Row::* input, double step) {
        Row up = row, down = row;
        up.*input += step;
        down.*input -= step;
        return (price_of(up) - price_of(down)) / (2.0 * step);
    };
    for (const Row& row : {kAbove, kBelow, Row{-1, 60.0, 100.0, 20.0, -0.01, -0.04, 0.2},
                           Row{1, 105.0, 100.0, 1.0, -0.04, -0.01, 0.1}}) {
        const Answer g = greeks_of(row, 1e-7);
        CHECK_CLOSE(slope(row, &Row::spot, 1e-3), g.delta, 1e-6);
        CHECK_CLOSE(slope(row, &Row::vol, 1e-6), g.vega, 2e-4);
        CHECK_CLOSE(-slope(row, &Row::years, 1e-4), g.theta, 1e-5);
        CHECK_CLOSE(slope(row, &Row::rate, 1e-6), g.rho, 2e-3);
        CHECK_CLOSE(slope(row, &Row::yield, 1e-6), g.phi, 2e-3);
        Row up = row, down = row;
        up.spot += 0.02;
        down.spot -= 0.02;
        CHECK_CLOSE((greeks_of(up, 1e-7).delta - greeks_of(down, 1e-7).delta) / 0.04, g.gamma, 1e-5);
    }
}

TEST(a_call_is_the_put_with_spot_and_strike_exchanged) {
    const Answer call = greeks_of({1, 105.0, 90.0, 2.0, -0.04, -0.01, 0.1}, 3e-5);
    const Answer put = greeks_of({-1, 90.0, 105.0, 2.0, -0.01, -0.04, 0.1}, 3e-5);
    CHECK_CLOSE(put.price, call.price, 0.0);
    CHECK_CLOSE(put.vega, call.vega, 0.0);
    CHECK_CLOSE(put.theta, call.theta, 0.0);
    CHECK_CLOSE(put.rho, call.phi, 0.0);
    CHECK_CLOSE(put.phi, call.rho, 0.0);
    CHECK_CLOSE((put.price - 90.0 * put.delta) / 105.0, call.delta, 1e-15);
    CHECK_CLOSE(put.gamma * (90.0 * 90.0) / (105.0 * 105.0), call.gamma, 1e-15);
    const Interval of_call = edges_of({1, 1.0, 90.0, 2.0, -0.04, -0.01, 0.1}, 1.0);
    const Interval of_put = edges_of({-1, 1.0, 90.0, 2.0, -0.01, -0.04, 0.1}, 1.0);
    CHECK_CLOSE(8100.0, of_call.lower * of_put.upper, 1e-9);
    CHECK_CLOSE(8100.0, of_call.upper * of_put.lower, 1e-9);
}

TEST(edges_begin_at_expiry_and_narrow) {
    const Interval at_expiry = edges_of(kAbove, 0.0), early = edges_of(kAbove, 0.01),
                   now = edges_of(kAbove, 1.0);
    CHECK_CLOSE(25.0, at_expiry.lower, 1e-13);
    CHECK_CLOSE(100.0, at_expiry.upper, 0.0);
    CHECK_CLOSE(25.1580486522, early.lower, 1e-7);
    CHECK_CLOSE(97.9305207037, early.upper, 1e-5);
    CHECK_CLOSE(26.4352053864, now.lower, 1e-7);
    CHECK_CLOSE(90.0668328731, now.upper, 1e-6);
    // These meet with 18.41302219674 years left, at 60.967300307.
    const Row meeting = {-1, 100.0, 100.0, 40.0, -0.005, -0.01, 0.08};
    const Interval last = edges_of(meeting, 18.41302 / 40.0);
    CHECK_CLOSE(60.9673, last.lower, 1e-4);
    CHECK_CLOSE(60.9673, last.upper, 1e-4);
    for (const double remaining : {18.41303 / 40.0, 1.0, 1.01, -0.01, kNaN}) {
        CHECK(std::isnan(edges_of(meeting, remaining).lower));
        CHECK(std::isnan(edges_of(meeting, remaining).upper));
    }
}

TEST(the_price_meets_the_intrinsic_value_at_the_edges) {
    const Interval edges = edges_of(kAbove, 1.0);
    for (const double edge : {edges.lower, edges.upper}) {
        for (const double distance : {-1e-3, -1e-6, -1e-12, -1e-15, 0.0, 1e-15, 1e-12, 1e-6, 1e-3}) {
            Row row = kAbove;
            row.spot = edge * (1.0 + distance);
            const Answer a = greeks_of(row, 1e-7);
            CHECK(a.price >= 100.0 - row.spot);
            CHECK_CLOSE(100.0 - row.spot, a.price, 1e-7 + 10.0 * distance * distance * row.spot);
            CHECK_CLOSE(-1.0, a.delta, 1e-5 + 20.0 * std::fabs(distance));
        }
    }
}

TEST(the_price_passes_smoothly_from_edges_that_meet_to_edges_that_rest) {
    // v = |sqrt(-2q) - sqrt(-2r)|, above which the edges meet.
    const double critical = std::sqrt(0.1) - std::sqrt(0.04);
    for (const double spot : {45.0, 60.0, 105.0}) {
        const Row at = {-1, spot, 100.0, 10.0, -0.02, -0.05, critical};
        Row below = at, above = at;
        below.vol *= 1.0 - 1e-9;
        above.vol *= 1.0 + 1e-9;
        CHECK_CLOSE(price_of(at), price_of(below), 1e-6);
        CHECK_CLOSE(price_of(at), price_of(above), 1e-6);
    }
}

TEST(the_regime_ends_continuously) {
    // r = 0 has one edge, and its value is in american_reference.hpp; r = q is European.
    CHECK_CLOSE(7.20730679862, price_of({-1, 100.0, 100.0, 1.0, -1e-12, -0.02, 0.2}), 1e-7);
    const double european = price_of({-1, 95.0, 100.0, 1.0, -0.02, -0.02 * (1.0 + 1e-13), 0.2});
    for (const double apart : {1e-9, 1e-7, 1e-5}) {
        CHECK_CLOSE(european, price_of({-1, 95.0, 100.0, 1.0, -0.02, -0.02 * (1.0 + apart), 0.2}),
                    1.1 * apart);
    }
}

TEST(without_time_or_vol) {
    const double kLimits[] = {0.0, 1e-12, 1e-7};
    for (const double years : kLimits) {
        CHECK_CLOSE(80.0, price_of({-1, 20.0, 100.0, years, -0.01, -0.04, 0.1}), 1e-5);
        CHECK_CLOSE(20.0, price_of({-1, 80.0, 100.0, years, -0.01, -0.04, 0.1}), 0.0);
        CHECK_CLOSE(0.0, price_of({-1, 120.0, 100.0, years, -0.01, -0.04, 0.1}), 1e-300);
    }
    // From 20 the spot grows to the lower edge of 25 in log(1.25) / 0.03 years and is sold there.
    const double sold = 75.0 * std::exp(std::log(1.25) / 3.0),
                 held = 100.0 * std::exp(0.02) - 20.0 * std::exp(0.08);
    for (const double vol : {0.0, 1e-9, 1e-5}) {
        CHECK_CLOSE(sold, price_of({-1, 20.0, 100.0, 10.0, -0.01, -0.04, vol}), 1e-6);
        CHECK_CLOSE(held, price_of({-1, 20.0, 100.0, 2.0, -0.01, -0.04, vol}), 1e-6);
        CHECK_CLOSE(20.0, price_of({-1, 80.0, 100.0, 2.0, -0.01, -0.04, vol}), 0.0);
        CHECK_CLOSE(0.0, price_of({-1, 100.001, 100.0, 2.0, -0.01, -0.04, vol}), 1e-6);
    }
}

TEST(a_life_too_long_for_its_rates_gives_nan) {
    for (const double years : {199.9, 200.1, 500.0, 1e4}) {
        const Row put = {-1, 95.0, 100.0, years, -0.02, -0.05, 0.1},
                  call = {1, 100.0, 95.0, years, -0.05, -0.02, 0.1};
        const bool known = 0.05 * years < kLargestDoubleExponent;
        for (const double tolerance : kTolerances) {
            for (const Row& row : {put, call}) {
                const Answer g = greeks_of(row, tolerance);
                for (const double* x = &g.price; x <= &g.phi; ++x) CHECK(std::isnan(*x) != known);
                CHECK(std::isnan(edges_of(row, 0.001).lower) != known);
            }
        }
    }
}

TEST(long_lives_are_solved_finer) {
    // Values of tests/references/edges.py, the same with 48 and 64 nodes to 3e-9.
    const Row long_lived = {-1, 94.0, 100.0, 62.0, -0.06, -0.15, 0.12},
              longer_lived = {-1, 95.0, 100.0, 180.0, -0.02, -0.05, 0.08};
    for (const double tolerance : kTolerances) {
        const double error = std::fmax(tolerance, 1e-5);
        CHECK_CLOSE(6.3663745728, greeks_of(long_lived, tolerance).price, error);
        CHECK_CLOSE(6.7371105668, greeks_of(longer_lived, tolerance).price, error);
    }
}

TEST(bad_input_gives_nan_and_spares_its_neighbours) {
    std::vector<Row> bad(20, kAbove);
    std::size_t i = 0;
    for (double Row::* input : {&Row::spot, &Row::strike, &Row::years, &Row::vol}) {
        for (const double value : {-1.0, kNaN, kInf}) bad[i++].*input = value;
    }
    for (double Row::* input : {&Row::rate, &Row::yield}) {
        for (const double value : {kNaN, -kInf}) bad[i++].*input = value;
    }
    bad[i++].right = 0;
    bad[i++].right = 2;
    bad[i++].yield = 0.01;
    bad[i++].right = 1;
    CHECK(i == bad.size());
    const Answer expected = greeks_of(kAbove, 3e-5);
    for (const Row& row : bad) {
        const std::vector<Answer> answers = greeks_of({kAbove, row, kAbove}, 3e-5);
        CHECK(same(expected, answers[0]) && same(expected, answers[2]));
        for (const double* x = &answers[1].price; x <= &answers[1].phi; ++x) CHECK(std::isnan(*x));
    }
}

TEST(a_row_does_not_depend_on_its_batch) {
    std::vector<Row> rows;
    for (const testing::YieldReference& r : references()) {
        for (const double spot : {r.spot, 0.9 * r.spot}) {
            rows.push_back(row_of(r));
            rows.back().spot = spot;
        }
    }
    const std::vector<Answer> together = greeks_of(rows, 1e-4);
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(same(together[i], greeks_of(rows[i], 1e-4)));
    std::vector<double> prices(rows.size());
    GreekColumns out = {};
    out.data[0] = prices.data();
    const Batch batch(rows);
    double_boundary_greeks(batch.rows(), all_of(rows), 1e-4, out);
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK_CLOSE(together[i].price, prices[i], 0.0);
    std::vector<double> some(rows.size(), -1.0);
    out.data[0] = some.data();
    const std::size_t chosen[] = {1, 4, 5};
    double_boundary_greeks(batch.rows(), chosen, 1e-4, out);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const bool is_chosen = i == 1 || i == 4 || i == 5;
        CHECK_CLOSE(is_chosen ? prices[i] : -1.0, some[i], 0.0);
    }
}

ATALANTA_TEST_MAIN
