// One reserved range of addresses and the page heap in it: runs of pages, shared by all size classes, that
// know whether they hold memory. Granules of 2 MiB are small (ordinary pages), medium (huge pages shared by
// several runs) or belong to a large run, which begins on a granule and shares the last one if it does not
// fill it. Not synchronised: the pool holds a lock around every call but `contains`, `page_of` and
// `address_of`. Main entries: `allocate`, `free`, `take_cold`.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "memory/size_class.hpp"

namespace atalanta::memory {

constexpr std::size_t kPagesInGranule = kGranuleBytes / kPageBytes;

enum class RunKind : std::uint8_t { none, small, medium, large };

struct PageRun {
    std::size_t first = 0, pages = 0;
    std::size_t bytes() const { return pages * kPageBytes; }
};

class Arena {
  public:
    // Reserves `bytes`, or half as often as needed until the system agrees; then `bytes()` says what it got.
    explicit Arena(std::size_t bytes) noexcept;
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    std::byte* base() const { return base_; }
    std::size_t bytes() const { return bytes_; }
    bool contains(const void* address) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_) < bytes_;
    }
    std::size_t page_of(const void* address) const {
        return static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_) / kPageBytes;
    }
    std::byte* address_of(std::size_t page) const { return base_ + page * kPageBytes; }

    // A mark for every cache line of the range, 0 at first.
    std::atomic<std::uint16_t>& mark_at(const void* address) const {
        return marks_[static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_) / kAlignment];
    }
    // The same of a block of this arena; fewer instructions.
    std::atomic<std::uint16_t>& mark_of_block(const void* block) const {
        const std::uintptr_t line = reinterpret_cast<std::uintptr_t>(block) / kAlignment;
        return *reinterpret_cast<std::atomic<std::uint16_t>*>(marks_of_address_0_ +
                                                              line * sizeof(std::uint16_t));
    }
    // The line that begins at the address, or a number no less than `lines()`.
    std::size_t line_of(const void* address) const {
        return std::rotr(static_cast<std::size_t>(static_cast<const std::byte*>(address) - base_), 6);
    }
    std::size_t lines() const { return lines_; }
    std::atomic<std::uint16_t>& mark_of_line(std::size_t line) const { return marks_[line]; }

    // A run with as many warm pages as possible; no pages when there is no room. `cold` counts the bytes
    // that the run's first touch has to fetch from the system; all of it reads zero when cold == bytes.
    PageRun allocate(std::size_t pages, RunKind kind, std::size_t& cold) noexcept;
    void free(PageRun run, std::uint32_t now_ms) noexcept;

    // Takes a warm run of about `bytes` at most that nobody has used since `until_ms`, so that the caller can
    // purge it without the lock; then `put_back`. No pages when there is none. Whole granules go first, and
    // alone if `whole`: a part of a huge page that comes back comes in small pages.
    PageRun take_cold(std::uint32_t until_ms, bool whole, std::size_t bytes) noexcept;
    void put_back(PageRun run, bool purged, std::uint32_t now_ms) noexcept;

    std::size_t used_bytes() const { return used_pages_ * kPageBytes; }
    std::size_t warm_free_bytes() const { return warm_free_pages_ * kPageBytes; }

    // Calls each(page) for all pages that were ever part of a run.
    template <class Each>
    void visit_pages(Each&& each) const {
        for (const Region* region : {&ordinary_, &huge_}) {
            for (std::size_t page = region->begin * kPagesInGranule; page < region->high * kPagesInGranule;
                 ++page) {
                each(page);
            }
        }
    }

  private:
    __extension__ using Pages = unsigned __int128;  // one bit a page
    struct Granule {
        Pages used = 0, warm = 0;
        std::uint32_t stamp_ms = 0;
        RunKind kind = RunKind::none;
    };
    struct Region {
        std::size_t begin = 0, end = 0;       // granules
        std::size_t high = 0, committed = 0;  // none at or above `high` was ever used
    };

    static Pages run_of(std::size_t first, std::size_t pages);
    static std::size_t find_run(Pages in, std::size_t pages);
    static std::size_t count(Pages pages);

    PageRun allocate_shared(std::size_t pages, RunKind kind) noexcept;
    PageRun allocate_granules(std::size_t pages) noexcept;
    bool reserve(std::size_t bytes) noexcept;
    bool extend(Region& region, std::size_t high) noexcept;
    PageRun shared_run_in(const Region& region, std::size_t pages, RunKind kind) const noexcept;
    PageRun new_granule(Region& region) noexcept;
    PageRun cold_granules(std::uint32_t until_ms, std::size_t most) noexcept;
    PageRun cold_pages(std::uint32_t until_ms, bool ordinary_only) noexcept;
    template <class Visit>
    void visit(PageRun run, Visit&& each);

    std::byte* base_ = nullptr;
    std::size_t bytes_ = 0, lines_ = 0;
    std::atomic<std::uint16_t>* marks_ = nullptr;
    std::uintptr_t marks_of_address_0_ = 0;  // where the mark of the first line of all addresses would be
    std::size_t used_pages_ = 0, warm_free_pages_ = 0;
    Region ordinary_, huge_;
    std::vector<Granule> granules_;
};

}  // namespace atalanta::memory
