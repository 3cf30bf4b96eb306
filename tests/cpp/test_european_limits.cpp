// European rows outside the ordinary range: bad input, the limits of no time, no vol, no spot or no strike,
// and sizes that only the scalar path can take.
#include "check.hpp"
#include "european_batch.hpp"

using namespace atalanta;
using namespace atalanta::testing;

TEST(bad_input_gives_nan_everywhere_and_spares_its_neighbours) {
    const Row good = {1, 100.0, 95.0, 0.5, 0.03, 0.01, 0.3};
    std::vector<Row> bad_rows;
    for (const int right : {0, 2, -2, 3, 127, -128}) {
        bad_rows.push_back(good);
        bad_rows.back().right = right;
    }
    for (double Row::* input : {&Row::spot, &Row::strike, &Row::years, &Row::vol}) {
        for (const double value : {-1.0, -1e-300, kNaN, kInf, -kInf}) {
            bad_rows.push_back(good);
            bad_rows.back().*input = value;
        }
    }
    for (double Row::* input : {&Row::rate, &Row::dividend_yield}) {
        for (const double value : {kNaN, kInf, -kInf}) {
            bad_rows.push_back(good);
            bad_rows.back().*input = value;
        }
    }
    for (const KernelSet* kernels : available()) {
        Batch one;
        one.add(good);
        const Outputs expected = run(*kernels, one);
        for (const Row& bad : bad_rows) {
            for (const std::size_t size : {1u, 3u, 64u, 70u}) {
                Batch batch;
                for (std::size_t i = 0; i < size; ++i) batch.add(i == size / 2 ? bad : good);
                const Outputs out = run(*kernels, batch), price = run(*kernels, batch, 0);
                CHECK(std::isnan(price[0][size / 2]));
                for (std::size_t c = 0; c < kOutputs; ++c) {
                    for (std::size_t i = 0; i < size; ++i) {
                        CHECK(same_bits(out[c][i], i == size / 2 ? kNaN : expected[c][0]));
                    }
                }
            }
        }
    }
}

// The kernels read eight rights as one number: every value of a byte, in every place, beside both good ones.
TEST(every_byte_but_two_is_a_wrong_right) {
    for (const KernelSet* kernels : available()) {
        for (std::size_t place = 0; place < 8; ++place) {
            for (int value = -128; value < 128; ++value) {
                Batch batch;
                for (std::size_t i = 0; i < 16; ++i) {
                    const int good = i % 2 == 0 ? 1 : -1;
                    batch.add({i == place ? value : good, 100.0, 95.0, 0.5, 0.03, 0.01, 0.3});
                }
                const Outputs price = run(*kernels, batch, 0);
                for (std::size_t i = 0; i < 16; ++i) {
                    const int right = batch.right[i];
                    const bool wrong = right != 1 && right != -1;
                    CHECK(std::isnan(price[0][i]) == wrong);
                    if (!wrong) CHECK(same_bits(price[0][i], price[0][right == 1 ? 8 : 9]));
                }
            }
        }
    }
}

// The order is that of enum Greek.
struct LimitRow {
    const char* name;
    Row row;
    double expected[kOutputs];
};

