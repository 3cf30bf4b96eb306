// The buffer pool under threads: releases across threads, ends of threads, forks, reports meanwhile, and a
// soak that mixes all of it for ATALANTA_SOAK_SECONDS (1 without it).
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <random>
#include <thread>

#include "check.hpp"
#include "memory/checking.hpp"
#include "memory/pool.hpp"

using namespace atalanta::memory;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kMostParcels = 300;

PoolOptions options_of_tests() {
    PoolOptions options;
    options.reserve_bytes = std::size_t{8} << 30;
    options.idle_bytes = 0;
    return options;
}

struct Parcel {
    unsigned char* data = nullptr;
    std::size_t bytes = 0;
    unsigned char mark = 0;

    void seal() { data[0] = data[bytes / 2] = data[bytes - 1] = mark; }
    bool sealed() const { return data[0] == mark && data[bytes / 2] == mark && data[bytes - 1] == mark; }
};

class Exchange {
  public:
    std::size_t put(const Parcel& parcel) {
        const std::lock_guard lock(lock_);
        parcels_.push_back(parcel);
        return parcels_.size();
    }
    std::size_t size() {
        const std::lock_guard lock(lock_);
        return parcels_.size();
    }
    bool get(Parcel& parcel) {
        const std::lock_guard lock(lock_);
        if (parcels_.empty()) return false;
        parcel = parcels_.front();
        parcels_.pop_front();
        return true;
    }

  private:
    std::mutex lock_;
    std::deque<Parcel> parcels_;
};

double soak_seconds() {
    const char* text = std::getenv("ATALANTA_SOAK_SECONDS");
    return text == nullptr ? 1.0 : std::atof(text);
}

std::size_t any_size(std::mt19937_64& random) {
    const double log2 = std::uniform_real_distribution<>(0.0, random() % 50 == 0 ? 23.5 : 17.0)(random);
    return static_cast<std::size_t>(std::exp2(log2));
}

// Acquires, checks, releases here or hands to others, until told to stop; false: a parcel was damaged.
bool work(Pool& pool, Exchange& exchange, std::uint64_t seed, Tag tag, const std::atomic<bool>& stop,
          std::size_t most) {
    std::mt19937_64 random(seed);
    std::vector<Parcel> own;
    bool sound = true, crowded = false;
    for (std::size_t step = 0; step < most && !stop.load(std::memory_order_relaxed); ++step) {
        const std::uint64_t dice = crowded ? 5 : random() % 8;
        if (dice < 4 && own.size() < 60) {
            const std::size_t bytes = any_size(random);
            Parcel parcel{static_cast<unsigned char*>(pool.acquire(bytes, dice == 0 ? 0 : tag)), bytes,
                          static_cast<unsigned char>(random())};
            if (parcel.data == nullptr) continue;  // at the limit
            parcel.seal();
            own.push_back(parcel);
        } else if (dice == 4 && !own.empty()) {
            crowded = exchange.put(own.back()) > kMostParcels;
            own.pop_back();
        } else if (dice == 5) {
            crowded = false;
            Parcel parcel;
            if (!exchange.get(parcel)) continue;
            sound = sound && parcel.sealed() && pool.release(parcel.data) == Released::yes;
        } else if (!own.empty()) {
            std::swap(own[random() % own.size()], own.back());
            sound = sound && own.back().sealed() && pool.release(own.back().data) == Released::yes;
            own.pop_back();
        }
    }
    for (const Parcel& parcel : own) exchange.put(parcel);  // others release what this thread leaves
    for (Parcel parcel; sound && exchange.size() > kMostParcels && exchange.get(parcel);) {
        sound = parcel.sealed() && pool.release(parcel.data) == Released::yes;
    }
    return sound;
}

bool empty_out(Pool& pool, Exchange& exchange) {
    Parcel parcel;
    bool sound = true;
    while (exchange.get(parcel))
        sound = sound && parcel.sealed() && pool.release(parcel.data) == Released::yes;
    return sound;
}

}  // namespace

TEST(blocks_released_by_another_thread_are_reused) {
    Pool pool(options_of_tests());
    Exchange exchange;
    constexpr int kBlocks = 20000;
    std::thread producer([&] {
        for (int i = 0; i < kBlocks; ++i) {
            Parcel parcel{static_cast<unsigned char*>(pool.acquire(1000)), 1000,
                          static_cast<unsigned char>(i)};
            parcel.seal();
            exchange.put(parcel);
            while (i % 100 == 99 && pool.figures().total.live > 500 * 1024) std::this_thread::yield();
        }
    });
    int received = 0;
    bool sound = true;
    for (Parcel parcel; received < kBlocks;) {
        if (!exchange.get(parcel)) continue;
        sound = sound && parcel.sealed() && pool.release(parcel.data) == Released::yes;
        ++received;
    }
    producer.join();
    CHECK(sound && pool.figures().total.live == 0);
    CHECK(pool.figures().high_water_held < 4 * kMiB);  // 20 MB went through
}

TEST(a_thread_that_ends_leaves_nothing_behind) {
    Pool pool(options_of_tests());
    for (int i = 0; i < 20; ++i) {
        std::thread([&] {
            for (const std::size_t bytes : {std::size_t{100}, std::size_t{20000}, 3 * kMiB}) {
                pool.release(pool.acquire(bytes));
            }
        }).join();
    }
    const PoolFigures figures = pool.figures();
    CHECK(figures.threads == 0 && figures.total.acquires == 60 && figures.total.live == 0);
    CHECK(figures.held < 8 * kMiB);
    pool.trim();
    CHECK(pool.figures().held == 0);
}

