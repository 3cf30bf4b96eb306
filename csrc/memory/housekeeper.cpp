// How much free memory stays, and the thread that gives the rest back while nobody calls. It exists only
// while there is something to give back or to fetch.
#include <algorithm>
#include <cmath>
#include <system_error>
#include <utility>

#include "memory/pool_access.hpp"

namespace atalanta::memory {
namespace {

constexpr double kCapShare = 0.08;  // of the most that was live of late
constexpr double kFreeShare = 0.4;  // of what is live
constexpr double kNearPeak = 0.9;
constexpr double kWithGaps = 1.125;        // blocks seldom fit without any between them
constexpr std::size_t kMagazineShare = 8;  // a thread's magazines hold one part in so many of the cap, or
constexpr std::size_t kLeastMagazines = std::size_t{256} << 10;  // so much, where that is half of it at most
constexpr std::size_t kLeastCap = std::size_t{1} << 20;
constexpr double kHalfLifeMs = 1000.0;
constexpr std::uint32_t kBusyPatience = 25;  // free memory waits so much longer while blocks are taken
constexpr std::size_t kBlocksAtOnce = 256;
constexpr std::size_t kMostPredictions = 8;

}  // namespace

std::uint32_t Pool::now_ms() noexcept {
    const auto now = static_cast<std::uint32_t>(pages::coarse_ms() - started_ms_);
    if (clock_ms_.load(std::memory_order_relaxed) != now) clock_ms_.store(now, std::memory_order_relaxed);
    return now;
}

// `bytes`, or less where an option says so or memory is short.
std::size_t Pool::bounded(double bytes) const noexcept {
    if (clock_ms_.load(std::memory_order_relaxed) < relief_until_ms_.load(std::memory_order_relaxed)) {
        return 0;
    }
    const std::size_t cap = std::max(kLeastCap, static_cast<std::size_t>(bytes));
    return options_.cache_bytes > 0 ? std::min(cap, options_.cache_bytes) : cap;
}

// What is live and what is free may not exceed the limit together.
std::size_t Pool::within_limit(std::size_t cap) const noexcept {
    const std::size_t most = limit(), used = central_.used_run_bytes();
    return most == 0 ? cap : std::min(cap, most > used ? most - used : 0);
}

std::size_t Pool::cap_bytes() noexcept {
    const std::uint32_t now = now_ms();
    const auto live = static_cast<double>(central_.used_run_bytes());
    const std::uint32_t since = now - live_peak_ms_.exchange(now, std::memory_order_relaxed);
    const double decayed =
        live_peak_.load(std::memory_order_relaxed) * std::exp2(-static_cast<double>(since) / kHalfLifeMs);
    const double peak = std::max(live, decayed);
    live_peak_.store(peak, std::memory_order_relaxed);
    const std::size_t cap = bounded(kCapShare * peak);
    const auto share =
        static_cast<std::int64_t>(std::min(std::max(cap / kMagazineShare, kLeastMagazines), cap / 2));
    least_room_.store(kMagazineBudget - std::min(share, kMagazineBudget), std::memory_order_relaxed);
    return within_limit(cap);
}

// While all is warm nothing else would notice.
void Pool::note_peak() noexcept {
    const auto live = static_cast<double>(central_.used_run_bytes());
    if (live >= kNearPeak * live_peak_.load(std::memory_order_relaxed)) cap_bytes();
}

// What was released since the live peak, where the same is likely to be asked for again.
double Pool::recurring_bytes() const noexcept {
    const auto live = static_cast<double>(central_.used_run_bytes());
    const double peak = live_peak_.load(std::memory_order_relaxed);
    return repetition_.goes_on() && peak > live ? kWithGaps * (peak - live) : 0.0;
}

void Pool::give_back_beyond(double bytes) noexcept {
    const std::size_t keep = within_limit(bounded(bytes));
    if (central_.warm_free_bytes() <= keep) return;
    const std::uint32_t now = now_ms();
    given_back_.fetch_add(central_.trim(keep, now, now, true), std::memory_order_relaxed);
}

// After releases what is free may be as much as a part of what is live, and all that is expected to be asked
// for again. Who has little free is done at once.
void Pool::settle() noexcept {
    const double share = kFreeShare * static_cast<double>(central_.used_run_bytes());
    if (central_.warm_free_bytes() <= bounded(share)) return;
    const auto cap = static_cast<double>(cap_bytes());
    give_back_beyond(std::max(cap, share) + recurring_bytes());
}

// Memory grows when a block had to be fetched, so that is when too much free memory is given back. What is
// expected to be asked for was of no use to this block: of it stays as much as was expected rightly of late.
void Pool::make_room() noexcept {
    const auto cap = static_cast<double>(cap_bytes());
    give_back_beyond(cap + repetition_.share() * recurring_bytes());
    const std::size_t held = central_.used_run_bytes() + central_.warm_free_bytes();
    std::size_t high = high_held_.load(std::memory_order_relaxed);
    while (held > high && !high_held_.compare_exchange_weak(high, held, std::memory_order_relaxed)) {
    }
}

std::size_t Pool::relieve(std::uint32_t for_ms) noexcept {
    relief_until_ms_.store(now_ms() + for_ms, std::memory_order_relaxed);
    const std::size_t bytes = trim();
    cap_bytes();  // what the magazines may keep follows it
    return bytes;
}

std::size_t Pool::trim() noexcept {
    release_quarantine(0);
    const std::uint32_t now = now_ms();
    {
        const std::lock_guard lock(caches_lock_);
        std::byte* blocks[kMagazineBlocks];
        const Claim claim(caches_);
        for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
            for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
                if (cache->magazines[size_class].count() == 0) continue;
                const std::uint32_t count = cache->take_oldest(size_class, kMagazineBlocks, blocks);
                central_.give(size_class, blocks, count, now);
            }
        }
    }
    const std::size_t bytes = central_.trim(0, now, now);
    trims_.fetch_add(1, std::memory_order_relaxed);
    given_back_.fetch_add(bytes, std::memory_order_relaxed);
    return bytes;
}

