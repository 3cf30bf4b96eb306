// The tournament of predictors on sequences whose answer is known.
#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"
#include "memory/predictor.hpp"

using namespace atalanta::memory;

namespace {

double hit_rate(const std::vector<std::size_t>& sizes) {
    Predictor predictor;
    for (const std::size_t bytes : sizes) predictor.observe(bytes);
    return static_cast<double>(predictor.hits()) / static_cast<double>(predictor.requests() - 1);
}

template <class Size>
std::vector<std::size_t> sequence(Size&& size) {
    std::vector<std::size_t> sizes;
    for (std::size_t i = 0; i < 4000; ++i) sizes.push_back(size(i));
    return sizes;
}

}  // namespace

TEST(nothing_is_predicted_before_the_first_request) {
    CHECK(Predictor().next().bytes == 0);
    Predictor one;
    one.observe(1000);
    CHECK(one.next().bytes == 1024 && one.requests() == 1 && one.hits() == 0);
}

TEST(a_block_serves_what_fits_and_wastes_a_quarter_at_most) {
    CHECK(Predictor::serves(1024, 1024) && Predictor::serves(1024, 800) && !Predictor::serves(1024, 1025));
    CHECK(Predictor::serves(128, 64) && !Predictor::serves(1024, 700) && !Predictor::serves(0, 1));
}

TEST(a_constant_size_is_always_predicted) {
    CHECK(hit_rate(sequence([](std::size_t) { return 5000; })) == 1.0);
}

TEST(a_cycle_is_learnt) {
    constexpr std::size_t kExpiries[] = {40000, 340000, 100000, 200000, 64000, 150000};
    CHECK(hit_rate(sequence([&](std::size_t i) { return kExpiries[i % 6]; })) >= 0.99);
}

TEST(a_change_of_regime_costs_few_misses) {
    std::mt19937_64 random(3);
    std::size_t regime = 1000;
    CHECK(hit_rate(sequence([&](std::size_t i) {
              if (i % 200 == 0) regime = 1000 + random() % 10000000;
              return regime;
          })) >= 0.99);
}

TEST(a_workflow_with_exceptions_and_two_modes_are_mostly_predicted) {
    std::mt19937_64 random(5);
    constexpr std::size_t kSteps[] = {64000, 800000, 150000};
    std::size_t step = 0;
    CHECK(hit_rate(sequence([&](std::size_t) {
              step = random() % 10 == 0 ? random() % 3 : (step + 1) % 3;
              return kSteps[step];
          })) >= 0.88);
    CHECK(hit_rate(sequence([&](std::size_t) { return random() % 10 == 0 ? 4000000u : 64000u; })) >= 0.88);
}

TEST(a_drift_is_followed) {
    std::mt19937_64 random(7);
    std::normal_distribution<> step(0.0, 0.01);
    double size = 100000;
    CHECK(hit_rate(sequence([&](std::size_t) {
              size *= std::exp(step(random));
              return static_cast<std::size_t>(size);
          })) >= 0.95);
}

TEST(a_size_that_comes_again_and_again_is_counted_and_left_at_once) {
    Predictor predictor;
    std::uint64_t asked = 0;
    for (int i = 0; i < 1003; ++i) predictor.observe(100000), ++asked;
    CHECK(predictor.requests() == asked && predictor.hits() == asked - 1);
    CHECK(predictor.hits_of(Method::last) == asked - 1);
    predictor.observe(5000000), ++asked;
    CHECK(predictor.requests() == asked && predictor.hits() == asked - 2);
    for (int i = 0; i < 40; ++i) predictor.observe(5000000), ++asked;
    CHECK(Predictor::serves(predictor.next().bytes, 5000000));
    CHECK(predictor.requests() == asked && predictor.hits_of(Method::last) == asked - 2);
}

TEST(scores_stay_usable_for_ever) {
    Predictor predictor;
    for (int i = 0; i < 300000; ++i) predictor.observe(i % 3 == 0 ? 1000 : 50000);
    CHECK(predictor.next().score > 0.9 && predictor.next().score <= 1.0);
    CHECK(predictor.hits_of(Method::markov2) > predictor.hits_of(Method::last));
}

ATALANTA_TEST_MAIN
