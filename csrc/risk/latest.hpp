// The ladders in use: readers take the present ones while a background thread builds the next. Entry: Latest.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "risk/vol_ladders.hpp"

namespace atalanta::risk {

// One build of a book's ladders. `built_ns`: of the caller's monotonic clock; `generation` counts builds.
struct Build {
    std::shared_ptr<const VolLadders> ladders;
    std::int64_t built_ns;
    std::uint64_t generation;
};

// Whoever reads keeps what it read alive; publishing never waits for readers. The lock is held for the copy
// of a pointer.
class Latest {
  public:
    Build read() const {
        const std::lock_guard lock(mutex_);
        return build_;
    }
    void publish(std::shared_ptr<const VolLadders> ladders, std::int64_t now_ns) {
        std::shared_ptr<const VolLadders> before;  // freed outside the lock
        const std::lock_guard lock(mutex_);
        before = std::exchange(build_.ladders, std::move(ladders));
        build_.built_ns = now_ns;
        ++build_.generation;
    }

  private:
    mutable std::mutex mutex_;
    Build build_ = {nullptr, 0, 0};
};

}  // namespace atalanta::risk
