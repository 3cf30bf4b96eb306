// A ring between one producer and one consumer. Positions only ever grow, so that they count all that ever
// went through; each side keeps the other's position and reads it anew only when it seems full or empty.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace atalanta::streaming {

inline constexpr std::size_t kLineBytes = 64;

template <class T>
class Ring {
    static_assert(std::is_trivially_copyable_v<T>);

  public:
    // Rounded up to a power of two. Throws std::bad_alloc.
    explicit Ring(std::size_t capacity)
        : mask_(std::bit_ceil(std::max<std::size_t>(capacity, 2)) - 1), slots_(new T[mask_ + 1]()) {}

    std::size_t capacity() const noexcept { return mask_ + 1; }

    // The producer: how many of them found room, from the first on.
    std::size_t push(const T* items, std::size_t count) noexcept {
        const std::uint64_t head = head_.load(std::memory_order_relaxed);
        std::size_t room = capacity() - static_cast<std::size_t>(head - seen_tail_);
        if (room < count) {
            seen_tail_ = tail_.load(std::memory_order_acquire);
            room = capacity() - static_cast<std::size_t>(head - seen_tail_);
        }
        count = std::min(count, room);
        if (count == 0) return 0;
        const std::size_t first = head & mask_, until_end = std::min(count, capacity() - first);
        std::memcpy(slots_.get() + first, items, until_end * sizeof(T));
        std::memcpy(slots_.get(), items + until_end, (count - until_end) * sizeof(T));
        head_.store(head + count, std::memory_order_release);
        return count;
    }
    bool push(const T& item) noexcept { return push(&item, 1) == 1; }

    // The consumer: what lies there, to be looked at in place; at most up to the end of the memory.
    const T* peek(std::size_t& count) noexcept {
        const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
        if (seen_head_ == tail) seen_head_ = head_.load(std::memory_order_acquire);
        const std::size_t first = tail & mask_;
        count = std::min(static_cast<std::size_t>(seen_head_ - tail), capacity() - first);
        return slots_.get() + first;
    }
    void consume(std::size_t count) noexcept {
        tail_.store(tail_.load(std::memory_order_relaxed) + count, std::memory_order_release);
    }
    // The consumer: all that waits now.
    std::size_t waiting() noexcept {
        seen_head_ = head_.load(std::memory_order_acquire);
        return static_cast<std::size_t>(seen_head_ - tail_.load(std::memory_order_relaxed));
    }

    // Anybody.
    std::uint64_t pushed() const noexcept { return head_.load(std::memory_order_acquire); }
    std::uint64_t consumed() const noexcept { return tail_.load(std::memory_order_acquire); }

  private:
    const std::size_t mask_;
    const std::unique_ptr<T[]> slots_;
    alignas(kLineBytes) std::atomic<std::uint64_t> head_{0};
    std::uint64_t seen_tail_ = 0;
    alignas(kLineBytes) std::atomic<std::uint64_t> tail_{0};
    std::uint64_t seen_head_ = 0;
};

}  // namespace atalanta::streaming
