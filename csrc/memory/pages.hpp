// What the pool asks of the operating system. Each platform links its own file (pages_linux, pages_darwin).
#pragma once

#include <cstddef>
#include <cstdint>

namespace atalanta::memory::pages {

// Address space without memory behind it, aligned to a granule; null when the system refuses.
void* reserve(std::size_t bytes) noexcept;
void unreserve(void* address, std::size_t bytes) noexcept;

// Makes reserved space usable; false when the system refuses. Pages come with the first touch, as zeros.
bool commit(void* address, std::size_t bytes) noexcept;

// Makes any access end the program, until `commit` allows it again; false when the system refuses.
bool fence(void* address, std::size_t bytes) noexcept;

// Gives the pages back: the next touch finds zeros. False when the system keeps them, contents and all.
bool purge(void* address, std::size_t bytes) noexcept;

// Asks for huge pages from now on.
void advise_huge(void* address, std::size_t bytes) noexcept;

// Touches the pages now, so that nobody waits for them later. Contents are kept.
void populate(void* address, std::size_t bytes) noexcept;

std::size_t physical_bytes() noexcept;

// Memory of this process that is in use now, or 0 where the platform cannot say cheaply.
std::size_t resident_bytes() noexcept;

// Milliseconds of a monotonic clock that is cheap to read and some milliseconds coarse.
std::uint64_t coarse_ms() noexcept;

// An ordering between two threads of which one pays everything: after `heavy_barrier` in one, either it sees
// what the other stored before its light half, or the other sees what this one stored. False where the system
// has no such call: then both sides use sequentially consistent operations instead.
bool prepare_asymmetric_barrier() noexcept;
void heavy_barrier() noexcept;

// From this size on, blocks begin on and fill whole pages of the accelerator, where there is one that takes
// memory of ours without a copy. 0: there is none.
extern const std::size_t kAcceleratorPage;

// Keeps signals meant for the program out of a thread of ours, and names it.
void become_background_thread() noexcept;

}  // namespace atalanta::memory::pages
