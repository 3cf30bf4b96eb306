// The GPU kernels compiled for the host against the kernels in double precision. CMake builds this program
// several times: as it is, and as devices may differ: multiplications and additions contracted, built-in
// functions off by 4 units in the last place, subnormals flushed to zero. Under -ffast-math double-single
// arithmetic must fail: that shows that a device's exact mode is needed, and that these tests would notice.
#include "check.hpp"
#include "gpu_rows.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

#ifdef ATALANTA_FLUSHED
[[maybe_unused]] constexpr bool kFlushed = true;
#else
[[maybe_unused]] constexpr bool kFlushed = false;
#endif
// The square root of the time carries its error into a price in float.
[[maybe_unused]] constexpr double kSinglePrice = ATALANTA_BUILTIN_ERROR > 0.0f ? 5e-7 : 2.5e-7;
[[maybe_unused]] constexpr double kSingleGreeks = 2e-6;

[[maybe_unused]] constexpr gpu::Widths kSingle = {2, 1, 1}, kWide = {3, 2, 2}, kSolved = {3, 2, 1};

struct Batches {
    Batch batch;
    std::vector<double> columns[7];
    Outputs exact;  // the first seven Greeks
};

Batches batches_of(Row (*make)(Random&), std::size_t rows) {
    Random random;
    Batches all;
    for (std::size_t i = 0; i < rows; ++i) all.batch.add(make(random));
    for (const std::int8_t right : all.batch.right) all.columns[0].push_back(right);
    for (std::size_t c = 0; c < 6; ++c) all.columns[c + 1] = all.batch.columns[c];
    all.exact = Outputs(7, std::vector<double>(rows));
    GreekColumns out{};
    for (std::size_t c = 0; c < 7; ++c) out.data[c] = all.exact[c].data();
    greeks(all.batch.rows(), 1, out, 1);
    return all;
}

Batches market(std::size_t rows) {
    return batches_of(market_row, rows);
}

double scale_of(const Batches& all, std::size_t column, std::size_t i) {
    const double spot = all.columns[1][i], strike = all.columns[2][i], root = std::sqrt(all.columns[3][i]);
    const double vol = all.columns[6][i], rate = all.columns[4][i], yield = all.columns[5][i];
    const double scales[] = {spot,
                             1.0,
                             1.0 / (spot * vol * root),
                             spot * root,
                             spot * vol / root + std::fabs(rate) * strike + std::fabs(yield) * spot,
                             strike * root * root,
                             spot * root * root};
    return scales[column];
}

// Largest error of a column in units of its scale.
[[maybe_unused]] double worst(const Batches& all, const Outputs& out, std::size_t column) {
    double most = 0.0;
    for (std::size_t i = 0; i < all.batch.size(); ++i) {
        const double error = std::fabs(out[column][i] - all.exact[column][i]) / scale_of(all, column, i);
        most = error <= most ? most : error;
    }
    return most;
}

double worst_relative_price(const Batches& all, const Outputs& out) {
    double most = 0.0;
    for (std::size_t i = 0; i < all.batch.size(); ++i) {
        if (all.exact[0][i] <= 1e-10 * all.columns[1][i]) continue;
        const double error = std::fabs(out[0][i] / all.exact[0][i] - 1.0);
        most = error <= most ? most : error;
    }
    return most;
}

constexpr KernelRun kPriceWide = {kWide, 1, gpu::emulate<gpu::price_double_single>};

}  // namespace

#ifdef ATALANTA_MUST_FAIL

TEST(relaxed_arithmetic_ruins_double_single) {
    const Batches all = market(20000);
    CHECK(worst_relative_price(all, emulate(kPriceWide, all.columns, false, false)) > 1e-9);
}

#else

TEST(prices_in_double_single_are_nearly_exact) {
    const Batches all = market(20000);
    const Outputs out = emulate(kPriceWide, all.columns, false, kFlushed);
    const double relative = worst_relative_price(all, out), absolute = worst(all, out, 0);
    std::printf("       price, double-single: %.2g relative, %.2g of the spot\n", relative, absolute);
    CHECK(relative <= 1e-12);
    CHECK(absolute <= 1e-13);
}

// Here the third float of an amount, the tabled slope and the series in the total volatility are needed.
TEST(elastic_prices_are_as_exact) {
    const Batches all = batches_of(elastic_row, 20000);
    const double relative = worst_relative_price(all, emulate(kPriceWide, all.columns, false, kFlushed));
    std::printf("       price, double-single, elastic: %.2g relative\n", relative);
    CHECK(relative <= 1e-12);
}

