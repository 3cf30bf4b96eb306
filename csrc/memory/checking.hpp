// Tells AddressSanitizer what of the pool's memory nobody may touch; nothing in other builds.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define ATALANTA_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ATALANTA_ADDRESS_SANITIZER 1
#endif
#endif

#ifdef ATALANTA_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace atalanta::memory {

#ifdef ATALANTA_ADDRESS_SANITIZER
inline void forbid(void* address, std::size_t bytes) noexcept {
    __asan_poison_memory_region(address, bytes);
}
inline void allow(void* address, std::size_t bytes) noexcept {
    __asan_unpoison_memory_region(address, bytes);
}
#else
inline void forbid(void*, std::size_t) noexcept {}
inline void allow(void*, std::size_t) noexcept {}
#endif

}  // namespace atalanta::memory
