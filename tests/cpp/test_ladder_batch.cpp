// The promise that a row's result depends on the row alone: not on the batch, its order, threads, or the
// instruction set, as long as that has a fused multiply-add.
#include <algorithm>
#include <cstring>

#include "check.hpp"
#include "ladder_rows.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// Up to eight dividends anywhere: next to the present, to expiry, to each other, two on a day.
std::vector<LadderRow> irregular_rows(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    const auto uniform = [&](double low, double high) {
        return low + (high - low) * (generator() * (1.0 / 4294967296.0));
    };
    std::vector<LadderRow> rows = random_rows(count, seed);
    for (LadderRow& row : rows) {
        row.dividends.clear();
        const int dividends = static_cast<int>(uniform(0, 9));
        for (int d = 0; d < dividends; ++d) {
            const double kind = uniform(0, 1), cash = uniform(0, 4);
            const double share = kind < 0.1 ? 1e-7 : kind < 0.2 ? 1 - 1e-7 : uniform(0.001, 0.999);
            row.dividends.push_back({row.years * share, cash});
            if (kind > 0.8) row.dividends.push_back({row.years * share, 0.5 * cash});
        }
        std::sort(row.dividends.begin(), row.dividends.end(),
                  [](const Dividend& a, const Dividend& b) { return a.years < b.years; });
    }
    return rows;
}

std::vector<LadderRow> mixed_rows() {
    std::vector<LadderRow> rows;
    // A chain, whose rows share blocks, and strangers among them.
    for (int k = 0; k < 24; ++k) {
        const double strike = 70 + 2.5 * k;
        rows.push_back(
            {k % 2 == 0 ? 1 : -1, 100, strike, 0.75, 0.04, 0.01, 0.2 + 0.005 * k, {{0.2, 0.6}, {0.45, 0.6}}});
        rows.push_back({k % 3 == 0 ? 1 : -1, 100, strike, 0.5, -0.03, -0.01, 0.3, {{0.2, 20.0}}});
    }
    // Enough of one schedule that blocks cross its ex-dates as one, whatever else is there.
    for (int k = 0; k < 48; ++k) {
        rows.push_back(
            {k % 2 == 0 ? 1 : -1, 100, 80 + 0.9 * k, 0.6, 0.04, 0, 0.25, {{0.1, 0.5}, {0.4, 0.7}}});
    }
    // Exercised between two spots, and others in the same blocks.
    for (int k = 0; k < 32; ++k) {
        const double rate = k % 4 == 0 ? 0.04 : -0.06;
        rows.push_back({1, 100, 50.0 + 1.5 * k, 0.7, rate, rate + 0.03, 0.3, {{0.2, 0.6}, {0.45, 0.6}}});
    }
    // At low spots a dividend takes more than an eighth in some lanes of a block and less in others.
    for (int k = 0; k < 32; ++k) {
        rows.push_back(
            {k % 2 == 0 ? 1 : -1, 100, 85.0 + k, 0.6, 0.04, 0, 0.2 + 0.005 * k, {{0.1, 5}, {0.4, 5}}});
    }
    for (const LadderRow& row : random_rows(40, 31)) rows.push_back(row);
    for (const LadderRow& row : irregular_rows(60, 32)) rows.push_back(row);
    rows.push_back({-1, 100, 100, 0, 0.04, 0, 0.2, {}});
    rows.push_back({-1, kNaN, 100, 1, 0.04, 0, 0.2, {}});
    return rows;
}

bool same_bits(double a, double b) {
    return std::memcmp(&a, &b, sizeof a) == 0 || (std::isnan(a) && std::isnan(b));
}

void check_same(const LadderGreeks& a, std::size_t i, const LadderGreeks& b, std::size_t j) {
    for (std::size_t g = 0; g < 7; ++g) CHECK(same_bits(a.of[g][i], b.of[g][j]));
    const std::size_t rows_a = a.of[0].size(), rows_b = b.of[0].size();
    for (std::size_t d = 0; d * rows_a < a.dividend_delta.size(); ++d) {
        const bool in_b = d * rows_b < b.dividend_delta.size();  // else there is no row with so many
        const double other = in_b ? b.dividend_delta[d * rows_b + j] : 0.0;
        CHECK(same_bits(a.dividend_delta[d * rows_a + i], other));
    }
}

}  // namespace

TEST(order_and_size_of_the_batch_do_not_matter) {
    const std::vector<LadderRow> rows = mixed_rows();
    std::vector<LadderRow> reversed(rows.rbegin(), rows.rend());
    for (const Exercise exercise : {Exercise::european, Exercise::american}) {
        const LadderGreeks together = solve(rows, exercise, kUsual),
                           backwards = solve(reversed, exercise, kUsual);
        for (std::size_t i = 0; i < rows.size(); ++i) check_same(together, i, backwards, rows.size() - 1 - i);
        for (std::size_t i = 0; i < rows.size(); i += 5)
            check_same(together, i, solve(rows[i], exercise, kUsual), 0);
    }
}

TEST(threads_do_not_matter) {
    const std::vector<LadderRow> rows = mixed_rows();
    const LadderGreeks one = solve(rows, Exercise::american, kUsual, 1);
    const LadderGreeks four = solve(rows, Exercise::american, kUsual, 4);
    for (std::size_t i = 0; i < rows.size(); ++i) check_same(one, i, four, i);
}

// price, delta, gamma and theta are the same whether or not the sensitivities are asked for.
TEST(sensitivities_do_not_change_the_price) {
    const std::vector<LadderRow> rows = mixed_rows();
    const LadderRows columns(rows);
    const LadderGreeks all = solve(rows, Exercise::american, kUsual);
    std::vector<double> prices(rows.size());
    GreekColumns out{};
    out.data[0] = prices.data();
    ladder_greeks(columns.rows(), columns.terms(Exercise::american, kUsual), out, nullptr, 1);
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK(same_bits(all.of[0][i], prices[i]));
}

TEST(instruction_sets_do_not_matter) {
    const std::vector<LadderRow> rows = mixed_rows();
    const KernelSet& before = active_kernels();
    std::vector<LadderGreeks> results;
    for (const KernelSet* row : kernel_sets()) {
        if (!supported(*row) || (!row->required.fma && !row->required.neon)) continue;
        select_kernels(row->name);
        results.push_back(solve(rows, Exercise::american, kUsual));
    }
    select_kernels(before.name);
    for (const LadderGreeks& result : results) {
        for (std::size_t i = 0; i < rows.size(); ++i) check_same(results[0], i, result, i);
    }
}

// The baseline rounds differently, and no more than that.
TEST(baseline_differs_by_rounding) {
    const std::vector<LadderRow> rows = mixed_rows();
    const KernelSet& before = active_kernels();
    const LadderGreeks best = solve(rows, Exercise::european, kUsual);
    select_kernels(kernel_sets().back()->name);
    const LadderGreeks least = solve(rows, Exercise::european, kUsual);
    select_kernels(before.name);
    for (std::size_t i = 0; i < rows.size(); ++i) CHECK_CLOSE(best.of[0][i], least.of[0][i], 1e-9);
}

ATALANTA_TEST_MAIN
