#include "memory/arena.hpp"

#include <algorithm>

#include "memory/pages.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kLeastReserve = std::size_t{64} << 20;
constexpr std::size_t kWorthHugePages = std::size_t{32} << 20;  // below, a few medium runs would not fill one
constexpr std::size_t kCommitStep = 16;                         // granules made usable at a time
constexpr std::size_t kNone = ~std::size_t{0};
constexpr std::size_t kMostGranulesAtOnce = 32;  // a purge must not keep others waiting for long

}  // namespace

Arena::Arena(std::size_t bytes) noexcept {
    std::size_t wanted = (bytes + kGranuleBytes - 1) / kGranuleBytes * kGranuleBytes;
    for (; wanted >= kLeastReserve; wanted = wanted / 2 / kGranuleBytes * kGranuleBytes) {
        if (reserve(wanted)) break;
    }
    if (base_ == nullptr) return;
    const std::size_t granules = bytes_ / kGranuleBytes;
    ordinary_ = {0, granules / 8, 0, 0};
    huge_ = {granules / 8, granules, granules / 8, granules / 8};
    granules_.reserve(64);
    pages::advise_huge(base_ + huge_.begin * kGranuleBytes, bytes_ - huge_.begin * kGranuleBytes);
}

bool Arena::reserve(std::size_t bytes) noexcept {
    const std::size_t marks_bytes = bytes / kAlignment * sizeof(*marks_);
    void* base = pages::reserve(bytes);
    void* marks = base == nullptr ? nullptr : pages::reserve(marks_bytes);
    if (marks != nullptr && pages::commit(marks, marks_bytes)) {
        base_ = static_cast<std::byte*>(base);
        marks_ = static_cast<std::atomic<std::uint16_t>*>(marks);  // zero pages
        bytes_ = bytes;
        lines_ = bytes / kAlignment;
        marks_of_address_0_ = reinterpret_cast<std::uintptr_t>(marks) -
                              reinterpret_cast<std::uintptr_t>(base) / kAlignment * sizeof(*marks_);
        return true;
    }
    if (marks != nullptr) pages::unreserve(marks, marks_bytes);
    if (base != nullptr) pages::unreserve(base, bytes);
    return false;
}

Arena::~Arena() {
    if (base_ == nullptr) return;
    pages::unreserve(marks_, lines() * sizeof(*marks_));
    pages::unreserve(base_, bytes_);
}

Arena::Pages Arena::run_of(std::size_t first, std::size_t pages) {
    const Pages ones = pages == kPagesInGranule ? ~Pages{0} : (Pages{1} << pages) - 1;
    return ones << first;
}

std::size_t Arena::count(Pages pages) {
    return static_cast<std::size_t>(std::popcount(static_cast<std::uint64_t>(pages)) +
                                    std::popcount(static_cast<std::uint64_t>(pages >> 64)));
}

// The lowest place with `pages` ones in a row: each step leaves a one where a run twice as long begins.
std::size_t Arena::find_run(Pages in, std::size_t pages) {
    for (std::size_t have = 1; have < pages && in != 0;) {
        const std::size_t step = std::min(have, pages - have);
        in &= in >> step;
        have += step;
    }
    if (in == 0) return kNone;
    const auto low = static_cast<std::uint64_t>(in);
    return static_cast<std::size_t>(low != 0 ? std::countr_zero(low)
                                             : 64 + std::countr_zero(static_cast<std::uint64_t>(in >> 64)));
}

template <class Visit>
void Arena::visit(PageRun run, Visit&& each) {
    while (run.pages > 0) {
        const std::size_t first = run.first % kPagesInGranule;
        const std::size_t pages = std::min(run.pages, kPagesInGranule - first);
        each(granules_[run.first / kPagesInGranule], run_of(first, pages));
        run.first += pages;
        run.pages -= pages;
    }
}

PageRun Arena::allocate(std::size_t pages, RunKind kind, std::size_t& cold) noexcept {
    const PageRun run = kind == RunKind::large ? allocate_granules(pages) : allocate_shared(pages, kind);
    std::size_t warm = 0;
    const bool huge = run.first / kPagesInGranule >= huge_.begin;
    visit(run, [&](Granule& granule, Pages taken) {
        warm += count(granule.warm & taken);
        // The first touch of an empty granule fetches a whole huge page.
        const bool whole = huge && granule.used == 0 && granule.warm == 0;
        if (whole) warm_free_pages_ += kPagesInGranule - count(taken);
        granule.used |= taken;
        granule.warm |= whole ? ~Pages{0} : taken;
        granule.kind = kind == RunKind::large && taken != ~Pages{0} ? RunKind::medium : kind;
    });
    used_pages_ += run.pages;
    warm_free_pages_ -= warm;
    cold = run.bytes() - warm * kPageBytes;
    return run;
}

void Arena::free(PageRun run, std::uint32_t now_ms) noexcept {
    visit(run, [&](Granule& granule, Pages given) {
        granule.used &= ~given;
        granule.stamp_ms = now_ms;
        warm_free_pages_ += count(granule.warm & given);
        if (granule.used == 0) granule.kind = RunKind::none;
    });
    used_pages_ -= run.pages;
}

bool Arena::extend(Region& region, std::size_t high) noexcept {
    if (high > region.end) return false;
    if (high > region.committed) {
        const std::size_t until = std::min(region.end, std::max(high, region.committed + kCommitStep));
        if (!pages::commit(base_ + region.committed * kGranuleBytes,
                           (until - region.committed) * kGranuleBytes)) {
            return false;
        }
        region.committed = until;
    }
    try {
        if (granules_.size() < high) granules_.resize(std::max(high, granules_.size() * 2));
    } catch (const std::bad_alloc&) {
        return false;
    }
    region.high = std::max(region.high, high);
    return true;
}

