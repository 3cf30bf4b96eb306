// American options with a continuous yield: exact values and what they imply for each class of accuracy.
#include "american_batch.hpp"
#include "check.hpp"

using namespace atalanta;
using namespace atalanta::testing;

namespace {

// Prices by collocation with 64 nodes and 128 points iterated to 1e-15, an independent program; they agree
// with 96 nodes and 256 points within 1.2e-10.
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
};

}  // namespace

TEST(exact_prices_are_met_within_the_tolerance) {
    Batch batch;
    for (const ExactPrice& exact : exact_prices) batch.add(exact.row);
    for (const double tolerance : {1e-4, 3e-5, 5e-7, 1e-7}) {
        const Outputs out = collocated(batch, tolerance);
        for (std::size_t i = 0; i < batch.size(); ++i) {
            CHECK_CLOSE(exact_prices[i].price, out[0][i], tolerance);
        }
    }
}

ATALANTA_TEST_MAIN
