// Where results go: a ring of its own for each consumer, so that a slow one costs nobody else anything. What
// finds no room is counted as missed. A consumer that waits is woken once per batch, through a pipe that any
// event loop can watch. Main entry: Outlet.
#pragma once

#include <atomic>
#include <cstdint>

#include "streaming/event.hpp"
#include "streaming/ring.hpp"

namespace atalanta::streaming {

// A pipe without waiting on either side.
class Wake {
  public:
    Wake();  // throws std::system_error
    ~Wake();
    Wake(const Wake&) = delete;
    Wake& operator=(const Wake&) = delete;
    int file() const noexcept { return read_; }  // readable once woken
    void wake() noexcept;
    void clear() noexcept;

  private:
    int read_ = -1, write_ = -1;
};

enum class Wanted : std::uint8_t {
    events,          // a result for each event
    with_refreshed,  // and one for each contract that moved with its underlying
    tickets          // those of events with a ticket
};

class Outlet {
  public:
    Outlet(std::size_t capacity, Wanted wanted) : ring_(capacity), wanted_(wanted) {}

    // The engine.
    void offer(const Result* results, std::size_t count) noexcept;
    void end_of_batch() noexcept;
    Wanted wanted() const noexcept { return wanted_; }

    // The consumer: moves up to `most` results, and how many those were.
    std::size_t take(Result* results, std::size_t most) noexcept;
    std::size_t waiting() noexcept { return ring_.waiting(); }
    // Asks to be woken at the next batch; false when results are there already.
    bool wait_for_more() noexcept;
    int file() const noexcept { return wake_.file(); }
    void clear_wake() noexcept { wake_.clear(); }
    // Nothing comes any more; wakes the consumer.
    void close() noexcept;
    bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }

    // Anybody.
    std::uint64_t offered() const noexcept { return offered_.load(std::memory_order_relaxed); }
    std::uint64_t missed() const noexcept { return missed_.load(std::memory_order_relaxed); }
    std::uint64_t taken() const noexcept { return ring_.consumed(); }

  private:
    void push(const Result* results, std::size_t count) noexcept;

    Ring<Result> ring_;
    const Wanted wanted_;
    Wake wake_;
    bool fresh_ = false;  // something came in this batch
    std::atomic<std::uint64_t> offered_{0}, missed_{0};
    std::atomic<bool> closed_{false};
    alignas(kLineBytes) std::atomic<std::uint32_t> sleeping_{0};
};

}  // namespace atalanta::streaming
