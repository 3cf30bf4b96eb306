// A short call before an ex-date: American prices with cash dividends, and what they say about assignment.
#include <atalanta/pricing/early_exercise.hpp>
#include <cstdio>
#include <vector>

int main() {
    const std::vector<double> strike = {85, 90, 95, 100, 105};
    const std::int8_t call = 1;
    const double spot = 100.0, years = 45.0 / 365.0, rate = 0.0425, no_yield = 0.0, vol = 0.25;
    // One schedule for every row: $1.20 in five days, $1.20 a quarter later.
    const std::size_t offsets[] = {0, 2};
    const double ex_years[] = {5.0 / 365.0, 96.0 / 365.0}, cash[] = {1.20, 1.20};
    const std::int32_t first = 0;

    const std::size_t size = strike.size();
    const atalanta::OptionRows rows = {.size = size,
                                       .right = {&call, true},
                                       .spot = {&spot, true},
                                       .strike = {strike.data(), false},
                                       .years = {&years, true},
                                       .rate = {&rate, true},
                                       .dividend_yield = {&no_yield, true},
                                       .vol = {&vol, true}};
    const atalanta::Terms terms = {.exercise = atalanta::Exercise::american,
                                   .dividends = {1, offsets, ex_years, cash, {&first, true}},
                                   .tolerance = atalanta::kStandard};

    // A column each: price and delta here, and dV/d(cash) of the two dividends.
    std::vector<double> price(size), delta(size), dividend_delta(2 * size);
    atalanta::greeks(rows, terms, {{price.data(), delta.data()}}, dividend_delta.data());

    std::vector<double> numbers(12 * size);
    std::vector<std::uint8_t> flags(2 * size);
    const auto column = [&](std::size_t i) { return numbers.data() + i * size; };
    const atalanta::EarlyExerciseColumns early = {
        .price = column(0),
        .intrinsic = column(1),
        .time_value = column(2),
        .boundary = column(3),
        .far_boundary = column(4),
        .probability = column(5),
        .next_ex_years = column(6),
        .next_dividend = column(7),
        .value_after = column(8),
        .ex_dividend_boundary = column(9),
        .cost_of_holding = column(10),
        .cost_of_waiting = column(11),
        .exercise_now = flags.data(),
        .ex_dividend_exercise = flags.data() + size,
    };
    atalanta::early_exercise(rows, terms, early);

    for (std::size_t i = 0; i < size; ++i) {
        std::printf(
            "strike %5.1f  price %7.4f  delta %6.3f  per dollar of dividend %6.3f  assigned %3.0f %%%s\n",
            strike[i], price[i], delta[i], dividend_delta[i], 100.0 * early.probability[i],
            early.ex_dividend_exercise[i] ? "  before the ex-date" : "");
    }
}
