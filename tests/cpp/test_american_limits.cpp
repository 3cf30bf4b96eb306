// American options where the ordinary method ends: nothing random, no reason to exercise, no expiry that
// counts, no sense.
#include "american_batch.hpp"
#include "check.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

double difference(Row row, double Row::* input, double step) {
    Row up = row, down = row;
    up.*input += step;
    down.*input -= step;
    return (collocated_price(up, 1e-4) - collocated_price(down, 1e-4)) / (2.0 * step);
}

}  // namespace

TEST(without_randomness_the_best_moment_decides) {
    struct Case {
        Row row;
        double price;
    };
    // Closed forms; the first three are QuantLib's testQdAmericanEngines too.
    const Case cases[] = {
        {{1, 100, 50, 1, 0.05, 0.01, 0}, 51.44351214988111},        // at expiry
        {{-1, 100, 120, 40, 0.01, 0.5, 0}, 108.9809045611846},      // in between
        {{-1, 100, 120, 1, 0.05, 0.01, 0}, 20.0},                   // now
        {{-1, 100, 120, 1, 0.0, 0.05, 0}, 24.877057549928608},      // at expiry
        {{-1, 0, 120, 1, -0.075, 0.05, 0.25}, 129.34609810615578},  // the strike grows
        {{1, 0, 120, 1, 0.075, 0.05, 0.25}, 0.0},
        {{-1, 100, 120, 0, 0.05, 0.0, 0.25}, 20.0},
        {{1, 100, 0, 1, 0.05, 0.01, 0.25}, 100.0},
        {{-1, 100, 0, 1, 0.02, 0.02, 0.25}, 0.0},
        {{-1, 0, 0, 1, 0.0, 0.0, 0.0}, 0.0},
    };
    for (const Case& c : cases) {
        const Outputs out = collocated(c.row, 5e-7);
        CHECK_CLOSE(c.price, out[0][0], 1e-13 * c.price);
        CHECK(out[2][0] == 0.0 && out[3][0] == 0.0);
        for (std::size_t g = 0; g < 7; ++g) CHECK(std::isfinite(out[g][0]));
    }
}

TEST(a_vanishing_vol_leads_to_that_limit) {
    for (const double spot : {90.0, 99.9, 105.0}) {
        for (const double yield : {-0.02, 0.0, 0.03, 0.05, 0.4}) {
            for (const double vol : {1e-10, 1e-8, 1e-5}) {
                const double limit = collocated_price({-1, spot, 100, 1, 0.05, yield, 0.0}, 5e-7);
                CHECK_CLOSE(limit, collocated_price({-1, spot, 100, 1, 0.05, yield, vol}, 5e-7), 5e-7);
            }
        }
    }
}

TEST(where_exercise_never_pays_the_option_is_european) {
    Batch batch;
    batch.add({1, 100, 95, 0.5, 0.05, 0.0, 0.3});    // a call without a yield
    batch.add({1, 100, 95, 0.5, 0.05, -0.02, 0.3});  // holding the share costs
    batch.add({1, 100, 95, 0.5, -0.01, -0.01, 0.3});
    batch.add({-1, 100, 105, 0.5, 0.0, 0.0, 0.3});  // no interest to gain
    batch.add({-1, 100, 105, 0.5, -0.02, 0.01, 0.3});
    batch.add({-1, 100, 105, 0.5, -0.02, -0.02, 0.3});
    const Outputs european = run(active_kernels(), batch, 1), out = collocated(batch, 1e-4);
    CHECK(differing(european, out) == 0);
}

TEST(a_premium_vanishes_with_the_reason_to_exercise) {
    for (const double rate : {1e-12, 1e-8}) {
        const Row row = {-1, 100, 100, 1, rate, 0.05, 0.2}, without = {-1, 100, 100, 1, 0.0, 0.05, 0.2};
        CHECK_CLOSE(collocated_price(without, 1e-7), collocated_price(row, 1e-7), 2e-6);
    }
}

TEST(between_two_boundaries_a_put_with_negative_rates_is_exercised) {
    // Andersen and Lake 2021: q < r < 0. Between the boundaries worth its intrinsic value, on both sides
    // more.
    const double inside = collocated_price({-1, 70, 100, 1, -0.01, -0.03, 0.1}, 5e-7);
    CHECK(inside == 30.0);
    CHECK(collocated_price({-1, 20, 100, 1, -0.01, -0.03, 0.1}, 5e-7) > 80.0);
    CHECK(collocated_price({-1, 95, 100, 1, -0.01, -0.03, 0.1}, 5e-7) > 5.0);
}

TEST(wide_total_vols_pass_into_the_perpetual_option) {
    for (const int right : {1, -1}) {
        const Row below = {right, 100, 100, 1, 0.05, 0.02, 15.999},
                  above = {right, 100, 100, 1, 0.05, 0.02, 16.001};
        const Outputs a = collocated(below, 1e-7), b = collocated(above, 1e-7);
        for (std::size_t c = 0; c < 7; ++c) CHECK_CLOSE(a[c][0], b[c][0], 1e-4 + 1e-3 * std::fabs(b[c][0]));
    }
    const Row row = {-1, 100, 100, 1, 0.05, 0.02, 20.0};
    const Outputs out = collocated(row, 1e-4);
    CHECK_CLOSE(difference(row, &Row::spot, 1e-2), out[1][0], 1e-9);
    CHECK_CLOSE(difference(row, &Row::vol, 1e-3), out[3][0], 1e-8);
    CHECK(out[4][0] == 0.0);
    CHECK_CLOSE(difference(row, &Row::rate, 1e-5), out[5][0], 1e-5);
    CHECK_CLOSE(difference(row, &Row::dividend_yield, 1e-5), out[6][0], 1e-5);
}

