// macOS has no pinning; its scheduler keeps busy threads on performance cores by itself.
#include "base/affinity.hpp"

namespace atalanta {

int usable_processors() noexcept {
    const unsigned count = std::thread::hardware_concurrency();
    return count > 0 ? static_cast<int>(count) : 1;
}

std::vector<int> processor_numbers() {
    return {};
}

bool is_usable(int) noexcept {
    return true;
}

int current_processor() noexcept {
    return -1;
}

void pin_to_processor(std::thread&, int) noexcept {}

void pin_to_nth_processor(std::thread&, std::size_t) noexcept {}

}  // namespace atalanta
