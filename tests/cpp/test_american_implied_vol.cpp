// Implied volatility of American options: round trips, starts, and why a row has none.
#include "american_batch.hpp"
#include "check.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

struct Quotes {
    Batch batch;  // its vols are the truth
    std::vector<double> prices;

    QuotedRows rows() const {
        const OptionRows o = batch.rows();
        return {o.size, {prices.data(), false}, o.right, o.spot, o.strike, o.years, o.rate, o.dividend_yield};
    }
};

struct Answers {
    std::vector<double> vol;
    std::vector<ImpliedVolStatus> status;
};

Answers solve(const Quotes& quotes, double tolerance, const double* start = nullptr, int threads = 1) {
    Answers a = {std::vector<double>(quotes.prices.size(), -1.0),
                 std::vector<ImpliedVolStatus>(quotes.prices.size())};
    collocation_implied_vol(quotes.rows(), tolerance, start, a.vol.data(), a.status.data(), threads);
    return a;
}

ImpliedVolStatus status_of(const Row& row, double price) {
    Quotes quotes;
    quotes.batch.add(row);
    quotes.prices = {price};
    const Answers a = solve(quotes, 1e-4);
    CHECK(std::isnan(a.vol[0]) == (a.status[0] != ImpliedVolStatus::ok));
    return a.status[0];
}

Quotes priced(const Batch& batch, double tolerance) {
    return {batch, collocated(batch, tolerance)[0]};
}

}  // namespace

TEST(prices_are_met_again_and_volatilities_where_prices_tell_them) {
    for (const double tolerance : {1e-4, 3e-5, 5e-7}) {
        const Quotes quotes = priced(american_batch(800), tolerance);
        const Answers a = solve(quotes, tolerance);
        Batch again = quotes.batch;
        for (std::size_t i = 0; i < a.vol.size(); ++i) {
            if (a.status[i] == ImpliedVolStatus::ok) again.columns[5][i] = a.vol[i];
        }
        const Outputs out = collocated(again, tolerance);
        for (std::size_t i = 0; i < a.vol.size(); ++i) {
            const double larger = std::fmax(again.columns[0][i], again.columns[1][i]);
            if (a.status[i] != ImpliedVolStatus::ok) continue;
            CHECK_CLOSE(quotes.prices[i], out[0][i], 2e-6 * larger);
            const double truth = quotes.batch.columns[5][i];
            if (out[3][i] * truth > 1e-2 * larger) CHECK_CLOSE(truth, a.vol[i], 1e-5 * truth);
        }
    }
}

TEST(every_price_above_exercise_has_a_volatility) {
    const Quotes quotes = priced(american_batch(800), 1e-4);
    const Answers a = solve(quotes, 1e-4);
    for (std::size_t i = 0; i < a.vol.size(); ++i) {
        const double gain = quotes.batch.right[i] * (quotes.batch.columns[0][i] - quotes.batch.columns[1][i]);
        if (quotes.prices[i] <= std::fmax(gain, 0.0)) {
            CHECK(a.status[i] == ImpliedVolStatus::below_intrinsic);
        }
    }
}

TEST(where_exercise_never_pays_it_is_the_european_one) {
    Batch batch;
    for (const double strike : {70.0, 100.0, 140.0}) batch.add({1, 100, strike, 0.5, 0.04, 0.0, 0.35});
    const Quotes quotes = priced(batch, 1e-4);
    for (const double vol : solve(quotes, 1e-4).vol) CHECK_CLOSE(0.35, vol, 1e-13);
}

TEST(between_two_boundaries_too) {
    Batch batch;
    batch.add({-1, 95, 100, 1, -0.01, -0.03, 0.1});
    batch.add({1, 100, 104, 1, -0.03, -0.01, 0.25});
    const Quotes quotes = priced(batch, 3e-5);
    const Answers a = solve(quotes, 3e-5);
    for (std::size_t i = 0; i < 2; ++i) CHECK_CLOSE(batch.columns[5][i], a.vol[i], 1e-6);
}

TEST(any_start_leads_to_the_same_volatility) {
    const Row row = {-1, 95, 100, 0.5, 0.05, 0.02, 0.3};
    Quotes quotes;
    for (int i = 0; i < 8; ++i) quotes.batch.add(row);
    quotes.prices.assign(8, collocated_price(row, 3e-5));
    const double start[8] = {kNaN, 0.3, 0.29, 1e-3, 8.0, kInf, -1.0, 0.0};
    for (const double vol : solve(quotes, 3e-5, start).vol) CHECK_CLOSE(0.3, vol, 1e-7);
}

TEST(why_a_row_has_none) {
    const Row put = {-1, 90, 100, 0.5, 0.05, 0.0, 0.3}, call = {1, 110, 100, 0.5, 0.0, 0.05, 0.3};
    CHECK(status_of(put, 10.0) == ImpliedVolStatus::below_intrinsic);
    CHECK(status_of(call, 9.0) == ImpliedVolStatus::below_intrinsic);
    CHECK(status_of(put, 100.0) == ImpliedVolStatus::above_bound);
    CHECK(status_of(call, 110.0) == ImpliedVolStatus::above_bound);
    CHECK(status_of(put, 10.4) == ImpliedVolStatus::ok);
    // The European lower bound exceeds exercise now where the yield is high.
    const Row waiting = {-1, 90, 100, 0.5, 0.0, 0.1, 0.3};
    CHECK(status_of(waiting, 12.0) == ImpliedVolStatus::below_intrinsic);
    CHECK(status_of(put, kNaN) == ImpliedVolStatus::bad_input);
    CHECK(status_of(put, -1.0) == ImpliedVolStatus::bad_input);
    CHECK(status_of({-1, 90, 100, 0.0, 0.05, 0.0, 0.3}, 10.4) == ImpliedVolStatus::bad_input);
    CHECK(status_of({0, 90, 100, 0.5, 0.05, 0.0, 0.3}, 10.4) == ImpliedVolStatus::bad_input);
    CHECK(status_of({-1, 90, 100, 0.5, kInf, 0.0, 0.3}, 10.4) == ImpliedVolStatus::bad_input);
}

TEST(neighbours_threads_and_instruction_sets_change_nothing) {
    const Quotes quotes = priced(american_batch(600), 1e-4);
    const Answers whole = solve(quotes, 1e-4);
    CHECK(differing({whole.vol}, {solve(quotes, 1e-4, nullptr, 3).vol}) == 0);
    std::vector<double> alone(600);
    for (std::size_t i = 0; i < 600; ++i) {
        collocation_implied_vol(quotes.rows().slice(i, 1), 1e-4, nullptr, &alone[i], nullptr, 1);
    }
    CHECK(differing({whole.vol}, {alone}) == 0);
    const bool fused = is_fused(active_kernels());
    with_every_instruction_set([&](const KernelSet& kernels) {
        if (is_fused(kernels) == fused) CHECK(differing({whole.vol}, {solve(quotes, 1e-4).vol}) == 0);
    });
}

ATALANTA_TEST_MAIN
