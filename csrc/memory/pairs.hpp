// Times pairs of an acquire and a release of any allocator. Main entry: `pair_ns`.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "memory/trace.hpp"

namespace atalanta::memory {

// Nanoseconds of a pair: `held` blocks at a time in first-in-first-out order (1: each is released at once),
// the median over `rounds` of the mean of a round. The caller's `acquire_block` and `release_block` are
// inlined.
template <class Caller>
double pair_ns(const Caller& caller, std::size_t bytes, std::size_t held, std::size_t pairs,
               std::size_t rounds) {
    std::vector<void*> ring(held, nullptr);
    std::vector<double> means;
    for (std::size_t round = 0; round < rounds; ++round) {
        const double start = cpu_seconds();
        std::size_t at = 0;
        for (std::size_t i = 0; i < pairs; ++i) {
            if (ring[at] != nullptr) caller.release_block(ring[at], bytes);
            ring[at] = caller.acquire_block(bytes);
            if (++at == held) at = 0;
        }
        means.push_back((cpu_seconds() - start) * 1e9 / static_cast<double>(pairs));
    }
    for (void* address : ring) {
        if (address != nullptr) caller.release_block(address, bytes);
    }
    std::nth_element(means.begin(), means.begin() + static_cast<std::ptrdiff_t>(means.size() / 2),
                     means.end());
    return means[means.size() / 2];
}

}  // namespace atalanta::memory
