// Greeks of American options: exact values, derivatives of the finest price, and the way they end where
// exercise begins.
#include "american_batch.hpp"
#include "check.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// In the order of enum Greek. 4th-order central differences of prices with 32 nodes and 64 points, which obey
// the Black-Scholes equation within 1e-7 relative; by an independent program.
struct ExactGreeks {
    Row row;
    double values[7];
};
const ExactGreeks exact_greeks[] = {
    {{1, 110, 100, 0.0821917808219178, 0.08, 0.04, 0.2},
     {10.39861501158542, 0.9566395569634294, 0.013676008561954799, 2.7202142765710606, -6.686918886958172,
      7.794389277583727, -8.649069963452641}},
    {{-1, 90, 100, 0.4986301369863014, 0.08, 0.04, 0.6},
     {20.091787728556852, -0.5018907493096422, 0.010943123190015456, 24.812077024687227, -12.540923893617395,
      -23.40663918504552, 17.054765675466044}},
    {{-1, 80, 100, 1.0, 0.02, 0.08, 0.3},
     {26.518090080974588, -0.7258906453057481, 0.011197617610572466, 21.499411805043778, -6.17882717220201,
      -84.58760773755179, 58.07084445151063}},
};
// Largest errors of delta, gamma times spot, vega, theta, rho and phi on a strike of 100 at each tolerance.
constexpr double kAllowed[][7] = {{0, 1e-5, 4e-4, 2e-3, 1e-3, 1e-2, 1e-2},
                                  {0, 2e-6, 2e-5, 5e-4, 1e-4, 5e-3, 5e-3},
                                  {0, 1e-7, 2e-6, 5e-6, 5e-6, 5e-5, 5e-5},
                                  {0, 1e-7, 2e-6, 5e-6, 5e-6, 5e-5, 5e-5}};

double difference(Row row, double Row::* input, double step, double tolerance) {
    Row up = row, down = row;
    up.*input += step;
    down.*input -= step;
    return (collocated_price(up, tolerance) - collocated_price(down, tolerance)) / (2.0 * step);
}

}  // namespace

TEST(exact_greeks_are_met) {
    for (std::size_t t = 0; t < 4; ++t) {
        for (const ExactGreeks& exact : exact_greeks) {
            const Outputs out = collocated(exact.row, kTolerances[t]);
            for (std::size_t c = 1; c < 7; ++c) {
                const double scale = c == 2 ? 1.0 / exact.row.spot : 1.0;
                CHECK_CLOSE(exact.values[c], out[c][0], kAllowed[t][c] * scale);
            }
        }
    }
}

TEST(greeks_are_the_derivatives_of_the_finest_price) {
    Random random;
    for (int i = 0; i < 60; ++i) {
        Row row = american_row_of(random);
        row.vol = random.uniform(0.15, 0.8);
        row.years = random.uniform(0.05, 1.0);
        const double rate = row.right > 0 ? row.dividend_yield : row.rate;
        if (rate < 0.01) continue;
        const Outputs out = collocated(row, 5e-7);
        if (out[2][0] == 0.0) continue;  // exercised
        CHECK_CLOSE(difference(row, &Row::spot, 1e-3 * row.spot, 1e-7), out[1][0], 2e-5);
        CHECK_CLOSE(difference(row, &Row::vol, 1e-3, 1e-7), out[3][0], 2e-3);
        CHECK_CLOSE(-difference(row, &Row::years, 1e-4, 1e-7), out[4][0], 2e-2);
        CHECK_CLOSE(difference(row, &Row::rate, 1e-4, 1e-7), out[5][0], 5e-3);
        CHECK_CLOSE(difference(row, &Row::dividend_yield, 1e-4, 1e-7), out[6][0], 5e-3);
    }
}

TEST(price_and_delta_are_continuous_where_exercise_begins) {
    for (const double tolerance : kTolerances) {
        const Row row = {-1, 100, 100, 0.5, 0.06, 0.02, 0.3};
        const double now = 1.0;
        double boundary;
        Batch batch;
        batch.add(row);
        collocation_boundary(batch.rows(), tolerance, &now, 1, &boundary, nullptr, 1);
        for (const double away : {1e-9, 1e-4}) {
            Row outside = row, inside = row;
            outside.spot = boundary * (1.0 + away);
            inside.spot = boundary * (1.0 - away);
            const Outputs out = collocated(outside, tolerance), in = collocated(inside, tolerance);
            CHECK(in[0][0] == 100.0 - inside.spot && in[1][0] == -1.0);
            for (std::size_t c = 2; c < 7; ++c) CHECK(in[c][0] == 0.0);
            CHECK_CLOSE(100.0 - outside.spot, out[0][0], tolerance + 1e-2 * away);
            CHECK_CLOSE(-1.0, out[1][0], 2e-4 + 50.0 * away);
            CHECK(out[2][0] > 0.0);
            CHECK_CLOSE(0.0, out[3][0], 2e-2 + 100.0 * away);  // vega
        }
    }
}

ATALANTA_TEST_MAIN
