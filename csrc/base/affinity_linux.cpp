#include <pthread.h>
#include <sched.h>

#include <new>

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

std::vector<int> processor_numbers() {
    const cpu_set_t usable = usable_set();
    std::vector<int> numbers;
    for (int processor = 0; processor < CPU_SETSIZE; ++processor) {
        if (CPU_ISSET(processor, &usable)) numbers.push_back(processor);
    }
    return numbers;
}

int current_processor() noexcept {
    return sched_getcpu();
}

void pin_to_number(std::thread& thread, int processor) noexcept {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    pthread_setaffinity_np(thread.native_handle(), sizeof one, &one);
}

void pin_to_processor(std::thread& thread, std::size_t index) noexcept {
    try {
        const std::vector<int> numbers = processor_numbers();
        if (numbers.size() > 1) pin_to_number(thread, numbers[index % numbers.size()]);
    } catch (const std::bad_alloc&) {
    }
}

}  // namespace atalanta