std::size_t Pool::magazine_bytes() noexcept {
    const std::lock_guard lock(caches_lock_);
    std::size_t bytes = 0;
    for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
        bytes += cache->cached_bytes();
    }
    return bytes;
}

std::size_t Pool::trimmable_bytes() noexcept {
    return magazine_bytes() + central_.warm_free_bytes();
}

// Fetching a page again costs more than a row of Greeks: who calls every now and then finds the last
// results'.
std::size_t Pool::idle_bytes() const noexcept {
    const std::size_t most =
        options_.cache_bytes > 0 ? std::min(options_.cache_bytes, options_.idle_bytes) : options_.idle_bytes;
    return clock_ms_.load(std::memory_order_relaxed) < relief_until_ms_.load(std::memory_order_relaxed)
               ? 0
               : most;
}

std::size_t Pool::worth_trimming() const noexcept {
    return std::max(static_cast<std::size_t>(kWorthTrimming), idle_bytes());
}

void Pool::wake_housekeeper() noexcept {
    const std::lock_guard lock(housekeeper_lock_);
    if (housekeeping_.load(std::memory_order_relaxed) || ending_) return;
    try {
        if (housekeeper_.joinable()) housekeeper_.join();  // the one before is past its last step
        housekeeper_ = std::thread([this] { keep_house(); });
        housekeeping_.store(true, std::memory_order_seq_cst);
    } catch (const std::system_error&) {  // without a thread, memory goes back at `trim` and at misses
    }
}

void Pool::wake_housekeeper_if_needed() noexcept {
    if (central_.warm_free_bytes() > worth_trimming()) wake_housekeeper();
}

void Pool::stop_housekeeper() noexcept {
    {
        const std::lock_guard lock(housekeeper_lock_);
        ending_ = true;
        housekeeper_wake_.notify_all();
    }
    if (housekeeper_.joinable()) housekeeper_.join();
}

