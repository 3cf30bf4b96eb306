// What was asked of a pool, in order, and carrying it out again on any allocator. Main entries: `TraceEvent`,
// `replay`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace atalanta::memory {

struct TraceEvent {
    std::uint64_t address;
    std::uint64_t bytes;  // 0: a release
    std::uint32_t tag;
    std::uint32_t ms;
};

// A step of a trace on its own: bytes > 0 acquires block `block`, 0 releases it.
struct TraceStep {
    std::uint32_t block;
    std::uint64_t bytes;
};

// Numbers the blocks of a recording; releases of blocks acquired before it are left out.
std::vector<TraceStep> steps_of(const std::vector<TraceEvent>& events, std::vector<std::uint32_t>* tags);

struct Allocator {
    void* context;
    void* (*acquire)(void* context, std::size_t bytes);
    void (*release)(void* context, void* address, std::size_t bytes);
};

struct ReplayFigures {
    double seconds = 0.0;           // CPU time of this thread, memory samples excluded
    double live_over_resident = 0;  // both averaged over the steps
    std::uint64_t peak_live = 0, peak_resident = 0;
    std::uint64_t resident_at_end = 0,
                  resident_when_idle = 0;  // when all is released; after 100 ms without a call
    std::uint64_t operations = 0;
};

// Every page of a block is written when it is acquired. Memory is sampled every `sample_every` steps, counted
// from what the process had at the start; whatever is live at the end is released. False: out of memory.
bool replay(const std::vector<TraceStep>& steps, const Allocator& allocator, std::size_t sample_every,
            ReplayFigures& figures);

// CPU time of this thread.
double cpu_seconds();

}  // namespace atalanta::memory
