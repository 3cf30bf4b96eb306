#include <fcntl.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "memory/pages.hpp"
#include "memory/size_class.hpp"

namespace atalanta::memory::pages {
namespace {

constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14; older headers lack the name

}  // namespace

const std::size_t kAcceleratorPage = 0;

void* reserve(std::size_t bytes) noexcept {
    const std::size_t with_slack = bytes + kGranuleBytes;
    void* mapped = mmap(nullptr, with_slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
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

bool purge(void* address, std::size_t bytes) noexcept {
    return madvise(address, bytes, MADV_DONTNEED) == 0;
}

void advise_huge(void* address, std::size_t bytes) noexcept {
    madvise(address, bytes, MADV_HUGEPAGE);
}

void populate(void* address, std::size_t bytes) noexcept {
    madvise(address, bytes, kPopulateWrite);
}

std::size_t physical_bytes() noexcept {
    return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
           static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::size_t resident_bytes() noexcept {
    static const int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    char text[128];
    const ssize_t length = pread(file, text, sizeof text - 1, 0);
    if (length <= 0) return 0;
    text[length] = '\0';
    unsigned long total = 0, resident = 0;
    if (std::sscanf(text, "%lu %lu", &total, &resident) != 2) return 0;
    return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

std::uint64_t coarse_ms() noexcept {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000000;
}

bool prepare_asymmetric_barrier() noexcept {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void heavy_barrier() noexcept {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

void become_background_thread() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    pthread_setname_np(pthread_self(), "atalanta-pool");
}

}  // namespace atalanta::memory::pages
