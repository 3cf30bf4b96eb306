// American prices with a continuous yield: exact values, the promise of a tolerance, and the promise that
// batch, threads and instruction sets give the same bits.
#include "american_batch.hpp"
#include "check.hpp"
#include "pricing/european.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// By collocation of the same boundary with 64 nodes and 128 points, its fixed point iterated to 1e-15 by an
// independent program; 96 nodes and 256 points agree within 1.2e-10.
struct ExactPrice {
    Row row;
    double price;
};
const ExactPrice exact_prices[] = {
    {{-1, 90, 100, 0.0821917808219178, 0.06, 0.0, 0.5}, 11.538213087056617},
    {{-1, 90, 100, 0.2493150684931507, 0.06, 0.04, 0.6}, 16.592518275233733},
    {{-1, 50, 100, 1.0, 0.06, 0.12, 0.6}, 52.44534034792508},
    {{-1, 90, 100, 0.7479452054794521, 0.06, 0.0, 0.4}, 16.488148553757227},
    {{1, 110, 100, 0.0821917808219178, 0.08, 0.04, 0.2}, 10.39861501158542},
    {{1, 120, 100, 0.4986301369863014, 0.02, 0.12, 0.6}, 26.993229228131792},
    {{-1, 100, 120, 10.0, 0.1, 0.03, 0.25}, 23.00030538},
    {{1, 100, 100, 1.0, 0.0, 0.025, 0.25}, 8.86536520},
};

// Puts whose carry drives the boundary, where the fixed point of Andersen, Lake and Offengenden oscillates:
// (r - q) sqrt(T) / vol of 0.8 to 5. By Newton's method on the value-matching equation with 40 nodes and 80
// points, an independent program.
const ExactPrice driven_prices[] = {
    {{-1, 99.45432143629411, 100, 1.500107725677604, 0.1374024702822249, 0.018508023730163123,
      0.039980809356321347},
     0.5561402},
    {{-1, 98.94023320595346, 100, 3.1203496675192652, 0.19670768474163677, 0.0301200344403241,
      0.0603060096573243},
     1.0599168},
    {{-1, 94.01993970341243, 100, 1.6704615917590535, 0.19400484537660243, 0.014004845376602432,
      0.15340348510529284},
     5.9803610},
    {{1, 111.68096084496175, 100, 2.986364884996381, 0.03729593307837267, 0.21729593307837267,
      0.2098608591359614},
     11.6820744},
};

}  // namespace

TEST(exact_prices_are_met_within_every_tolerance) {
    with_every_instruction_set([](const KernelSet&) {
        for (const double tolerance : kTolerances) {
            for (const ExactPrice& exact : exact_prices) {
                const double rounding = exact.row.years == 10.0 || exact.row.rate == 0.0 ? 5e-9 : 1e-9;
                CHECK_CLOSE(exact.price, collocated_price(exact.row, tolerance),
                            tolerance * exact.row.strike / 100.0 + rounding);
            }
        }
    });
}

TEST(exact_prices_are_met_where_the_carry_drives_the_boundary) {
    for (const double tolerance : kTolerances) {
        for (const ExactPrice& exact : driven_prices) {
            const double scale = exact.row.right > 0 ? exact.row.spot / 100.0 : 1.0;
            CHECK_CLOSE(exact.price, collocated_price(exact.row, tolerance), tolerance * scale + 5e-8);
        }
    }
}

TEST(a_tolerance_is_kept_on_rows_far_outside_a_market) {
    const Batch batch = american_batch(320);
    const Outputs exact = collocated(batch, 1e-7);
    for (const double tolerance : {1e-2, 1e-4, 3e-5, 5e-7}) {
        const Outputs out = collocated(batch, tolerance);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            const double larger = std::fmax(batch.columns[0][i], batch.columns[1][i]);
            CHECK_CLOSE(exact[0][i], out[0][i], (tolerance + 1e-7) * larger / 100.0);
        }
    }
}

