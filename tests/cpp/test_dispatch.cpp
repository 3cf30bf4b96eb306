// The table of instruction sets, and the public functions over columns and threads.
#include <bit>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/european.hpp"

using namespace atalanta;

TEST(the_last_row_runs_anywhere_and_the_best_is_active) {
    CHECK(!kernel_sets().empty());
    for (const KernelSet* row : kernel_sets()) {
        if (supported(*row)) {
            CHECK(row == &active_kernels());
            break;
        }
    }
}

TEST(selecting_returns_the_row_before) {
    const KernelSet& before = active_kernels();
    for (const KernelSet* row : kernel_sets()) {
        if (!supported(*row)) continue;
        CHECK(&select_kernels(row->name) == &before);
        CHECK(&active_kernels() == row);
        CHECK(&select_kernels(before.name) == row);
    }
}

TEST(an_unknown_name_throws_and_changes_nothing) {
    const KernelSet& before = active_kernels();
    std::string message;
    try {
        select_kernels("altivec");
    } catch (const std::invalid_argument& error) {
        message = error.what();
    }
    CHECK(message.find("altivec") != std::string::npos);
    CHECK(message.find(before.name) != std::string::npos);
    CHECK(&active_kernels() == &before);
}

namespace {

struct Market {
    std::vector<std::int8_t> right;
    std::vector<double> spot, vol;
    double strike = 100.0, years = 0.75, rate = 0.03, dividend_yield = 0.01;

    explicit Market(std::size_t size) : right(size), spot(size), vol(size) {
        for (std::size_t i = 0; i < size; ++i) {
            right[i] = i % 2 == 0 ? 1 : -1;
            spot[i] = 60.0 + 80.0 * static_cast<double>(i) / static_cast<double>(size);
            vol[i] = 0.05 + 0.9 * static_cast<double>(i * 7919 % size) / static_cast<double>(size);
        }
    }

    OptionRows rows() const {
        return {spot.size(),    {right.data(), false}, {spot.data(), false},    {&strike, true},
                {&years, true}, {&rate, true},         {&dividend_yield, true}, {vol.data(), false}};
    }

    QuotedRows quotes(const std::vector<double>& prices) const {
        return {spot.size(),     {prices.data(), false}, {right.data(), false}, {spot.data(), false},
                {&strike, true}, {&years, true},         {&rate, true},         {&dividend_yield, true}};
    }
};

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::bit_cast<std::uint64_t>(a[i]) != std::bit_cast<std::uint64_t>(b[i])) return false;
    }
    return true;
}

}  // namespace

TEST(any_thread_count_gives_the_same_bits) {
    const Market market(50'001);
    std::vector<double> one(50'001), many(50'001), vol_one(50'001), vol_many(50'001);
    price(market.rows(), one.data(), 1);
    implied_vol(market.quotes(one), vol_one.data(), nullptr, 1);
    for (const int threads : {2, 3, 7}) {
        price(market.rows(), many.data(), threads);
        CHECK(same_bits(one, many));
        implied_vol(market.quotes(one), vol_many.data(), nullptr, threads);
        CHECK(same_bits(vol_one, vol_many));
    }
}

TEST(shared_values_equal_repeated_ones) {
    const Market market(1000);
    const std::vector<double> strikes(1000, market.strike);
    OptionRows repeated = market.rows();
    repeated.strike = {strikes.data(), false};
    std::vector<double> a(1000), b(1000);
    price(market.rows(), a.data());
    price(repeated, b.data());
    CHECK(same_bits(a, b));
}

TEST(each_order_fills_its_columns_and_agrees_on_the_price) {
    const Market market(200);
    std::vector<double> prices(200);
    price(market.rows(), prices.data());
    for (const int order : {1, 2, 3}) {
        std::vector<std::vector<double>> columns(13, std::vector<double>(200, -12345.0));
        GreekColumns out{};
        for (std::size_t i = 0; i < kGreeksOfOrder[order]; ++i) out.data[i] = columns[i].data();
        greeks(market.rows(), order, out);
        CHECK(same_bits(prices, columns[0]));
        for (std::size_t i = 0; i < columns.size(); ++i) {
            CHECK((columns[i][199] != -12345.0) == (i < kGreeksOfOrder[order]));
        }
    }
}

ATALANTA_TEST_MAIN
