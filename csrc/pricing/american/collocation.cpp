#include "pricing/american/collocation.hpp"

#include <algorithm>

#include "base/thread_pool.hpp"
#include "pricing/american/collocation_piece.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

// Calls body(first, count) for all rows, at most kPieceRows at a time.
template <class Body>
void for_each_piece(std::size_t size, int threads, Body&& body) {
    active_kernels();  // throws here, if at all
    parallel_ranges(size, kPieceRows, threads, [&](std::size_t first, std::size_t count) {
        for (std::size_t done = 0; done < count; done += kPieceRows) {
            body(first + done, std::min(kPieceRows, count - done));
        }
    });
}

}  // namespace

void collocation_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out, int threads) {
    for_each_piece(rows.size, threads, [&](std::size_t first, std::size_t count) {
        piece_greeks(rows.slice(first, count), tolerance, out.from(first));
    });
}

void collocation_implied_vol(const QuotedRows& rows, double tolerance, const double* start, double* vol,
                             ImpliedVolStatus* status, int threads) {
    for_each_piece(rows.size, threads, [&](std::size_t first, std::size_t count) {
        piece_implied_vol(rows.slice(first, count), tolerance, start == nullptr ? nullptr : start + first,
                          vol + first, status == nullptr ? nullptr : status + first);
    });
}

void collocation_boundary(const OptionRows& rows, double tolerance, const double* remaining,
                          std::size_t times, double* out, double* other, int threads) {
    for_each_piece(rows.size, threads, [&](std::size_t first, std::size_t count) {
        piece_boundary(rows.slice(first, count), tolerance, remaining, times, rows.size, out + first,
                       other == nullptr ? nullptr : other + first);
    });
}

}  // namespace atalanta