TEST(a_release_after_the_thread_gave_up_its_cache_arrives) {
    // Declared before the first use of the pool, so destroyed after the thread's cache.
    struct Late {
        Pool* pool = nullptr;
        void* address = nullptr;
        ~Late() {
            if (pool != nullptr) pool->release(address);
        }
    };
    Pool pool(options_of_tests());
    std::thread([&] {
        static thread_local Late late;
        late.pool = &pool;
        late.address = pool.acquire(5000);
    }).join();
    CHECK(pool.figures().total.live == 0);
}

TEST(pools_may_end_before_their_threads) {
    std::atomic<int> stage{0};
    auto pool = std::make_unique<Pool>(options_of_tests());
    std::thread user([&] {
        pool->release(pool->acquire(100));
        stage = 1;
        while (stage != 2) std::this_thread::yield();
        Pool next(options_of_tests());  // takes the slot of the one that ended
        CHECK(next.release(next.acquire(100)) == Released::yes);
    });
    while (stage != 1) std::this_thread::yield();
    pool.reset();
    stage = 2;
    user.join();
}

TEST(magazines_of_a_busy_thread_are_emptied_when_idle) {
    Pool pool(options_of_tests());
    std::atomic<bool> stop{false};
    std::thread user([&] {
        void* large = pool.acquire(6 * kMiB);
        std::memset(large, 1, 6 * kMiB);
        pool.release(large);
        while (!stop) pool.release(pool.acquire(100));
    });
    bool gone = false;
    for (int i = 0; i < 1000 && !gone; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
        const PoolFigures figures = pool.figures();
        gone = figures.total.acquires > 1 && figures.held < kMiB;
    }
    stop = true;
    user.join();
    CHECK(gone);
}

TEST(a_forked_child_goes_on_with_the_pool) {
    Pool pool(options_of_tests());
    std::atomic<bool> stop{false};
    Exchange exchange;
    std::vector<std::thread> workers;
    for (std::uint64_t i = 0; i < 3; ++i) {
        workers.emplace_back([&, i] { work(pool, exchange, i, 0, stop, ~std::size_t{0}); });
    }
    void* from_parent = pool.acquire(1000);
    std::memset(from_parent, 7, 1000);
    for (int i = 0; i < 10; ++i) {
        const pid_t child = fork();
        if (child == 0) {
            bool fine = static_cast<unsigned char*>(from_parent)[999] == 7;
            fine = fine && pool.release(from_parent) == Released::yes;
            for (int k = 0; k < 100; ++k) {
                void* block = pool.acquire(2000);
                std::memset(block, k, 2000);
                fine = fine && pool.release(block) == Released::yes;
            }
            fine = fine && pool.figures().threads == 1;
            _exit(fine ? 0 : 1);
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = true;
    for (std::thread& worker : workers) worker.join();
    CHECK(empty_out(pool, exchange) && pool.release(from_parent) == Released::yes);
    CHECK(pool.figures().total.live == 0);
}

TEST(soak) {
    Pool pool(options_of_tests());
    Tag tags[3] = {};
    for (int i = 0; i < 3; ++i) pool.intern("soak" + std::to_string(i), tags[i]);
    Exchange exchange;
    std::atomic<bool> stop{false};
    std::atomic<int> damaged{0};
    std::atomic<std::uint64_t> seed{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; ++i) {
        workers.emplace_back([&, i] {
            while (!stop) {  // threads come and go
                std::thread([&] {
                    const std::uint64_t mine = seed.fetch_add(1);
                    damaged += !work(pool, exchange, mine, tags[i % 3], stop, 20000);
                }).join();
            }
        });
    }
    const double seconds = soak_seconds();
    const auto start = std::chrono::steady_clock::now();
    const auto elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    std::size_t first_half = 0, second_half = 0;
    for (int turn = 0; elapsed() < seconds; ++turn) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        const PoolFigures figures = pool.figures();
        std::size_t& most = elapsed() < seconds / 2 ? first_half : second_half;
        most = std::max(most, figures.held);
        damaged += figures.total.live < 0;
        if (turn % 7 == 0) pool.trim();
        if (turn % 11 == 0) pool.set_guard(turn % 2 == 0 ? 5 : 0);
        if (turn % 13 == 0) pool.set_limit(turn % 2 == 0 ? std::size_t{2} << 30 : 0);
        if (turn % 17 == 0) pool.live_blocks();
        if (turn % 19 == 0) pool.start_recording();
        if (turn % 19 == 1) pool.stop_recording();
    }
    stop = true;
    for (std::thread& worker : workers) worker.join();
    CHECK(damaged == 0);
    CHECK(empty_out(pool, exchange));
    const PoolFigures figures = pool.figures();
    CHECK(figures.total.live == 0 && figures.faults == 0 && pool.live_blocks().empty());
    CHECK(second_half < 2 * first_half + 64 * kMiB);
    pool.trim();
    CHECK(pool.figures().cached == 0 && pool.figures().held == 0);
    std::printf("soak: %.0f s, %.1f million pairs, %llu threads, %zu MiB held at most\n", seconds,
                1e-6 * static_cast<double>(figures.total.acquires),
                static_cast<unsigned long long>(seed.load()), figures.high_water_held / kMiB);
}

ATALANTA_TEST_MAIN
