// European prices and Greeks of every instruction set that this machine runs: 50-digit values, and the
// promise that batch, single rows, shared columns and instruction sets give the same bits.
#include "check.hpp"
#include "european_batch.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// 50-digit values on exactly these doubles, by mpmath from the closed formulas, printed to 17 digits.
// The tolerance is relative; it grows with the conditioning of the row in its inputs.
struct OracleRow {
    const char* name;
    double tolerance;
    Row row;
    double expected[kOutputs];
};
const OracleRow oracle[] = {
    {"core call",
     2e-14,
     {1, 100, 95, 0.75, 0.03, 0.01, 0.25},
     {11.848455916405208, 0.65579034895148405, 0.016783530175858007, 31.469119079733763, -6.200980200366439,
      40.297934234057398, -49.184276171361304, -0.28770860732552823, 0.020942277692053534, 10.326528754982195,
      -0.0004891151940907752, -0.061626638700774857, 0.011081501536552113}},
    {"core put",
     2e-14,
     {-1, 100, 110, 1.5, 0.05, 0.02, 0.4},
     {21.86603746612614, -0.43033416226316444, 0.0078231451981215228, 46.938871188729139, -3.8742117984014184,
      -97.349180538663876, 64.550124339474666, 0.33309031633185429, -0.076488161017208434,
      -5.8032510635218711, -0.00010094785124045474, -0.020525071505890784, 0.0029612883025255871}},
    {"at the money",
     2e-14,
     {1, 100, 100, 0.5, 0, 0, 0.2},
     {5.6371977797016627, 0.52818598889850831, 0.028139043560650478, 28.13904356065048, -5.6278087121300963,
      23.590700555074584, -26.409299444925416, 0.1406952178032524, -0.028139043560650481,
      -0.70347608901626203, -0.00042208565340975717, -0.14139869389226864, 0.028279738778453731}},
    {"put far out of the money",
     5e-14,
     {-1, 100, 40, 0.25, 0.01, 0, 0.3},
     {6.6525497776301878e-10, -2.8182911897660641e-10, 1.1938442643947678e-10, 8.953831982960758e-8,
      -5.3434510229010309e-8, -7.212041718855915e-9, 7.0457279744151603e-9, -3.6115409915086329e-8,
      2.154986152261232e-8, 1.1196267423120669e-5, -5.0541568415571309e-11, 1.4530408476029303e-8,
      -8.6688973614664052e-9}},
    {"call 20 deviations out",
     5e-13,
     {1, 100, 200, 0.01, 0.03, 0, 0.35},
     {4.0370542135827618e-88, 2.2969000113150496e-87, 1.3012555021377289e-86, 4.554394257482051e-85,
      -7.977068539464893e-84, 2.2928629571014669e-87, -2.2969000113150497e-87, 2.578194928112288e-84,
      -4.5157448907029167e-83, 5.099188407094517e-82, 7.3402461131352113e-86, 1.4531931005923257e-83,
      -2.5452939036370167e-82}},
    {"put in the money",
     2e-14,
     {-1, 60, 100, 0.5, -0.01, 0.03, 0.3},
     {41.42691449842365, -0.97695379123288839, 0.0017488592036690615, 0.94438396998129317,
      -3.0422734349375565, -50.022070986198477, 29.308613736986652, 0.19353772194981544,
      -0.083172668233125534, 19.676036646477761, 0.00030010788200698582, 0.030607574221987872,
      -0.0083395932055227611}},
    {"minutes before expiry",
     2e-14,
     {1, 100, 100.01, 1e-06, 0.04, 0.01, 0.5},
     {0.015346971128130869, 0.4208654237558095, 7.8213539504667199, 0.039106769752333598, -9777.9544204758222,
      4.2071195404452817e-5, -4.2086542375580948e-5, 0.15656786390190731, -39165.425828673992,
      0.0031263471168319618, 31.157145701372129, -15.017438477567047, 3754265.9915275789}},
    {"tiny vol",
     2e-11,
     {1, 100, 103, 1, 0.03, 0, 0.001},
     {0.065760642136333549, 0.67064603402149275, 3.6186394218733667, 36.186394218733668, -2.028058479909755,
      66.998842760012942, -67.064603402149275, -159.47262818786471, -10.776181951526167, 7043.8702405602559,
      -16.019635607223938, -2914.2523978173411, 49.407473837924281}},
    {"wide total vol",
     2e-14,
     {-1, 100, 80, 3, 0.02, 0.01, 5},
     {75.339888930054333, -6.3294811995747642e-6, 3.3395263357358211e-8, 0.0050092895036037316,
      1.5026297001626165, -226.02156563452287, 0.0018988443598724292, 2.4877371606751559e-5,
      -2.0827833080979405e-5, -0.018783979628981597, -5.0205612310215382e-10, -1.3190558353134895e-7,
      1.1042337573255962e-7}},
    {"negative rates, forty years",
     3e-14,
     {1, 100, 50, 40, -0.02, 0.03, 0.2},
     {5.0410697792309548, 0.10370708412234775, 0.00087665965881023202, 70.132772704818566,
      0.24238209326507321, 213.1855453201528, -414.82833648939099, 0.92349643692684684, 0.0051857697254044751,
      234.03838639960841, -5.9894877146190557e-6, -0.0014578184640560549, 4.382988029186342e-5}},
    {"forward a thousandth of the spot",
     3e-14,
     {-1, 100, 0.2, 3, 0.05, 2.5, 0.6},
     {0.12330129114100788, -0.00039636750281661663, 1.8018337122828084e-6, 0.03243300682109055,
      -0.094188274315129735, -0.48881412426800863, 0.11891025084498499, 0.00050312960159141599,
      -0.00059978245769139512, 0.049926548371933047, -8.085029712799723e-9, -2.2935905536395582e-7,
      6.9611805017003649e-6}},
};

}  // namespace

