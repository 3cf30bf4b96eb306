// Which processors may be used, and pinning a thread to one. Each platform links its own file.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace atalanta {

// By the calling thread.
int usable_processors() noexcept;

// By the process, which is its first thread, at this moment: ascending; empty where threads cannot be pinned.
std::vector<int> processor_numbers();
bool is_usable(int processor) noexcept;

// The number of the one that the caller runs on at this moment; -1 where that cannot be said.
int current_processor() noexcept;

// A hint that may be ignored.
void pin_to_processor(std::thread& thread, int processor) noexcept;

// Pins to the index-th of the process's, counted round; a hint that may be ignored.
void pin_to_nth_processor(std::thread& thread, std::size_t index) noexcept;

}  // namespace atalanta
