#include "pricing/european.hpp"

#include "base/thread_pool.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

// About 20 to 60 microseconds of work: large against a thread's wake-up, small against the whole.
constexpr std::size_t kRowsPerPiece = 8192;

}  // namespace

void price(const OptionRows& rows, double* out, int threads) {
    const auto kernel = active_kernels().european->price;
    parallel_ranges(rows.size, kRowsPerPiece, threads, [&](std::size_t first, std::size_t count) {
        kernel(rows.slice(first, count), out + first);
    });
}

void greeks(const OptionRows& rows, int order, const GreekColumns& out, int threads) {
    const EuropeanKernels& kernels = *active_kernels().european;
    const auto kernel = order == 1   ? kernels.greeks_order_1
                        : order == 2 ? kernels.greeks_order_2
                                     : kernels.greeks_order_3;
    parallel_ranges(rows.size, kRowsPerPiece, threads, [&](std::size_t first, std::size_t count) {
        kernel(rows.slice(first, count), out.from(first));
    });
}

void implied_vol(const QuotedRows& rows, double* vol, ImpliedVolStatus* status, int threads) {
    const auto kernel = active_kernels().european->implied_vol;
    parallel_ranges(rows.size, kRowsPerPiece, threads, [&](std::size_t first, std::size_t count) {
        kernel(rows.slice(first, count), vol + first, status == nullptr ? nullptr : status + first);
    });
}

}  // namespace atalanta