TEST(prices_in_float_are_within_their_limit) {
    const Batches all = market(20000);
    const KernelRun kernel = {kSingle, 1, gpu::emulate<gpu::price_single>};
    const double absolute = worst(all, emulate(kernel, all.columns, false, kFlushed), 0);
    std::printf("       price, float: %.2g of the spot\n", absolute);
    CHECK(absolute <= kSinglePrice);
}

TEST(greeks_are_within_their_limits) {
    const Batches all = market(20000);
    const KernelRun single = {kSingle, 7, gpu::emulate<gpu::greeks_single>};
    const KernelRun wide = {kWide, 7, gpu::emulate<gpu::greeks_double_single>};
    const Outputs narrow = emulate(single, all.columns, false, kFlushed);
    const Outputs nearly_exact = emulate(wide, all.columns, false, kFlushed);
    for (std::size_t c = 0; c < 7; ++c) {
        CHECK(worst(all, narrow, c) <= kSingleGreeks);
        CHECK(worst(all, nearly_exact, c) <= 1e-12);
    }
}

// Only what the quote determines: where the out-of-the-money option is worth more than 1e-6 of the spot.
TEST(implied_vols_are_within_their_limits) {
    Batches all = market(20000);
    const std::vector<double> vols = all.columns[6];
    all.columns[6] = all.exact[0];
    const KernelRun single = {kSolved, 1, gpu::emulate<gpu::implied_vol_single>};
    const KernelRun wide = {kWide, 1, gpu::emulate<gpu::implied_vol_double_single>};
    const Outputs narrow = emulate(single, all.columns, true, kFlushed);
    const Outputs nearly_exact = emulate(wide, all.columns, true, kFlushed);
    std::size_t left = 0;
    double most_narrow = 0.0, most = 0.0;
    for (std::size_t i = 0; i < vols.size(); ++i) {
        CHECK(std::isnan(narrow[0][i]) == std::isnan(nearly_exact[0][i]));
        if (std::isnan(nearly_exact[0][i])) {
            ++left;
            continue;
        }
        most_narrow = std::max(most_narrow, std::fabs(narrow[0][i] / vols[i] - 1.0));
        most = std::max(most, std::fabs(nearly_exact[0][i] / vols[i] - 1.0));
    }
    std::printf(
        "       implied vol: %.2g in float, %.2g in double-single, %zu of %zu rows left to the host\n",
        most_narrow, most, left, vols.size());
    CHECK(most_narrow <= 1e-5);
    CHECK(most <= 1e-9);
    CHECK(left < vols.size() / 10);
}

// Whatever a row is, a kernel gives a value within its limit or NaN, never a plausible wrong number.
TEST(rows_outside_the_domain_are_not_numbers) {
    Random random;
    Batches all;
    for (int i = 0; i < 20000; ++i) all.batch.add(i % 2 ? hostile_row(random) : ordinary_row(random));
    for (const std::int8_t right : all.batch.right) all.columns[0].push_back(right);
    for (std::size_t c = 0; c < 6; ++c) all.columns[c + 1] = all.batch.columns[c];
    std::vector<double> exact(all.batch.size());
    price(all.batch.rows(), exact.data(), 1);
    const KernelRun single = {kSingle, 1, gpu::emulate<gpu::price_single>};
    const Outputs narrow = emulate(single, all.columns, false, kFlushed);
    const Outputs wide = emulate(kPriceWide, all.columns, false, kFlushed);
    std::size_t values = 0;
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double spot = all.columns[1][i];
        if (!std::isnan(narrow[0][i])) CHECK(std::fabs(narrow[0][i] - exact[i]) <= kSinglePrice * spot);
        if (std::isnan(wide[0][i])) continue;
        CHECK(std::fabs(wide[0][i] - exact[i]) <= 1e-13 * spot);
        ++values;
    }
    CHECK(values > 1000 && values < exact.size() - 1000);
}

TEST(threads_beyond_the_last_row_write_nothing) {
    for (const std::size_t rows : {1u, 255u, 256u, 257u}) {
        const Batches all = market(rows);
        const Outputs out = emulate(kPriceWide, all.columns, false, kFlushed);  // the sanitizer watches
        CHECK(out[0].size() == rows && out[0].back() >= 0.0);
    }
}

#endif

ATALANTA_TEST_MAIN
