#include "pricing/european.hpp"

#include <utility>

#include "base/thread_pool.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

// Up to so many rows a call stays on its thread: waking another takes longer than it could save.
constexpr std::size_t kRowsToShare = 8192;

// About 10 to 20 microseconds of work: small against the whole, so that threads end together.
constexpr std::size_t kRowsPerPiece = 2048, kRowsPerPieceSolving = 1024;

template <class Body>
void share(std::size_t size, std::size_t piece, int threads, Body&& body) {
    if (size <= kRowsToShare) return body(std::size_t{0}, size);
    parallel_ranges(size, piece, threads, std::forward<Body>(body));
}

}  // namespace

void price(const OptionRows& rows, double* out, int threads) {
    const auto kernel = active_kernels().european->price;
    share(rows.size, kRowsPerPiece, threads,
          [&](std::size_t first, std::size_t count) { kernel(rows.slice(first, count), out + first); });
}

void greeks(const OptionRows& rows, int order, const GreekColumns& out, int threads) {
    const EuropeanKernels& kernels = *active_kernels().european;
    const auto kernel = order == 1   ? kernels.greeks_order_1
                        : order == 2 ? kernels.greeks_order_2
                                     : kernels.greeks_order_3;
    share(rows.size, kRowsPerPiece, threads,
          [&](std::size_t first, std::size_t count) { kernel(rows.slice(first, count), out.from(first)); });
}

void implied_vol(const QuotedRows& rows, double* vol, ImpliedVolStatus* status, int threads) {
    const auto kernel = active_kernels().implied_vol->european;
    auto piece = [&](std::size_t first, std::size_t count) {
        kernel(rows.slice(first, count), vol + first, status == nullptr ? nullptr : status + first);
    };
    share(rows.size, kRowsPerPieceSolving, threads, std::move(piece));
}

}  // namespace atalanta
