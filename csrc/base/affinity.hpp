// Which processors this process may use, and pinning a thread to one. Each platform links its own file.
#pragma once

#include <cstddef>
#include <thread>

namespace atalanta {

int usable_processors() noexcept;

// Pins to the index-th usable processor, counted round; a hint that may be ignored.
void pin_to_processor(std::thread& thread, std::size_t index) noexcept;

}  // namespace atalanta
