#include "memory/first_touch.hpp"

#include "base/monotonic.hpp"
#include "base/thread_pool.hpp"
#include "memory/pages.hpp"
#include "memory/size_class.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kGrain = 2 << 20;  // a huge page is one thread's

constinit thread_local std::uint64_t t_touching_ns = 0;

}  // namespace

void touch_first(void* begin, std::size_t bytes, int threads) noexcept {
    const auto address = reinterpret_cast<std::uintptr_t>(begin);
    const std::uintptr_t first = (address + kPageBytes - 1) / kPageBytes * kPageBytes,
                         end = (address + bytes) / kPageBytes * kPageBytes;
    if (first >= end) return;
    const std::uint64_t start = monotonic_ns();
    auto* const place = static_cast<std::byte*>(begin) + (first - address);
    parallel_ranges(end - first, kGrain, threads,
                    [place](std::size_t from, std::size_t count) { pages::populate(place + from, count); });
    t_touching_ns += monotonic_ns() - start;
}

std::uint64_t touching_ns() noexcept {
    return t_touching_ns;
}

}  // namespace atalanta::memory