TEST(limits_are_those_of_the_table) {
    const double dq = std::exp(-0.01), dr = std::exp(-0.03);  // one year at 1 % and 3 %
    const double phi0 = 0.3989422804014327;
    const double forward = 100.0 * dq, itm_theta = 0.01 * forward - 0.03 * 90.0 * dr;
    const LimitRow limits[] = {
        {"no time, in the money",
         {1, 100, 90, 0, .03, .01, .2},
         {10, 1, 0, 0, 1.0 - 2.7, 0, 0, 0, .01, 0, 0, 0, 0}},
        {"no time, out of the money", {-1, 100, 90, 0, .03, .01, .2}, {}},
        {"no time, at the money",
         {1, 100, 100, 0, 0, 0, .2},
         {0, .5, kInf, 0, -kInf, 0, 0, 0, -kInf, 0, -kInf, -kInf, kInf}},
        {"no time, put at the money",
         {-1, 100, 100, 0, 0, 0, .2},
         {0, -.5, kInf, 0, -kInf, 0, 0, 0, -kInf, 0, -kInf, -kInf, kInf}},
        {"no vol, in the money",
         {1, 100, 90, 1, .03, .01, 0},
         {forward - 90 * dr, dq, 0, 0, itm_theta, 90 * dr, -forward, 0, .01 * dq, 0, 0, 0, 0}},
        {"no vol, in the money put",
         {-1, 90, 100, 1, .03, .01, 0},
         {100 * dr - 90 * dq, -dq, 0, 0, 3 * dr - .9 * dq, -100 * dr, 90 * dq, 0, -.01 * dq, 0, 0, 0, 0}},
        {"no vol, out of the money", {1, 90, 100, 1, .03, .01, 0}, {}},
        {"no vol, at the money",
         {1, 100, 100, 1, .01, .01, 0},
         {0, .5 * dq, kInf, phi0 * forward, 0, .5 * forward, -.5 * forward, .5 * phi0 * dq, .005 * dq, 0,
          -kInf, -kInf, kInf}},
        {"no spot, call", {1, 0, 100, 1, .03, .01, .2}, {}},
        {"no spot, put",
         {-1, 0, 100, 1, .03, .01, .2},
         {100 * dr, -dq, 0, 0, 3 * dr, -100 * dr, 0, 0, -.01 * dq, 0, 0, 0, 0}},
        {"no strike, call",
         {1, 100, 0, 1, .03, .01, .2},
         {forward, dq, 0, 0, .01 * forward, 0, -forward, 0, .01 * dq, 0, 0, 0, 0}},
        {"no strike, put", {-1, 100, 0, 1, .03, .01, .2}, {}},
        {"unbounded vol, call",
         {1, 100, 90, 1, .03, .01, 1e100},
         {forward, dq, 0, 0, .01 * forward, 0, -forward, 0, .01 * dq, 0, 0, 0, 0}},
        {"unbounded vol, put",
         {-1, 100, 90, 1, .03, .01, 1e100},
         {90 * dr, 0, 0, 0, .03 * 90 * dr, -90 * dr, 0, 0, 0, 0, 0, 0, 0}},
        {"strike discounted to nothing",
         {1, 100, 90, 1, 1e4, 0, .2},
         {100, 1, 0, 0, 0, 0, -100, 0, 0, 0, 0, 0, 0}},
        {"strike beyond all numbers",
         {1, 100, 90, 1, -1e4, 0, .2},
         {kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}},
    };
    for (const KernelSet* kernels : available()) {
        for (const LimitRow& limit : limits) {
            Batch single, block;
            single.add(limit.row);
            for (int i = 0; i < 9; ++i) block.add(limit.row);
            const Outputs out = run(*kernels, single);
            for (std::size_t c = 0; c < kOutputs; ++c) {
                CHECK_CLOSE(limit.expected[c], out[c][0], 1e-15 * (10.0 + std::fabs(limit.expected[c])));
                CHECK(same_bits(out[c][0], run(*kernels, block)[c][8]));
            }
        }
    }
}

TEST(limits_continue_the_formulas) {
    // Just inside and just outside the range of the vectorised formulas.
    for (const KernelSet* kernels : available()) {
        constexpr double kValue = 11.848455916405208;  // of the row with scale 1
        Batch batch;
        for (const double scale : {0x1p-511, 0x1p-513, 0x1p511, 0x1p513}) {
            batch.add({1, 100.0 * scale, 95.0 * scale, .75, .03, .01, .25});
        }
        for (const double years : {111.0, 114.0}) batch.add({-1, 1e-100, 1e-100, years, 3.0, 3.0, .5});
        const Outputs out = run(*kernels, batch, 0);
        const double scales[] = {0x1p-511, 0x1p-513, 0x1p511, 0x1p513};
        for (std::size_t i = 0; i < 4; ++i) {
            CHECK_CLOSE(kValue, out[0][i] / scales[i], 2e-14 * kValue);
        }
        // At the money with rate and yield equal, p = S e^(-qT) (2 N(s/2) - 1).
        for (std::size_t i = 4; i < 6; ++i) {
            const double years = batch.columns[2][i];
            const double value = std::erf(.25 * std::sqrt(years) / std::sqrt(2.0)) * 1e-100;
            CHECK_CLOSE(value, out[0][i] * std::exp(3.0 * years), 1e-12 * value);
        }
    }
}

ATALANTA_TEST_MAIN
