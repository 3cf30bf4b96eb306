#include "memory/trace.hpp"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <unordered_map>

#include "memory/pages.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kSmallestPage = 4096;
constexpr std::chrono::milliseconds kIdle{100};

void touch(void* address, std::size_t bytes) {
    auto* at = static_cast<volatile unsigned char*>(address);
    for (std::size_t i = 0; i < bytes; i += kSmallestPage) at[i] = 1;
    at[bytes - 1] = 1;
}

struct Held {
    void* address = nullptr;
    std::size_t bytes = 0;
};

}  // namespace

double cpu_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<TraceStep> steps_of(const std::vector<TraceEvent>& events, std::vector<std::uint32_t>* tags) {
    std::unordered_map<std::uint64_t, std::uint32_t> block_at;
    std::vector<TraceStep> steps;
    std::uint32_t blocks = 0;
    for (const TraceEvent& event : events) {
        if (event.bytes > 0) {
            block_at[event.address] = blocks;
            steps.push_back({blocks++, event.bytes});
        } else {
            const auto found = block_at.find(event.address);
            if (found == block_at.end()) continue;
            steps.push_back({found->second, 0});
            block_at.erase(found);
        }
        if (tags != nullptr) tags->push_back(event.tag);
    }
    return steps;
}

bool replay(const std::vector<TraceStep>& steps, const Allocator& allocator, std::size_t sample_every,
            ReplayFigures& figures) {
    std::uint32_t blocks = 0;
    for (const TraceStep& step : steps) blocks = std::max(blocks, step.block + 1);
    std::vector<Held> held(blocks);
    std::fill(held.begin(), held.end(), Held{});
    std::uint64_t live = 0, live_sum = 0, resident_sum = 0;
    const std::size_t before = pages::resident_bytes();
    const auto resident = [&] {
        const std::size_t now = pages::resident_bytes();
        return now > before ? now - before : 0;
    };
    double seconds = 0.0, since = cpu_seconds();
    for (std::size_t i = 0; i < steps.size(); ++i) {
        Held& block = held[steps[i].block];
        if (steps[i].bytes > 0) {
            block = {allocator.acquire(allocator.context, steps[i].bytes), steps[i].bytes};
            if (block.address == nullptr) return false;
            touch(block.address, block.bytes);
            live += block.bytes;
        } else {
            allocator.release(allocator.context, block.address, block.bytes);
            live -= block.bytes;
            block = {};
        }
        figures.peak_live = std::max(figures.peak_live, live);
        if (i % sample_every != 0) continue;
        seconds += cpu_seconds() - since;
        const std::uint64_t now = resident();
        figures.peak_resident = std::max(figures.peak_resident, now);
        live_sum += live;
        resident_sum += now;
        since = cpu_seconds();
    }
    for (Held& block : held) {
        if (block.address != nullptr) allocator.release(allocator.context, block.address, block.bytes);
    }
    figures.seconds = seconds + cpu_seconds() - since;
    figures.live_over_resident =
        resident_sum == 0 ? 0.0 : static_cast<double>(live_sum) / static_cast<double>(resident_sum);
    figures.resident_at_end = resident();
    std::this_thread::sleep_for(kIdle);
    figures.resident_when_idle = resident();
    figures.operations = steps.size();
    return true;
}

}  // namespace atalanta::memory
