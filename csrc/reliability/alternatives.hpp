// Several things that can do the same: the last one that is available is never given up. Entry: Alternatives.
#pragma once

#include <atomic>
#include <cstdint>

namespace atalanta::reliability {

class Alternatives {
  public:
    void join() noexcept { available_.fetch_add(1, std::memory_order_acq_rel); }
    void leave() noexcept { available_.fetch_sub(1, std::memory_order_acq_rel); }

    // False when nothing else is left: the caller then stays.
    bool leave_unless_last() noexcept {
        std::int32_t available = available_.load(std::memory_order_acquire);
        do {
            if (available <= 1) return false;
        } while (!available_.compare_exchange_weak(available, available - 1, std::memory_order_acq_rel));
        return true;
    }

    std::int32_t available() const noexcept { return available_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::int32_t> available_{0};
};

}  // namespace atalanta::reliability
