// The exercise boundary of American options over time.
#include "american_batch.hpp"
#include "check.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

struct Boundaries {
    std::vector<double> out, other;
};

Boundaries boundaries(const Row& row, const std::vector<double>& remaining, double tolerance = 5e-7) {
    Batch batch;
    batch.add(row);
    Boundaries b = {std::vector<double>(remaining.size()), std::vector<double>(remaining.size())};
    collocation_boundary(batch.rows(), tolerance, remaining.data(), remaining.size(), b.out.data(),
                         b.other.data(), 1);
    return b;
}

const std::vector<double> kTimes = {0.0, 1e-6, 0.01, 0.25, 0.5, 0.75, 1.0};

}  // namespace

TEST(a_put_boundary_falls_from_the_strike_or_the_ratio_of_rates) {
    const Boundaries below = boundaries({-1, 100, 100, 1, 0.05, 0.02, 0.3}, kTimes);
    const Boundaries above = boundaries({-1, 100, 100, 1, 0.04, 0.08, 0.3}, kTimes);
    CHECK(below.out[0] == 100.0 && above.out[0] == 50.0);
    for (std::size_t k = 1; k < kTimes.size(); ++k) {
        CHECK(below.out[k] < below.out[k - 1] && above.out[k] < above.out[k - 1]);
        CHECK(std::isnan(below.other[k]));
    }
}

TEST(a_call_boundary_mirrors_the_put) {
    const Boundaries put = boundaries({-1, 100, 100, 1, 0.05, 0.02, 0.3}, kTimes);
    const Boundaries call = boundaries({1, 100, 100, 1, 0.02, 0.05, 0.3}, kTimes);
    for (std::size_t k = 0; k < kTimes.size(); ++k) CHECK_CLOSE(1e4 / put.out[k], call.out[k], 1e-10);
}

TEST(with_less_time_the_boundary_is_that_of_the_shorter_option) {
    const Row row = {-1, 100, 100, 1, 0.06, 0.03, 0.25};
    const Boundaries b = boundaries(row, {0.25, 1.0}, 1e-7);
    Row shorter = row;
    shorter.years = 0.25;
    CHECK_CLOSE(boundaries(shorter, {1.0}, 1e-7).out[0], b.out[0], 2e-4);
}

TEST(the_price_meets_exercise_there) {
    const Row row = {-1, 100, 100, 1, 0.06, 0.03, 0.25};
    const double boundary = boundaries(row, {1.0}).out[0];
    Row above = row;
    above.spot = boundary * 1.001;
    CHECK(collocated_price(above, 5e-7) > 100.0 - above.spot);
    above.spot = boundary;
    CHECK(collocated_price(above, 5e-7) == 100.0 - boundary);
}

TEST(options_that_are_never_exercised_say_so) {
    CHECK(boundaries({-1, 100, 100, 1, 0.0, 0.02, 0.3}, {1.0}).out[0] == 0.0);
    CHECK(boundaries({1, 100, 100, 1, 0.03, 0.0, 0.3}, {1.0}).out[0] == kInf);
    CHECK(std::isnan(boundaries({1, 100, 100, 1, 0.03, kNaN, 0.3}, {1.0}).out[0]));
    CHECK(std::isnan(boundaries({-1, 100, 100, 1, 0.03, 0.0, 0.3}, {1.5}).out[0]));
    CHECK(std::isnan(boundaries({-1, 100, 100, 1, 0.03, 0.0, 0.3}, {kNaN}).out[0]));
}

TEST(between_two_boundaries_both_are_told) {
    const Boundaries put = boundaries({-1, 100, 100, 1, -0.01, -0.03, 0.1}, {0.1, 1.0});
    const Boundaries call = boundaries({1, 100, 100, 1, -0.03, -0.01, 0.1}, {0.1, 1.0});
    for (std::size_t k = 0; k < 2; ++k) {
        CHECK(put.other[k] < put.out[k] && put.out[k] < 100.0);
        CHECK(100.0 < call.out[k] && call.out[k] < call.other[k]);
    }
}

TEST(rows_and_times_are_laid_out_time_by_time) {
    const Batch batch = american_batch(300);
    const double remaining[] = {1.0, 0.5};
    std::vector<double> out(600), other(600);
    collocation_boundary(batch.rows(), 1e-4, remaining, 2, out.data(), other.data(), 2);
    for (const std::size_t i : {0u, 7u, 255u, 256u, 299u}) {
        std::vector<double> one(2);
        collocation_boundary(batch.rows().slice(i, 1), 1e-4, remaining, 2, one.data(), nullptr, 1);
        CHECK(same_bits(one[0], out[i]) && same_bits(one[1], out[300 + i]));
    }
}

ATALANTA_TEST_MAIN
