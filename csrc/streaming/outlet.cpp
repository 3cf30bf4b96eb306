#include "streaming/outlet.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace atalanta::streaming {

Wake::Wake() {
    int files[2];
    if (pipe(files) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    read_ = files[0];
    write_ = files[1];
    for (const int file : files) {
        fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK);
        fcntl(file, F_SETFD, FD_CLOEXEC);
    }
}

Wake::~Wake() {
    close(read_);
    close(write_);
}

void Wake::wake() noexcept {
    const char one = 1;
    // A pipe that is full has woken the reader already.
    [[maybe_unused]] const ssize_t written = write(write_, &one, 1);
}

void Wake::clear() noexcept {
    char bytes[64];
    while (read(read_, bytes, sizeof(bytes)) > 0) {
    }
}

void Outlet::push(const Result* results, std::size_t count) noexcept {
    const std::size_t found_room = ring_.push(results, count);
    offered_.store(offered_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    if (found_room < count) {
        missed_.store(missed_.load(std::memory_order_relaxed) + (count - found_room),
                      std::memory_order_relaxed);
    }
    fresh_ |= found_room > 0;
}

void Outlet::offer(const Result* results, std::size_t count) noexcept {
    if (wanted_ != Wanted::tickets) {
        push(results, count);
        return;
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (results[i].ticket != 0) push(results + i, 1);
    }
}

// The exchange here and the one of the consumer are in one order: either it finds what was pushed before, or
// this finds it asleep.
void Outlet::end_of_batch() noexcept {
    if (!fresh_) return;
    fresh_ = false;
    if (sleeping_.exchange(0, std::memory_order_acq_rel) != 0) wake_.wake();
}

bool Outlet::wait_for_more() noexcept {
    sleeping_.exchange(1, std::memory_order_acq_rel);
    if (ring_.waiting() == 0 && !is_closed()) return true;
    sleeping_.store(0, std::memory_order_relaxed);
    return false;
}

std::size_t Outlet::take(Result* results, std::size_t most) noexcept {
    std::size_t taken = 0;
    while (taken < most) {
        std::size_t count = 0;
        const Result* found = ring_.peek(count);
        count = std::min(count, most - taken);
        if (count == 0) break;
        std::memcpy(results + taken, found, count * sizeof(Result));
        ring_.consume(count);
        taken += count;
    }
    return taken;
}

void Outlet::close() noexcept {
    closed_.store(true, std::memory_order_release);
    wake_.wake();
}

}  // namespace atalanta::streaming