TEST(fifty_digit_values_are_met) {
    for (const KernelSet* kernels : available()) {
        for (const OracleRow& o : oracle) {
            Batch batch;
            batch.add(o.row);
            const Outputs out = run(*kernels, batch);
            for (std::size_t c = 0; c < kOutputs; ++c) {
                CHECK_CLOSE(o.expected[c], out[c][0], o.tolerance * std::fabs(o.expected[c]));
            }
        }
    }
}

TEST(blocks_padded_rows_and_single_rows_give_the_same_bits) {
    const Batch batch = mixed_batch(1031);
    for (const KernelSet* kernels : available()) {
        const Outputs whole = run(*kernels, batch);
        for (const std::size_t chunk : {1u, 2u, 3u, 5u, 7u, 8u, 9u, 15u, 63u, 64u, 65u, 100u, 128u}) {
            for (const int order : {0, 1, 3})
                CHECK(differing(run(*kernels, batch, order, chunk), whole) == 0);
        }
    }
}

TEST(every_order_agrees_on_what_it_shares) {
    const Batch batch = mixed_batch(517);
    for (const KernelSet* kernels : available()) {
        const Outputs all = run(*kernels, batch);
        for (const int order : {0, 1, 2}) CHECK(differing(run(*kernels, batch, order), all) == 0);
    }
}

TEST(instruction_sets_with_fused_arithmetic_give_the_same_bits) {
    const Batch batch = mixed_batch(4099);
    const KernelSet* reference = nullptr;
    for (const KernelSet* kernels : available()) {
        if (!is_fused(*kernels)) continue;
        if (reference == nullptr) reference = kernels;
        CHECK(differing(run(*reference, batch), run(*kernels, batch)) == 0);
    }
}

TEST(instruction_sets_without_it_agree_within_rounding) {
    Batch batch;
    Random random;
    for (int i = 0; i < 2000; ++i) batch.add(ordinary_row(random));
    const Outputs reference = run(*available().front(), batch, 0);
    const Outputs plain = run(*available().back(), batch, 0);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        CHECK_CLOSE(reference[0][i], plain[0][i], 1e-10 * reference[0][i]);
    }
}

TEST(shared_columns_equal_repeated_ones) {
    Random random;
    for (const KernelSet* kernels : available()) {
        for (unsigned shared = 0; shared < 128; ++shared) {
            const Row row = ordinary_row(random);
            Batch repeated;
            for (int i = 0; i < 75; ++i) {
                Row other = ordinary_row(random);
                if (shared & 1) other.right = row.right;
                if (shared & 2) other.spot = row.spot;
                if (shared & 4) other.strike = row.strike;
                if (shared & 8) other.years = row.years;
                if (shared & 16) other.rate = row.rate;
                if (shared & 32) other.dividend_yield = row.dividend_yield;
                if (shared & 64) other.vol = row.vol;
                repeated.add(other);
            }
            OptionRows rows = repeated.rows();
            rows.right.shared = shared & 1;
            Column<double>* columns[] = {&rows.spot, &rows.strike,         &rows.years,
                                         &rows.rate, &rows.dividend_yield, &rows.vol};
            for (unsigned c = 0; c < 6; ++c) columns[c]->shared = shared >> (c + 1) & 1;
            for (const std::size_t chunk : {75u, 5u, 1u}) {
                CHECK(differing(run(*kernels, repeated), run(*kernels, 3, rows, chunk)) == 0);
            }
        }
    }
}