TEST(high_drift_passes_into_the_perpetual_option) {
    // Where (r - q - vol^2 / 2) sqrt(T) = sqrt(40) vol the method changes: the price by no more than its
    // class allows.
    const double at = std::sqrt(40.0 + 2.0 * 0.05) - std::sqrt(40.0);
    for (const double tolerance : {1e-4, 3e-5, 5e-7}) {
        for (const double spot : {100.0, 100.05, 100.3}) {
            const Outputs a = collocated({-1, spot, 100, 1, 0.06, 0.01, (1.0 + 1e-9) * at}, tolerance);
            const Outputs b = collocated({-1, spot, 100, 1, 0.06, 0.01, (1.0 - 1e-9) * at}, tolerance);
            CHECK(a[4][0] != 0.0 && b[4][0] == 0.0);
            CHECK_CLOSE(a[0][0], b[0][0], tolerance);
            for (const std::size_t c : {1, 3, 5, 6}) {
                CHECK_CLOSE(a[c][0], b[c][0], 1e-3 + 1e-3 * std::fabs(b[c][0]));
            }
        }
    }
}

TEST(a_tiny_vol_leaves_no_greek_undefined) {
    for (const double vol : {1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 2e-9}) {
        for (const double years : {0.01, 0.5, 10.0}) {
            for (const double tolerance : {1e-4, 3e-5, 5e-7, 1e-7}) {
                // Far out of the money nothing is left of anything, with yields below zero above all.
                for (const double yield : {-0.02, 0.0, 0.01}) {
                    const Outputs put = collocated({-1, 150, 100, years, 0.03, yield, vol}, tolerance);
                    const Outputs call = collocated({1, 100, 150, years, yield, 0.03, vol}, tolerance);
                    for (std::size_t c = 0; c < 7; ++c) CHECK(put[c][0] == 0.0 && call[c][0] == 0.0);
                }
                // At the money a put is the perpetual one: B = K / (1 + vol^2 / 2r) without a yield.
                const double half = 0.5 * vol * vol;
                const bool ruled = std::sqrt(years) * 0.03 > 10.0 * vol, told = half / 0.03 > 1e-12;
                if (!ruled || !told) continue;
                const double power = 0.03 / half, edge = power / (1.0 + power);
                const double value = 100.0 * std::exp(power * std::log(edge)) / (1.0 + power);
                const Outputs out = collocated({-1, 100, 100, years, 0.03, 0.0, vol}, tolerance);
                CHECK_CLOSE(value, out[0][0], 1e-6 * value + 1e-14);
                CHECK(out[3][0] > 0.0 && out[5][0] < 0.0 && out[6][0] > 0.0 && out[4][0] == 0.0);
            }
        }
    }
}

TEST(a_bad_domain_gives_nan_everywhere) {
    const double inf = kInf, nan = kNaN;
    const Row rows[] = {
        {0, 100, 100, 1, 0.05, 0.02, 0.2},   {2, 100, 100, 1, 0.05, 0.02, 0.2},
        {-1, nan, 100, 1, 0.05, 0.02, 0.2},  {-1, 100, inf, 1, 0.05, 0.02, 0.2},
        {-1, -1, 100, 1, 0.05, 0.02, 0.2},   {-1, 100, 100, -1, 0.05, 0.02, 0.2},
        {-1, 100, 100, 1, nan, 0.02, 0.2},   {-1, 100, 100, 1, 0.05, -inf, 0.2},
        {-1, 100, 100, 1, 0.05, 0.02, -0.2}, {-1, 100, 100, 1, 0.05, 0.02, inf},
        {-1, 100, 100, 100, 5.0, 0.02, 0.2},
    };
    for (const Row& row : rows) {
        const Outputs out = collocated(row, 1e-4);
        for (std::size_t c = 0; c < 7; ++c) CHECK(std::isnan(out[c][0]));
    }
}

TEST(hostile_rows_give_sane_prices_or_nan) {
    Batch batch;
    Random random;
    std::vector<Row> rows;
    for (int i = 0; i < 3000; ++i) {
        rows.push_back(hostile_row(random));
        batch.add(rows.back());
    }
    const Outputs out = collocated(batch, 1e-4);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double price = out[0][i];
        CHECK(std::isnan(price) || price >= intrinsic(rows[i]));
        CHECK(std::isnan(price) || price >= 0.0);
        for (std::size_t c = 1; c < 7; ++c) CHECK(!std::isnan(price) || std::isnan(out[c][i]));
    }
}

TEST(far_from_the_money_tails_end_in_zero) {
    for (const double far : {1e8, 1e100, 1e300}) {
        const Outputs put = collocated({-1, far, 100, 1, 0.05, 0.02, 0.2}, 1e-4);
        const Outputs call = collocated({1, 100, far, 1, 0.05, 0.02, 0.2}, 1e-4);
        for (std::size_t c = 0; c < 7; ++c) CHECK(put[c][0] == 0.0 && call[c][0] == 0.0);
    }
    CHECK(collocated_price({-1, 1e-300, 100, 1, 0.05, 0.02, 0.2}, 1e-4) == 100.0);
    CHECK(collocated_price({1, 1e300, 100, 1, 0.02, 0.05, 0.2}, 1e-4) == 1e300);
}

ATALANTA_TEST_MAIN
