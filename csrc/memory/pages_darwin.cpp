#include <mach/mach.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sysctl.h>
#include <time.h>

#include "memory/pages.hpp"
#include "memory/size_class.hpp"

namespace atalanta::memory::pages {

const std::size_t kAcceleratorPage = kPageBytes;

void* reserve(std::size_t bytes) noexcept {
    const std::size_t with_slack = bytes + kGranuleBytes;
    void* mapped = mmap(nullptr, with_slack, PROT_NONE, MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    const auto start = reinterpret_cast<std::uintptr_t>(mapped);
    const std::uintptr_t aligned = (start + kGranuleBytes - 1) & ~(kGranuleBytes - 1);
    if (aligned > start) munmap(mapped, aligned - start);
    const std::size_t behind = start + with_slack - (aligned + bytes);
    if (behind > 0) munmap(reinterpret_cast<void*>(aligned + bytes), behind);
    return reinterpret_cast<void*>(aligned);
}

void unreserve(void* address, std::size_t bytes) noexcept {
    munmap(address, bytes);
}

bool commit(void* address, std::size_t bytes) noexcept {
    return mprotect(address, bytes, PROT_READ | PROT_WRITE) == 0;
}

bool fence(void* address, std::size_t bytes) noexcept {
    return mprotect(address, bytes, PROT_NONE) == 0;
}

// Its advice calls leave open when pages go and what a later touch finds; mapping anew does not.
bool purge(void* address, std::size_t bytes) noexcept {
    return mmap(address, bytes, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANON, -1, 0) == address;
}

void advise_huge(void*, std::size_t) noexcept {}

void populate(void* address, std::size_t bytes) noexcept {
    auto* bytes_of = static_cast<volatile unsigned char*>(address);
    for (std::size_t at = 0; at < bytes; at += kPageBytes) bytes_of[at] = bytes_of[at];
}

std::size_t physical_bytes() noexcept {
    std::uint64_t bytes = 0;
    std::size_t length = sizeof bytes;
    return sysctlbyname("hw.memsize", &bytes, &length, nullptr, 0) == 0 ? bytes : 0;
}

std::size_t resident_bytes() noexcept {
    task_vm_info_data_t info;
    mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
    const kern_return_t done =
        task_info(mach_task_self(), TASK_VM_INFO, reinterpret_cast<task_info_t>(&info), &count);
    return done == KERN_SUCCESS ? info.phys_footprint : 0;
}

std::uint64_t coarse_ms() noexcept {
    return clock_gettime_nsec_np(CLOCK_UPTIME_RAW_APPROX) / 1000000;
}

bool prepare_asymmetric_barrier() noexcept {
    return false;
}

void heavy_barrier() noexcept {}

void become_background_thread() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np("atalanta-pool");
}

}  // namespace atalanta::memory::pages