TEST(an_american_option_is_worth_at_least_the_european_one_and_exercise) {
    const Batch batch = american_batch(800);
    const Outputs out = collocated(batch, 1e-4), european = run(active_kernels(), batch, 1);
    for (std::size_t i = 0; i < batch.size(); ++i) {
        CHECK(out[0][i] >= european[0][i]);
        CHECK(out[0][i] >= batch.right[i] * (batch.columns[0][i] - batch.columns[1][i]));
    }
}

TEST(calls_are_puts_with_spot_and_strike_and_rate_and_yield_exchanged) {
    Random random;
    for (int i = 0; i < 200; ++i) {
        Row call = american_row_of(random);
        call.right = 1;
        const Row put = {-1, call.strike, call.spot, call.years, call.dividend_yield, call.rate, call.vol};
        const Outputs c = collocated(call, 5e-7), p = collocated(put, 5e-7);
        CHECK_CLOSE(p[0][0], c[0][0], 1e-12 * call.strike);
        CHECK_CLOSE(p[3][0], c[3][0], 1e-9 * call.strike);  // vega
        CHECK_CLOSE(p[6][0], c[5][0], 1e-9 * call.strike);  // phi of the put is rho of the call
        CHECK_CLOSE(p[0][0] - put.spot * p[1][0], call.spot * c[1][0], 1e-10 * call.strike);
    }
}

TEST(prices_scale_with_spot_and_strike) {
    const Row row = {-1, 95, 100, 0.5, 0.05, 0.02, 0.3};
    for (const double scale : {0x1p-60, 0x1p-3, 0x1p7, 0x1p60}) {
        Row scaled = row;
        scaled.spot *= scale;
        scaled.strike *= scale;
        CHECK_CLOSE(scale * collocated_price(row, 3e-5), collocated_price(scaled, 3e-5),
                    1e-14 * scaled.strike);
    }
}

TEST(any_batch_size_and_any_number_of_threads_give_the_same_bits) {
    Batch batch = american_batch(300);
    Random random;
    for (int i = 0; i < 200; ++i) batch.add(hostile_row(random));
    const Outputs whole = collocated(batch, 1e-4);
    for (const std::size_t chunk : {1u, 3u, 7u, 8u, 9u, 255u, 256u, 257u, 300u}) {
        CHECK(differing(whole, collocated(batch, 1e-4, 1, chunk)) == 0);
    }
    for (const int threads : {2, 3}) CHECK(differing(whole, collocated(batch, 1e-4, threads)) == 0);
}

TEST(instruction_sets_with_fused_arithmetic_give_the_same_bits_and_the_others_agree) {
    const Batch batch = american_batch(264);
    for (const double tolerance : {1e-4, 3e-5, 5e-7}) {
        const Outputs reference = collocated(batch, tolerance);
        const bool reference_is_fused = is_fused(active_kernels());
        with_every_instruction_set([&](const KernelSet& kernels) {
            const Outputs out = collocated(batch, tolerance);
            if (is_fused(kernels) == reference_is_fused) CHECK(differing(reference, out) == 0);
            for (std::size_t i = 0; i < batch.size(); ++i) CHECK_CLOSE(reference[0][i], out[0][i], 1e-9);
        });
    }
}

TEST(columns_that_are_not_wanted_change_nothing) {
    const Batch batch = american_batch(100);
    const Outputs all = collocated(batch, 3e-5);
    for (std::size_t c = 0; c < all.size(); ++c) {
        std::vector<double> alone(batch.size(), -12345.0);
        GreekColumns columns{};
        columns.data[c] = alone.data();
        collocation_greeks(batch.rows(), 3e-5, columns, 1);
        for (std::size_t i = 0; i < batch.size(); ++i) CHECK(same_bits(all[c][i], alone[i]));
    }
}

ATALANTA_TEST_MAIN
