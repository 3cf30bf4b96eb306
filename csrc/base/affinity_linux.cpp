#include <pthread.h>
#include <sched.h>

#include "base/affinity.hpp"

namespace atalanta {
namespace {

cpu_set_t usable_set() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) CPU_ZERO(&set);
    return set;
}

}  // namespace

int usable_processors() noexcept {
    const cpu_set_t set = usable_set();
    const int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

void pin_to_processor(std::thread& thread, std::size_t index) noexcept {
    const cpu_set_t usable = usable_set();
    const int count = CPU_COUNT(&usable);
    if (count <= 1) return;
    int left = static_cast<int>(index % static_cast<std::size_t>(count));
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (!CPU_ISSET(processor, &usable) || left-- > 0) continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(processor, &one);
        pthread_setaffinity_np(thread.native_handle(), sizeof one, &one);
        return;
    }
}

}  // namespace atalanta