void Pool::keep_house() noexcept {
    pages::become_background_thread();
    const auto tick = std::chrono::milliseconds(std::max<std::uint32_t>(options_.idle_ms / 2, 1));
    std::unique_lock lock(housekeeper_lock_);
    while (!ending_) {
        if (predicted_.empty()) housekeeper_wake_.wait_for(lock, tick);
        if (ending_) break;
        const std::vector<std::uint32_t> predicted = std::exchange(predicted_, {});
        lock.unlock();
        fetch(predicted);
        const std::uint32_t now = now_ms();
        const bool patient = is_busy() && now >= relief_until_ms_.load(std::memory_order_relaxed);
        const std::uint32_t idle_ms = patient ? options_.idle_ms * kBusyPatience : options_.idle_ms;
        take_idle_magazines(now, idle_ms);
        const std::uint32_t until = now > idle_ms ? now - idle_ms : 0;
        given_back_.fetch_add(central_.trim(idle_bytes(), until, now), std::memory_order_relaxed);
        lock.lock();
        if (trimmable_bytes() > worth_trimming() || !predicted_.empty()) continue;
        // Whoever releases now sees that nobody keeps house, or is seen here.
        housekeeping_.store(false, std::memory_order_seq_cst);
        if (g_asymmetric) pages::heavy_barrier();
        if (trimmable_bytes() <= worth_trimming()) return;
        housekeeping_.store(true, std::memory_order_relaxed);
    }
    housekeeping_.store(false, std::memory_order_relaxed);
}

// Whether blocks were taken since the last look.
bool Pool::is_busy() noexcept {
    std::uint64_t pops = 0;
    {
        const std::lock_guard lock(caches_lock_);
        for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
            for (const Magazine& magazine : cache->magazines) pops += magazine.pops();
        }
    }
    return std::exchange(seen_pops_, pops) != pops;
}

// A magazine from which nothing was taken for a while is emptied, whatever else its thread does.
void Pool::take_idle_magazines(std::uint32_t now, std::uint32_t idle_ms) noexcept {
    std::byte* blocks[kBlocksAtOnce];
    std::uint32_t classes[kBlocksAtOnce];
    const std::lock_guard lock(caches_lock_);
    for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
        for (std::uint32_t next = 0; next < kClasses;) {
            std::uint32_t idle[kClasses], idles = 0;
            for (std::size_t blocks_to_take = 0; next < kClasses; ++next) {
                Magazine& magazine = cache->magazines[next];
                const std::uint32_t count = magazine.count();
                const std::uint64_t pops = magazine.pops();
                if (count == 0 || pops != cache->seen_pops[next]) {
                    cache->seen_pops[next] = pops;
                    cache->idle_since_ms[next] = now;
                } else if (now - cache->idle_since_ms[next] >= idle_ms) {
                    if (blocks_to_take + kMagazineBlocks > kBlocksAtOnce) break;
                    blocks_to_take += kMagazineBlocks;
                    idle[idles++] = next;
                }
            }
            if (idles == 0) continue;
            std::uint32_t taken = 0;
            {
                const Claim claim(cache, cache->next);
                for (std::uint32_t i = 0; i < idles; ++i) {
                    const std::uint32_t count = cache->take_oldest(idle[i], kMagazineBlocks, blocks + taken);
                    std::fill_n(classes + taken, count, idle[i]);
                    taken += count;
                }
            }
            for (std::uint32_t i = 0; i < taken; ++i) {
                central_.give(classes[i], blocks + i, 1, cache->idle_since_ms[classes[i]]);
            }
        }
    }
}

void Pool::ask_for(std::size_t bytes) noexcept {
    {
        const std::lock_guard lock(housekeeper_lock_);
        const std::uint32_t size_class = class_for(bytes);
        if (predicted_.size() >= kMostPredictions || size_class >= kClasses) return;
        if (std::find(predicted_.begin(), predicted_.end(), size_class) != predicted_.end()) return;
        try {
            predicted_.push_back(size_class);
        } catch (const std::bad_alloc&) {
            return;
        }
        housekeeper_wake_.notify_one();
    }
    if (!housekeeping_.load(std::memory_order_relaxed)) wake_housekeeper();
}

// What is fetched ahead may be for nothing, so it counts against the cap, and blocks beyond it are not
// fetched.
void Pool::fetch(const std::vector<std::uint32_t>& predicted) noexcept {
    for (const std::uint32_t size_class : predicted) {
        const std::size_t bytes = class_bytes(size_class);
        if (central_.warm_free_bytes() + bytes > cap_bytes()) continue;
        const std::size_t most = limit();
        if (most > 0 && central_.used_run_bytes() + central_.warm_free_bytes() + bytes > most) continue;
        prefaulted_.fetch_add(central_.warm_up(size_class, now_ms()), std::memory_order_relaxed);
    }
}

}  // namespace atalanta::memory
