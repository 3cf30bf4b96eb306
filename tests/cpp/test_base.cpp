// Processor features and the thread pool.
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "base/affinity.hpp"
#include "base/cpu_features.hpp"
#include "base/thread_pool.hpp"
#include "check.hpp"

using namespace atalanta;

TEST(features_contain_themselves_and_nothing_more) {
    const CpuFeatures none;
    CHECK(none.contains(none));
    CHECK(detected_cpu_features().contains(none));
    CHECK(detected_cpu_features().contains(detected_cpu_features()));
    CHECK(!none.contains(CpuFeatures{.avx2 = true}));
    CHECK(!CpuFeatures{.avx2 = true}.contains(CpuFeatures{.avx2 = true, .fma = true}));
}

// The processor of the one helper of a call from this thread; -1 where none came within seconds.
static int processor_of_helper() {
    const auto caller = std::this_thread::get_id();
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::atomic<int> helper{-1};
    parallel_ranges(4, 1, 2, [&](std::size_t, std::size_t) {
        if (std::this_thread::get_id() != caller) helper.store(current_processor());
        while (helper.load() < 0 && std::chrono::steady_clock::now() < patience) {
        }
    });
    return helper.load();
}

// Before the tests that make more helpers than there are processors, which then share some.
TEST(a_helper_leaves_the_processor_of_the_caller) {
    const std::vector<int> processors = processor_numbers();
    if (processors.size() < 2) return;
    processor_of_helper();  // made here, where all of them may be used
    for (int round = 0; round < 3; ++round) {
        for (const int processor : processors) {
            int helper = -1;
            std::atomic<bool> pinned{false};
            std::thread caller([&] {
                while (!pinned.load()) std::this_thread::yield();
                helper = processor_of_helper();
            });
            pin_to_processor(caller, processor);
            pinned.store(true);
            caller.join();
            CHECK(helper >= 0);
            CHECK(helper != processor);
        }
    }
}

// Each row is visited once, whatever the size, the grain and the count.
static bool visits_each_row_once(std::size_t size, std::size_t grain, int threads) {
    std::vector<std::atomic<int>> visits(size);
    parallel_ranges(size, grain, threads, [&](std::size_t first, std::size_t count) {
        for (std::size_t i = first; i < first + count; ++i) visits[i].fetch_add(1);
    });
    for (const auto& count : visits) {
        if (count.load() != 1) return false;
    }
    return true;
}

TEST(each_row_is_visited_once) {
    for (const std::size_t size : {0u, 1u, 7u, 100u, 101u, 1000u, 4096u}) {
        for (const std::size_t grain : {1u, 3u, 100u, 5000u}) {
            for (const int threads : {0, 1, 2, 5, 16}) CHECK(visits_each_row_once(size, grain, threads));
        }
    }
}

TEST(concurrent_callers_do_not_disturb_each_other) {
    std::atomic<int> wrong{0};
    std::vector<std::thread> callers;
    for (int caller = 0; caller < 6; ++caller) {
        callers.emplace_back([&] {
            for (int i = 0; i < 200; ++i) wrong += !visits_each_row_once(1000, 10, 4);
        });
    }
    for (std::thread& caller : callers) caller.join();
    CHECK(wrong.load() == 0);
}

TEST(the_setter_returns_the_count_before) {
    const int automatic = set_default_threads(3);
    CHECK(automatic >= 1);
    CHECK(default_threads() == 3);
    CHECK(set_default_threads(0) == 3);
    CHECK(default_threads() == automatic);
}

ATALANTA_TEST_MAIN
