// Which processors this process may use, and pinning a thread to one. Each platform links its own file.
#pragma once

#include <cstddef>
#include <thread>
#include <vector>

namespace atalanta {

int usable_processors() noexcept;

// Their numbers, ascending; empty where threads cannot be pinned.
std::vector<int> processor_numbers();

// The number of the one that the caller runs on at this moment; -1 where that cannot be said.
int current_processor() noexcept;

// A hint that may be ignored.
void pin_to_number(std::thread& thread, int processor) noexcept;

// Pins to the index-th usable processor, counted round; a hint that may be ignored.
void pin_to_processor(std::thread& thread, std::size_t index) noexcept;

}  // namespace atalanta
