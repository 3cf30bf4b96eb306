#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <new>

#include "base/affinity.hpp"

namespace atalanta {
namespace {

constexpr pid_t kCaller = 0;

cpu_set_t usable_set(pid_t thread) noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(thread, sizeof set, &set) != 0) CPU_ZERO(&set);
    return set;
}

}  // namespace

int usable_processors() noexcept {
    const cpu_set_t set = usable_set(kCaller);
    const int count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

std::vector<int> processor_numbers() {
    const cpu_set_t usable = usable_set(getpid());
    std::vector<int> numbers;
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &usable)) numbers.push_back(processor);
    }
    return numbers;
}

bool is_usable(int processor) noexcept {
    const cpu_set_t usable = usable_set(getpid());
    return processor >= 0 && processor < CPU_SETSIZE && CPU_ISSET(processor, &usable);
}

int current_processor() noexcept {
    return sched_getcpu();
}

void pin_to_processor(std::thread& thread, int processor) noexcept {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    pthread_setaffinity_np(thread.native_handle(), sizeof one, &one);
}

void pin_to_nth_processor(std::thread& thread, std::size_t index) noexcept {
    try {
        const std::vector<int> numbers = processor_numbers();
        if (numbers.size() > 1) pin_to_processor(thread, numbers[index % numbers.size()]);
    } catch (const std::bad_alloc&) {
    }
}

}  // namespace atalanta
