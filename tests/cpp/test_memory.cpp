// The buffer pool in one thread: classes, alignment, reuse, limits, figures, trimming, guards, traces.
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <thread>
#include <unordered_set>

#include "check.hpp"
#include "memory/checking.hpp"
#include "memory/pool.hpp"

using namespace atalanta::memory;

namespace {

constexpr std::size_t kKiB = 1024, kMiB = 1024 * kKiB;

PoolOptions quiet() {
    PoolOptions options;
    options.reserve_bytes = std::size_t{4} << 30;
    options.prefault = false;
    options.idle_bytes = 0;
    return options;
}

bool aligned(const void* address, std::size_t to) {
    return reinterpret_cast<std::uintptr_t>(address) % to == 0;
}

void fill(void* address, std::size_t bytes, int value) {
    std::memset(address, value, bytes);
}

bool holds(const void* address, std::size_t bytes, int value) {
    const auto* at = static_cast<const unsigned char*>(address);
    for (std::size_t i = 0; i < bytes; ++i) {
        if (at[i] != value) return false;
    }
    return true;
}

template <class Condition>
bool within(double seconds, Condition&& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

// Whether doing it ends the program; tried in a child.
template <class Action>
bool ends_the_program(Action&& action) {
    const pid_t child = fork();
    if (child == 0) {
        std::fclose(stderr);  // a sanitizer's report is no news here
        action();
        _exit(0);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace

TEST(classes_fit_and_waste_one_part_in_eight) {
    std::size_t bytes = 1;
    for (std::uint32_t c = 1; c < kClasses; ++c) CHECK(class_of(class_bytes(c)) >= c || class_bytes(c) < 512);
    for (int i = 0; i < 200000; ++i, bytes += 1 + bytes / 5000) {
        const std::size_t block = class_bytes(class_of(bytes));
        CHECK(block >= bytes && block % kAlignment == 0);
        if (bytes >= 512) CHECK((block - bytes) * 8 <= bytes);
        if (bytes < 512) CHECK(block < bytes + kAlignment || block - bytes < kAlignment + bytes / 8);
        if (bytes > kLargestRequest / 2) break;
    }
    CHECK(class_of(0) == 1 && class_of(64) == 1 && class_of(kLargestRequest) == kClasses - 1);
}

TEST(blocks_of_every_class_are_aligned_apart_and_writable) {
    Pool pool(quiet());
    std::vector<std::pair<void*, std::size_t>> held;
    for (std::size_t bytes = 1; bytes <= 8 * kMiB; bytes += bytes / 3 + 1) {
        void* address = pool.acquire(bytes);
        CHECK(address != nullptr && aligned(address, 64));
        if (bytes >= 2 * kMiB) CHECK(aligned(address, 2 * kMiB));
        fill(address, bytes, static_cast<int>(held.size() % 251));
        held.emplace_back(address, bytes);
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
        CHECK(holds(held[i].first, held[i].second, static_cast<int>(i % 251)));
        CHECK(pool.usable_bytes(held[i].first) == pool.block_bytes_for(held[i].second));
        CHECK(pool.release(held[i].first) == Released::yes);
    }
    CHECK(pool.figures().total.live == 0);
}

TEST(a_released_block_comes_back_first) {
    Pool pool(quiet());
    for (const std::size_t bytes : {std::size_t{1}, 100 * kKiB, kMiB, 64 * kMiB}) {
        void* first = pool.acquire(bytes);
        pool.release(first);
        CHECK(pool.acquire(bytes) == first);
        pool.release(first);
    }
}

TEST(wrong_pointers_are_told_apart) {
    Pool pool(quiet()), other(quiet());
    int local = 0;
    CHECK(pool.release(nullptr) == Released::not_ours);
    CHECK(pool.release(&local) == Released::not_ours);
    void* foreign = other.acquire(100);
    CHECK(pool.release(foreign) == Released::not_ours);
    for (const std::size_t bytes : {std::size_t{100}, 5000 * std::size_t{1}, 20 * kKiB, kMiB, 3 * kMiB}) {
        auto* block = static_cast<std::byte*>(pool.acquire(bytes));
        for (const std::size_t inside : {1, 8, 64}) CHECK(pool.release(block + inside) == Released::not_live);
        CHECK(pool.release(block) == Released::yes);
        CHECK(pool.release(block) == Released::not_live);
        CHECK(pool.usable_bytes(block) == 0);
    }
    CHECK(other.release(foreign) == Released::yes);
}

TEST(a_release_may_name_the_size) {
    Pool pool(quiet());
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{5000}, 3 * kMiB}) {
        void* block = pool.acquire(bytes);
        CHECK(pool.release(block, bytes) == Released::yes &&
              pool.release(block, bytes) == Released::not_live);
        CHECK(pool.acquire(bytes) == block && pool.release(block, 77 * kKiB) == Released::yes);
        CHECK(pool.release(block, ~std::size_t{0}) == Released::not_live);
        CHECK(pool.release(block, 0) == Released::not_live &&
              pool.release(&pool, bytes) == Released::not_ours);
    }
    CHECK(pool.figures().total.live == 0);
}

TEST(what_cannot_be_served_is_refused_with_the_reason) {
    Pool pool(quiet());
    Refusal refusal = Refusal::none;
    CHECK(pool.acquire(kLargestRequest + 1, 0, &refusal) == nullptr && refusal == Refusal::too_large);
    CHECK(pool.acquire(~std::size_t{0}, 0, &refusal) == nullptr && refusal == Refusal::too_large);
    CHECK(pool.acquire(std::size_t{5} << 30, 0, &refusal) == nullptr && refusal == Refusal::memory);
    CHECK(pool.acquire(0) != nullptr);
    CHECK(pool.figures().refused == 3);
}

TEST(a_limit_holds_to_the_byte) {
    PoolOptions options = quiet();
    options.limit_bytes = 3 * kMiB;
    Pool pool(options);
    Refusal refusal = Refusal::none;
    void* two = pool.acquire(2 * kMiB);
    void* one = pool.acquire(kMiB);
    CHECK(two != nullptr && one != nullptr);
    CHECK(pool.acquire(1, 0, &refusal) == nullptr && refusal == Refusal::limit);
    pool.release(one);
    void* again = pool.acquire(kMiB);
    CHECK(again != nullptr);
    CHECK(!pool.set_limit(3 * kMiB - 1) && pool.limit() == 3 * kMiB);
    pool.release(again);
    CHECK(pool.set_limit(2 * kMiB) && pool.acquire(1, 0, &refusal) == nullptr);
    CHECK(pool.set_limit(0) && pool.limit() == 0);
    void* free_again = pool.acquire(kMiB);
    CHECK(free_again != nullptr);
    CHECK(pool.set_limit(3 * kMiB) && pool.acquire(1) == nullptr);  // both are counted again
    pool.release(two);
    pool.release(free_again);
    CHECK(pool.figures().total.live == 0);
    void* all = pool.acquire(3 * kMiB);
    CHECK(all != nullptr);
    pool.release(all);
}

TEST(figures_count_by_tag) {
    Pool pool(quiet());
    Tag tag = 0, same = 0, none = 0;
    CHECK(pool.intern("columns", tag) && tag == 1 && pool.intern("columns", same) && same == tag);
    CHECK(pool.find("columns", same) && same == tag && !pool.find("rows", none));
    void* first = pool.acquire(1000, tag);
    void* second = pool.acquire(1000, tag);
    pool.release(first);
    void* third = pool.acquire(1000);
    TagFigures figures = pool.figures_by_tag()[tag];
    CHECK(figures.acquires == 2);
    CHECK(figures.live == 1024 && figures.high_water == 2048);
    CHECK(figures.requested == 2000 && figures.taken == 2048);
    CHECK(pool.figures().total.live == 2048 && pool.figures().total.acquires == 3);
    pool.release(second);
    CHECK(pool.figures_by_tag()[tag].cached == 1024);
    pool.release(third);
    CHECK(pool.live_blocks().empty());
}

TEST(tags_end_at_their_limit) {
    Pool pool(quiet());
    Tag tag = 0;
    for (Tag i = 1; i < kTags; ++i) CHECK(pool.intern(std::to_string(i), tag));
    CHECK(!pool.intern("one more", tag) && pool.intern("7", tag) && tag == 7);
}

TEST(live_blocks_are_listed) {
    Pool pool(quiet());
    Tag tag = 0;
    pool.intern("leaky", tag);
    void* small = pool.acquire(100, tag);
    void* large = pool.acquire(5 * kMiB, tag);
    const std::vector<LiveBlock> blocks = pool.live_blocks();
    CHECK(blocks.size() == 2);
    for (const LiveBlock& block : blocks) {
        CHECK(block.tag == tag && (block.address == small || block.address == large));
        CHECK(block.requested == (block.address == small ? 100 : 5 * kMiB) && block.age_ms >= 0);
    }
    pool.release(small);
    pool.release(large);
    CHECK(pool.live_blocks().empty());
}

TEST(idle_memory_goes_back_by_itself_and_the_thread_too) {
    Pool pool(quiet());
    std::vector<void*> held;
    for (const std::size_t bytes : {200 * kKiB, kMiB, 6 * kMiB, 40 * kMiB}) {
        held.push_back(pool.acquire(bytes));
        fill(held.back(), bytes, 1);
    }
    for (int i = 0; i < 2000; ++i) fill(held.emplace_back(pool.acquire(3000)), 3000, 1);
    const std::size_t peak = pool.figures().held;
    for (void* address : held) pool.release(address);
    CHECK(pool.figures().housekeeper);
    CHECK(within(5.0, [&] { return pool.figures().held <= peak / 10; }));
    CHECK(within(5.0, [&] { return !pool.figures().housekeeper; }));
    void* again = pool.acquire(6 * kMiB);
    fill(again, 6 * kMiB, 2);
    pool.release(again);
    CHECK(within(5.0, [&] { return !pool.figures().housekeeper && pool.figures().held < kMiB; }));
}

TEST(a_few_bytes_stay_when_idle_for_the_next_call) {
    PoolOptions options = quiet();
    options.idle_bytes = 2 * kMiB;
    Pool pool(options);
    Tag tag = 0;
    CHECK(pool.intern("result", tag));
    for (const std::size_t bytes : {40 * kMiB, kMiB}) {
        void* block = pool.acquire(bytes, tag);
        fill(block, bytes, 1);
        pool.release(block);
    }
    CHECK(within(5.0, [&] { return !pool.figures().housekeeper && pool.figures().held <= 2 * kMiB; }));
    const std::uint64_t misses = pool.figures_by_tag()[tag].misses;
    void* again = pool.acquire(kMiB, tag);
    CHECK(pool.figures_by_tag()[tag].misses == misses);
    pool.release(again);
    pool.relieve(60'000);
    CHECK(pool.figures().held == 0);
    again = pool.acquire(kMiB, tag);
    fill(again, kMiB, 1);
    pool.release(again);
    CHECK(within(5.0, [&] { return pool.figures().held < kMiB / 4; }));
}

// While the pool is in use, what lies free between two phases of one computation is not given back after
// the 40 ms that it may lie in an idle one. Another program may stop this one for as long: then it tries
// again.
TEST(memory_between_phases_stays_while_the_pool_is_in_use) {
    Pool pool(quiet());
    Tag tag = 0;
    CHECK(pool.intern("phase", tag));
    const auto misses = [&] { return pool.figures_by_tag()[tag].misses; };
    bool stayed = false;
    for (int attempt = 0; attempt < 50 && !stayed; ++attempt) {
        void* block = pool.acquire(4 * kMiB, tag);
        fill(block, 4 * kMiB, 1);
        pool.release(block);
        const std::uint64_t before = misses();
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(150);
        while (std::chrono::steady_clock::now() < until) pool.release(pool.acquire(1000));
        pool.release(pool.acquire(4 * kMiB, tag));
        stayed = misses() == before;
    }
    CHECK(stayed);
    CHECK(within(5.0, [&] { return !pool.figures().housekeeper && pool.figures().held < kMiB; }));
}

TEST(trim_leaves_nothing_free) {
    Pool pool(quiet());
    void* kept = pool.acquire(kMiB);
    fill(kept, kMiB, 7);
    for (const std::size_t bytes : {1000 * std::size_t{1}, 300 * kKiB, 7 * kMiB}) {
        void* address = pool.acquire(bytes);
        fill(address, bytes, 1);
        pool.release(address);
    }
    CHECK(pool.trim() >= 7 * kMiB);
    CHECK(pool.figures().cached == 0 && holds(kept, kMiB, 7));
    pool.release(kept);
}

TEST(growing_sizes_leave_little_behind) {
    Pool pool(quiet());
    std::size_t most_cached = 0, most_live = 0;
    void* before = nullptr;
    for (std::size_t bytes = kMiB; bytes < 256 * kMiB; bytes += bytes / 16) {
        void* next = pool.acquire(bytes);
        most_live = std::max(most_live, static_cast<std::size_t>(pool.figures().total.live));
        if (before != nullptr) pool.release(before);
        before = next;
    }
    most_cached = pool.figures().cached;
    CHECK(most_cached <= most_live / 2);
    pool.release(before);
}

// The housekeeper is not what gives back.
PoolOptions without_housekeeping() {
    PoolOptions options = quiet();
    options.idle_ms = 600'000;
    return options;
}

void hold_and_release(Pool& pool, const std::vector<std::size_t>& sizes, Tag tag) {
    std::vector<void*> held;
    for (const std::size_t bytes : sizes) fill(held.emplace_back(pool.acquire(bytes, tag)), bytes, 1);
    for (void* address : held) pool.release(address);
}

TEST(what_does_not_repeat_goes_back_while_something_is_live) {
    Pool pool(without_housekeeping());
    std::mt19937 random(3);
    std::uniform_int_distribution<std::size_t> bytes(kMiB, 8 * kMiB);
    void* kept = pool.acquire(10 * kMiB);
    std::vector<std::size_t> sizes(30);
    for (std::size_t& size : sizes) size = bytes(random);
    hold_and_release(pool, sizes, 0);
    const PoolFigures figures = pool.figures();
    CHECK(figures.high_water_held > 100 * kMiB && figures.cached < figures.high_water_held / 4);
    pool.release(kept);
}

// Another program may stop this one for so long that the peak is forgotten: then it goes on.
TEST(what_repeats_stays_warm_while_nothing_is_live) {
    Pool pool(without_housekeeping());
    Tag tag = 0;
    CHECK(pool.intern("phase", tag));
    const auto misses = [&] { return pool.figures_by_tag()[tag].misses; };
    const std::vector<std::size_t> sizes = {3 * kMiB, 5 * kMiB, 300 * kKiB, 7 * kMiB,
                                            2 * kMiB, 6 * kMiB, 4 * kMiB};
    int warm_in_a_row = 0, cycles = 0;
    for (; cycles < 100 && warm_in_a_row < 5; ++cycles) {
        const std::uint64_t before = misses();
        hold_and_release(pool, sizes, tag);
        warm_in_a_row = misses() == before ? warm_in_a_row + 1 : 0;
    }
    CHECK(warm_in_a_row == 5);
    CHECK(pool.figures().cached > 20 * kMiB);
    CHECK(pool.trim() > 20 * kMiB && pool.figures().cached == 0);
}

TEST(repetition_is_told_from_chance) {
    Repetition chance, cycle;
    Repetition::Trail trail{}, other{};
    CHECK(!cycle.goes_on());
    std::mt19937 random(5);
    int wrong = 0;
    for (std::uint32_t i = 0; i < 5000; ++i) {
        chance.saw(trail, kFirstMediumClass + random() % 40);
        cycle.saw(other, kFirstMediumClass + i * i % 11);
        wrong += chance.goes_on();
        if (i >= 40) CHECK(cycle.goes_on());
    }
    CHECK(wrong == 0);
    for (int i = 0; i < 60; ++i) cycle.saw(other, kFirstMediumClass + random() % 40);
    CHECK(!cycle.goes_on());
}

// They are a page and a bit: a run of pages for each would take up to twice as much.
TEST(blocks_of_little_more_than_a_page_lie_close_together) {
    Pool pool(quiet());
    std::vector<void*> held;
    std::size_t asked = 0;
    for (std::size_t bytes = 17 * kKiB; bytes <= 32 * kKiB; bytes += kKiB) {
        for (int i = 0; i < 50; ++i, asked += bytes) fill(held.emplace_back(pool.acquire(bytes)), bytes, 1);
    }
    CHECK(pool.figures().held < asked + asked / 6);
    for (void* address : held) CHECK(pool.release(address) == Released::yes);
}

// Neighbours that stay keep no free page from going back when memory grows.
TEST(free_runs_between_live_ones_count_against_the_cap) {
    Pool pool(quiet());
    std::vector<void*> held;
    for (int i = 0; i < 400; ++i) fill(held.emplace_back(pool.acquire(40 * kKiB)), 40 * kKiB, 1);
    for (std::size_t i = 0; i < held.size(); i += 2) pool.release(held[i]);
    void* next = pool.acquire(100 * kKiB);  // no gap is as large
    CHECK(pool.figures().cached <= 3 * kMiB);
    pool.release(next);
    for (std::size_t i = 1; i < held.size(); i += 2) pool.release(held[i]);
}

TEST(very_large_blocks_are_kept_once_they_come_back) {
    Pool pool(quiet());
    Tag tag = 0;
    CHECK(pool.intern("large", tag));
    for (int i = 0; i < 5; ++i) pool.release(pool.acquire(12 * kMiB, tag));
    for (int i = 0; i < 5; ++i) pool.release(pool.acquire(12 * kMiB));
    CHECK(pool.figures_by_tag()[tag].misses == 2 && pool.figures().cached >= 12 * kMiB);
}

TEST(the_cap_follows_what_was_live) {
    Pool pool(quiet());
    CHECK(pool.figures().cap == kMiB);
    void* large = pool.acquire(200 * kMiB);
    CHECK(pool.figures().cap > 15 * kMiB && pool.figures().cap < 18 * kMiB);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(pool.figures().cap > 15 * kMiB && pool.figures().cap < 18 * kMiB);
    pool.release(large);
    std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // more than a half-life
    CHECK(pool.figures().cap < 9 * kMiB);
    PoolOptions options = quiet();
    options.cache_bytes = kMiB;
    Pool capped(options);
    large = capped.acquire(200 * kMiB);
    CHECK(capped.figures().cap == kMiB);
    capped.release(large);
}

TEST(zeroed_blocks_are_zero_also_when_reused) {
    Pool pool(quiet());
    for (const std::size_t bytes : {std::size_t{64}, 10 * kKiB, 700 * kKiB, 5 * kMiB}) {
        for (int i = 0; i < 3; ++i) {
            void* address = pool.acquire_zeroed(bytes);
            CHECK(holds(address, bytes, 0));
            fill(address, bytes, 9);
            pool.release(address);
            if (i == 1) pool.trim();
        }
    }
}

TEST(resize_keeps_the_contents) {
    Pool pool(quiet());
    Tag tag = 0;
    pool.intern("resized", tag);
    void* address = pool.acquire(1000, tag);
    fill(address, 1000, 5);
    CHECK(pool.resize(address, 1001) == address && pool.usable_bytes(address) == 1001);
    for (const std::size_t bytes : {100 * kKiB, 4 * kMiB, 2000 * std::size_t{1}}) {
        address = pool.resize(address, bytes);
        CHECK(address != nullptr && holds(address, 1000, 5));
    }
    CHECK(pool.resize(address, kLargestRequest + 1) == nullptr && holds(address, 1000, 5));
    address = pool.resize(address, 10);
    CHECK(holds(address, 10, 5) && pool.release(address) == Released::yes);
    CHECK(pool.resize(address, 10) == nullptr && pool.figures().total.live == 0);
}

TEST(accelerator_pages_are_whole) {
    PoolOptions options = quiet();
    options.page_bytes = 16 * kKiB;
    Pool pool(options);
    for (std::size_t bytes = 16 * kKiB; bytes < 3 * kMiB; bytes += 7001) {
        void* address = pool.acquire(bytes);
        CHECK(aligned(address, 16 * kKiB) && pool.block_bytes_for(bytes) % (16 * kKiB) == 0);
        fill(address, bytes, 1);
        pool.release(address);
    }
    CHECK(pool.block_bytes_for(100) == 128);
}

TEST(predicted_memory_is_fetched_ahead_within_the_cap) {
    PoolOptions options = quiet();
    options.prefault = true;
    Pool pool(options);
    Tag tag = 0;
    pool.intern("steady", tag);
    std::vector<void*> held{pool.acquire(400 * kMiB)};  // so that the cap has room for a block
    for (int i = 0; i < 40; ++i) held.push_back(pool.acquire(kMiB, tag));
    CHECK(within(5.0, [&] { return pool.figures().prefaulted >= kMiB; }));
    CHECK(pool.figures().held < 600 * kMiB);
    for (void* address : held) pool.release(address);
    options.prefault = false;
    Pool without(options);
    without.intern("steady", tag);
    for (int i = 0; i < 40; ++i) held[static_cast<std::size_t>(i)] = without.acquire(kMiB, tag);
    CHECK(without.figures().prefaulted == 0);
}

TEST(a_guard_finds_who_writes_where_nobody_may) {
    PoolOptions options = quiet();
    options.guard_every = 1;
    Pool pool(options);
    auto* sound = static_cast<std::byte*>(pool.acquire(1000));
    CHECK(pool.release(sound) == Released::yes && pool.release(sound) == Released::not_live);
    CHECK(pool.take_faults().empty());
#ifndef ATALANTA_ADDRESS_SANITIZER  // which would stop right at the write
    auto* block = static_cast<std::byte*>(pool.acquire(1000));
    block[1000] = std::byte{1};
    CHECK(pool.release(block) == Released::overrun);
    auto* second = static_cast<std::byte*>(pool.acquire(1000));
    CHECK(second == block);
    pool.release(second);
    second[17] = std::byte{1};
    auto* third = static_cast<std::byte*>(pool.acquire(1000));
    const std::vector<GuardFault> faults = pool.take_faults();
    CHECK(faults.size() == 2 && faults[0].kind == GuardFault::overrun);
    CHECK(faults.size() == 2 && faults[1].kind == GuardFault::written_after_release);
    CHECK(pool.figures().faults == 2 && pool.release(third) == Released::yes);
#endif
    pool.set_guard(0);
    void* unguarded = pool.acquire(1000);
    CHECK(pool.release(unguarded) == Released::yes);
}

TEST(large_guarded_blocks_are_fenced) {
    PoolOptions options = quiet();
    options.guard_every = 1;
    Pool pool(options);
    for (const std::size_t bytes : {128 * kKiB, 300 * kKiB + 5, 3 * kMiB}) {
        auto* block = static_cast<volatile std::byte*>(pool.acquire(bytes));
        auto* address = const_cast<std::byte*>(block);
        fill(address, bytes, 1);
        CHECK(!ends_the_program([&] { block[bytes - 1] = std::byte{2}; }));
        CHECK(ends_the_program([&] { block[bytes + 16 * kKiB + 15] = std::byte{2}; }));
        CHECK(pool.usable_bytes(address) == bytes && pool.resize(address, bytes + 1) != nullptr);
        CHECK(ends_the_program([&] { block[0] = std::byte{2}; }));
        CHECK(ends_the_program([&] { [[maybe_unused]] const std::byte read = block[bytes / 2]; }));
        CHECK(pool.release(address) == Released::not_live);
    }
    CHECK(pool.take_faults().empty());
}

TEST(a_write_between_the_end_and_the_fence_is_found) {
#ifndef ATALANTA_ADDRESS_SANITIZER  // which would stop right at the write
    PoolOptions options = quiet();
    options.guard_every = 1;
    Pool pool(options);
    auto* block = static_cast<std::byte*>(pool.acquire(200 * kKiB + 7));
    block[200 * kKiB + 7] = std::byte{1};
    CHECK(pool.release(block) == Released::overrun);
    CHECK(pool.take_faults().size() == 1);
#endif
}

TEST(blocks_in_quarantine_come_back_whole) {
    PoolOptions options = quiet();
    options.guard_every = 1;
    Pool pool(options);
    Tag tag = 0;
    pool.intern("guarded", tag);
    for (int round = 0; round < 100; ++round) {  // more than there is room for
        void* block = pool.acquire(kMiB, tag);
        fill(block, kMiB, round);
        CHECK(holds(block, kMiB, round) && pool.release(block) == Released::yes);
    }
    CHECK(pool.figures().total.live == 0 && pool.figures_by_tag()[tag].acquires == 100);
    pool.set_guard(0);
    CHECK(pool.figures_by_tag()[tag].live == 0);
    for (int round = 0; round < 40; ++round) {
        void* block = pool.acquire(kMiB + static_cast<std::size_t>(round) * 64 * kKiB);
        fill(block, kMiB, round);
        pool.release(block);
    }
    pool.trim();
    CHECK(pool.figures().held == 0 && pool.take_faults().empty());
}

TEST(relief_gives_back_and_keeps_little) {
    Pool pool(quiet());
    std::vector<void*> held;
    for (int i = 0; i < 8; ++i) fill(held.emplace_back(pool.acquire(2 * kMiB)), 2 * kMiB, 1);
    for (void* block : held) pool.release(block);
    CHECK(pool.relieve(1000000) >= 8 * kMiB && pool.figures().cap == 0);
    for (void*& block : held) fill(block = pool.acquire(2 * kMiB), 2 * kMiB, 1);
    for (void* block : held) pool.release(block);
    void* next = pool.acquire(300 * kKiB);  // memory grows: the rest goes
    CHECK(pool.figures().cached <= 4 * kMiB);
    pool.release(next);
    pool.relieve(0);
    CHECK(pool.figures().cap >= kMiB);
}

TEST(one_block_in_n_is_guarded) {
    PoolOptions options = quiet();
    options.guard_every = 3;
    Pool pool(options);
    int guarded = 0;
    std::vector<void*> held;
    for (int i = 0; i < 9; ++i) held.push_back(pool.acquire(64));  // a canary needs a larger class
    for (const LiveBlock& block : pool.live_blocks()) guarded += block.block_bytes > 64;
    CHECK(guarded == 3);
    for (void* address : held) CHECK(pool.release(address) == Released::yes);
}

TEST(a_recording_can_be_replayed) {
    Pool pool(quiet());
    void* before = pool.acquire(10);
    pool.start_recording();
    std::vector<void*> held;
    for (const std::size_t bytes : {std::size_t{100}, 3 * kMiB, 50 * kKiB})
        held.push_back(pool.acquire(bytes));
    pool.release(before);
    for (void* address : held) pool.release(address);
    const std::vector<TraceStep> steps = steps_of(pool.stop_recording(), nullptr);
    CHECK(steps.size() == 6 && steps[1].bytes == 3 * kMiB && steps[3].bytes == 0 && steps[3].block == 0);
    pool.release(pool.acquire(10));  // is not recorded any more
    const Allocator allocator = {
        &pool, [](void* self, std::size_t bytes) { return static_cast<Pool*>(self)->acquire(bytes); },
        [](void* self, void* address, std::size_t bytes) {
            static_cast<Pool*>(self)->release(address, bytes);
        }};
    ReplayFigures figures;
    CHECK(replay(steps, allocator, 1, figures));
    CHECK(figures.operations == 6 && figures.peak_live == 100 + 3 * kMiB + 50 * kKiB);
    CHECK(pool.figures().total.live == 0);
}

TEST(pools_share_a_thread_and_end_one_by_one) {
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<Pool>> pools;
        for (int i = 0; i < 8; ++i) pools.push_back(std::make_unique<Pool>(quiet()));
        std::vector<void*> held;
        for (auto& pool : pools) held.push_back(pool->acquire(5000));
        for (std::size_t i = 0; i < pools.size(); ++i) {
            CHECK(pools[i]->owns(held[i]) && !pools[(i + 1) % pools.size()]->owns(held[i]));
            CHECK(pools[i]->release(held[i]) == Released::yes);
        }
        pools.erase(pools.begin() + 2, pools.begin() + 5);
        CHECK(pools[0]->acquire(1) != nullptr);
    }
}

ATALANTA_TEST_MAIN
