// A value that one thread publishes whole and any thread reads whole, without a lock: readers try again while
// it changes. Fences are avoided, so that a thread sanitizer can follow. Main entry: Published.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace atalanta {

template <class T>
class Published {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % sizeof(std::uint64_t) == 0);
    static constexpr std::size_t kWords = sizeof(T) / sizeof(std::uint64_t);

  public:
    Published() noexcept { publish(T{}); }

    void publish(const T& value) noexcept {
        const auto words = std::bit_cast<std::array<std::uint64_t, kWords>>(value);
        const std::uint64_t version = version_.load(std::memory_order_relaxed);
        version_.store(version + 1, std::memory_order_relaxed);
        // A reader that sees one of these words sees the odd version as well.
        for (std::size_t i = 0; i < kWords; ++i) words_[i].store(words[i], std::memory_order_release);
        version_.store(version + 2, std::memory_order_release);
    }

    T read() const noexcept {
        std::array<std::uint64_t, kWords> words;
        for (;;) {
            const std::uint64_t before = version_.load(std::memory_order_acquire);
            if (before % 2 != 0) continue;
            for (std::size_t i = 0; i < kWords; ++i) words[i] = words_[i].load(std::memory_order_acquire);
            if (version_.load(std::memory_order_relaxed) == before) break;
        }
        return std::bit_cast<T>(words);
    }

  private:
    std::atomic<std::uint64_t> version_{0};
    std::array<std::atomic<std::uint64_t>, kWords> words_{};
};

}  // namespace atalanta
