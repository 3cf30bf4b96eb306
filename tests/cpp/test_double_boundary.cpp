// Puts with q < r < 0 and calls with r < q < 0: the regime, both sides of the edges, limits, bad input.
#include "check.hpp"
#include "pricing/american/double_boundary.hpp"

using namespace atalanta;

namespace {

constexpr double kNaN = __builtin_nan("");

struct Row {
    int right;
    double spot, strike, years, rate, yield, vol;
};

struct Answer {
    double value[7];  // in the order of enum Greek
};

Answer greeks_of(const Row& row, double tolerance) {
    const std::int8_t right = static_cast<std::int8_t>(row.right);
    const OptionRows rows = {1,
                             {&right, true},
                             {&row.spot, true},
                             {&row.strike, true},
                             {&row.years, true},
                             {&row.rate, true},
                             {&row.yield, true},
                             {&row.vol, true}};
    Answer answer;
    GreekColumns out = {};
    for (std::size_t k = 0; k < 7; ++k) out.data[k] = &answer.value[k];
    double_boundary_greeks(rows, tolerance, out);
    return answer;
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
}

TEST(inside_the_interval_the_option_is_exercised) {
    const Answer a = greeks_of({-1, 80.0, 100.0, 1.0, -0.01, -0.04, 0.1}, 5e-7);
    const double expected[] = {20.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    for (std::size_t k = 0; k < 7; ++k) CHECK_CLOSE(expected[k], a.value[k], 0.0);
}

ATALANTA_TEST_MAIN