// First a place that is warm throughout, then any in a granule of this kind, then an empty granule.
PageRun Arena::shared_run_in(const Region& region, std::size_t pages, RunKind kind) const noexcept {
    std::size_t any = kNone, empty = kNone;
    bool empty_is_warm = false;
    for (std::size_t g = region.begin; g < region.high; ++g) {
        const Granule& granule = granules_[g];
        if (granule.kind == RunKind::none) {
            const bool warm = granule.warm != 0;
            if (empty == kNone || (warm && !empty_is_warm)) empty = g * kPagesInGranule, empty_is_warm = warm;
        } else if (granule.kind == kind && granule.used != ~Pages{0}) {
            const std::size_t warm_at = find_run(granule.warm & ~granule.used, pages);
            if (warm_at != kNone) return {g * kPagesInGranule + warm_at, pages};
            if (any != kNone) continue;
            const std::size_t at = find_run(~granule.used, pages);
            if (at != kNone) any = g * kPagesInGranule + at;
        }
    }
    const std::size_t first = empty_is_warm ? empty : any != kNone ? any : empty;
    return first == kNone ? PageRun{} : PageRun{first, pages};
}

PageRun Arena::allocate_shared(std::size_t pages, RunKind kind) noexcept {
    const bool ordinary = kind == RunKind::small || used_bytes() + warm_free_bytes() < kWorthHugePages;
    for (Region* region : {ordinary ? &ordinary_ : &huge_, &huge_}) {
        const PageRun found = shared_run_in(*region, pages, kind);
        if (found.pages > 0) return found;
        if (extend(*region, region->high + 1)) return {(region->high - 1) * kPagesInGranule, pages};
    }
    return {};
}

// Of all places that fit, the one with the most warm pages; the lowest among equals.
PageRun Arena::allocate_granules(std::size_t pages) noexcept {
    const std::size_t granules = (pages + kPagesInGranule - 1) / kPagesInGranule;
    std::size_t best = kNone, best_warm = 0, begin = huge_.begin, warm = 0;
    for (std::size_t g = huge_.begin; g < huge_.high; ++g) {
        if (granules_[g].kind != RunKind::none) {
            begin = g + 1;
            warm = 0;
            continue;
        }
        warm += count(granules_[g].warm);
        if (g - begin == granules) warm -= count(granules_[begin++].warm);
        if (g - begin + 1 == granules && (best == kNone || warm > best_warm)) best = begin, best_warm = warm;
    }
    if (best == kNone) {
        if (granules > huge_.end - begin || !extend(huge_, begin + granules)) return {};
        best = begin;  // what is free at the upper end counts too
    }
    return {best * kPagesInGranule, pages};
}

PageRun Arena::take_cold(std::uint32_t until_ms, bool whole, std::size_t bytes) noexcept {
    const std::size_t granules = (bytes + kGranuleBytes - 1) / kGranuleBytes;
    PageRun run = cold_granules(until_ms, std::min(granules, kMostGranulesAtOnce));
    if (run.pages == 0) run = cold_pages(until_ms, whole);
    visit(run, [&](Granule& granule, Pages taken) {
        granule.used |= taken;
        if (granule.kind == RunKind::none) granule.kind = RunKind::large;
        warm_free_pages_ -= count(granule.warm & taken);
    });
    used_pages_ += run.pages;
    return run;
}

// The granule that was left the longest ago, and its neighbours as long as they are old enough too.
PageRun Arena::cold_granules(std::uint32_t until_ms, std::size_t most) noexcept {
    std::size_t oldest = kNone;
    const auto cold = [&](std::size_t g) {
        const Granule& granule = granules_[g];
        return granule.kind == RunKind::none && granule.warm != 0 && granule.stamp_ms <= until_ms;
    };
    for (const Region* region : {&huge_, &ordinary_}) {
        for (std::size_t g = region->begin; g < region->high; ++g) {
            if (cold(g) && (oldest == kNone || granules_[g].stamp_ms < granules_[oldest].stamp_ms))
                oldest = g;
        }
    }
    if (oldest == kNone) return {};
    const Region& region = oldest >= huge_.begin ? huge_ : ordinary_;
    const std::uint32_t stamp = granules_[oldest].stamp_ms;
    std::size_t end = oldest + 1;
    while (end < region.high && end - oldest < most && cold(end) && granules_[end].stamp_ms == stamp) {
        ++end;
    }
    return {oldest * kPagesInGranule, (end - oldest) * kPagesInGranule};
}

PageRun Arena::cold_pages(std::uint32_t until_ms, bool ordinary_only) noexcept {
    for (const Region* region : {&huge_, &ordinary_}) {
        if (ordinary_only && region == &huge_) continue;
        for (std::size_t g = region->begin; g < region->high; ++g) {
            const Granule& granule = granules_[g];
            const Pages free = granule.warm & ~granule.used;
            if (free == 0 || granule.kind == RunKind::none || granule.stamp_ms > until_ms) continue;
            const std::size_t first = find_run(free, 1);
            std::size_t end = first;
            while (end < kPagesInGranule && (free >> end & 1) != 0) ++end;
            return {g * kPagesInGranule + first, end - first};
        }
    }
    return {};
}

void Arena::put_back(PageRun run, bool purged, std::uint32_t now_ms) noexcept {
    visit(run, [&](Granule& granule, Pages given) {
        if (purged) granule.warm &= ~given;
        granule.used &= ~given;
        if (!purged) granule.stamp_ms = now_ms;
        warm_free_pages_ += count(granule.warm & given);
        if (granule.used == 0) granule.kind = RunKind::none;
    });
    used_pages_ -= run.pages;
}

}  // namespace atalanta::memory