TEST(calls_and_puts_obey_parity) {
    Random random;
    Batch calls, puts;
    for (int i = 0; i < 3000; ++i) {
        Row row = ordinary_row(random);
        row.right = 1;
        calls.add(row);
        row.right = -1;
        puts.add(row);
    }
    for (const KernelSet* kernels : available()) {
        const Outputs call = run(*kernels, calls), put = run(*kernels, puts);
        for (std::size_t i = 0; i < calls.size(); ++i) {
            const double years = calls.columns[2][i];
            const double spot = calls.columns[0][i] * std::exp(-calls.columns[4][i] * years);
            const double strike = calls.columns[1][i] * std::exp(-calls.columns[3][i] * years);
            CHECK_CLOSE(spot - strike, call[0][i] - put[0][i], 4e-15 * (spot + strike + call[0][i]));
            CHECK(call[2][i] == put[2][i] && call[3][i] == put[3][i]);  // gamma, vega
        }
    }
}

TEST(a_unit_of_money_that_is_a_power_of_two_changes_no_digit) {
    Random random;
    Batch batch;
    while (batch.size() < 500) {
        const Row row = ordinary_row(random);
        if (std::fabs(std::log(row.strike / row.spot)) < 20.0) batch.add(row);
    }
    for (const KernelSet* kernels : available()) {
        const Outputs reference = run(*kernels, batch, 0);
        for (const double unit : {0x1p-400, 0x1p300, 0x1p470}) {
            Batch scaled = batch;
            for (double& spot : scaled.columns[0]) spot *= unit;
            for (double& strike : scaled.columns[1]) strike *= unit;
            const Outputs out = run(*kernels, scaled, 0);
            for (std::size_t i = 0; i < batch.size(); ++i) CHECK(out[0][i] == reference[0][i] * unit);
        }
    }
}

TEST(huge_amounts_keep_their_digits_beyond_the_ordinary_range) {
    Random random;
    for (const KernelSet* kernels : available()) {
        Batch batch, scaled;
        for (int i = 0; i < 200; ++i) {
            const double spot = random.uniform(80.0, 120.0), strike = spot * random.uniform(0.7, 1.4);
            const Row row = {i % 2 ? 1 : -1,          spot, strike, random.uniform(0.1, 2.0), 0.03, 0.01,
                             random.uniform(0.1, 0.6)};
            batch.add(row);
            scaled.add({row.right, spot * 0x1p1000, strike * 0x1p1000, row.years, row.rate,
                        row.dividend_yield, row.vol});
        }
        const Outputs reference = run(*kernels, batch, 0), out = run(*kernels, scaled, 0);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            CHECK_CLOSE(reference[0][i], out[0][i] * 0x1p-1000, 1e-12 * reference[0][i]);
        }
    }
}

TEST(tails_too_far_for_the_powers_of_the_fit_are_nothing) {
    for (const KernelSet* kernels : available()) {
        for (const double vol : {1e-10, 1e-14, 1e-30, 1e-100}) {
            for (const double strike : {90.0, 110.0}) {
                Batch batch;
                for (int i = 0; i < 8; ++i) batch.add({1, 100.0, strike, 1.0, 0.0, 0.0, vol});
                const Outputs out = run(*kernels, batch);
                CHECK(out[0][0] == (strike < 100.0 ? 10.0 : 0.0));
                CHECK(out[1][0] == (strike < 100.0 ? 1.0 : 0.0));
                for (const std::size_t c : {2, 3, 7, 9, 10, 11}) CHECK(out[c][0] == 0.0);
            }
        }
    }
}

TEST(nothing_is_written_for_no_rows) {
    const Batch empty;
    for (const KernelSet* kernels : available()) {
        double untouched = -1.0;
        kernels->european->price(empty.rows(), &untouched);
        CHECK(untouched == -1.0);
    }
}

ATALANTA_TEST_MAIN
