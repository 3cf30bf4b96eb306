// The clock of latencies: nanoseconds that only ever grow, of no particular origin.
#pragma once

#include <chrono>
#include <cstdint>

namespace atalanta {

inline std::uint64_t monotonic_ns() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace atalanta
