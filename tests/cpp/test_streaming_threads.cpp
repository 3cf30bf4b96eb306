// The engine under threads: the account at every moment, nothing lost between producers and a parked thread,
// consumers that come and go, errands, and no allocation on the way of an event.
#include <sys/select.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include "base/monotonic.hpp"
#include "check.hpp"
#include "streaming/scenario_ladder.hpp"
#include "streaming_universe.hpp"

namespace {

thread_local bool counting = false;
std::atomic<std::uint64_t> allocations{0};

void* take(std::size_t bytes, std::size_t alignment) {
    if (counting) allocations.fetch_add(1, std::memory_order_relaxed);
    void* data = alignment <= alignof(std::max_align_t)
                     ? std::malloc(bytes)
                     : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (data == nullptr) throw std::bad_alloc();
    return data;
}

}  // namespace

void* operator new(std::size_t bytes) {
    return take(bytes, 1);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
    return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* data) noexcept {
    std::free(data);
}
void operator delete(void* data, std::size_t) noexcept {
    std::free(data);
}
void operator delete(void* data, std::align_val_t) noexcept {
    std::free(data);
}
void operator delete(void* data, std::size_t, std::align_val_t) noexcept {
    std::free(data);
}

namespace {

using namespace market;

// A mixture with everything in it: quotes of all keys, trades, numbers with gaps and repeats, unknown keys.
Event mixed(std::uint32_t i, std::uint32_t keys, std::uint16_t source) {
    Event event = quote(i * 7 % (keys + 1), 4.0 + i % 5, 4.2 + i % 5, 1'000'000 + i, 0);
    if (event.key < 2) event.bid = 99.0 + i % 3, event.ask = 101.0 + i % 3;
    if (i % 11 == 0) event.kind = Kind::trade;
    if (i % 3 == 0) event.sequence = i / 3 + i % 2 * 2;
    event.source = source;
    event.intended_ns = monotonic_ns();
    return event;
}

std::uint64_t send(Producer& producer, std::uint32_t count, std::uint32_t keys, std::uint16_t source) {
    std::uint64_t taken = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        const Event event = mixed(i, keys, source);
        taken += producer.push(&event, 1);
        if (i % 500 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
    return taken;
}

void check_account(Executor executor, Conflate conflate, std::size_t ring) {
    const Universe all = universe(2, 8);
    Settings settings;
    settings.ring = ring;
    settings.conflate = conflate;
    settings.watermarks = {ring / 8, ring / 32, ring / 2, ring / 4};
    settings.budgets[1].on_miss = OnMiss::degrade;
    Engine engine(all, settings);
    Producer* producers[3];
    for (Producer*& producer : producers) producer = &engine.add_producer();
    const auto outlet = engine.add_outlet(1024, Wanted::events);
    engine.start(executor, 1);
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> readings{0}, wrong{0};
    std::thread reader([&] {
        while (!done.load()) {
            wrong += !engine.account().exact();
            ++readings;
            std::this_thread::sleep_for(std::chrono::microseconds(20));
        }
    });
    std::thread consumer([&] {
        std::vector<Result> results(256);
        while (!done.load()) {
            if (outlet->take(results.data(), results.size()) == 0) std::this_thread::yield();
        }
    });
    constexpr std::uint32_t kEach = 15'000;
    const auto keys = static_cast<std::uint32_t>(all.keys());
    std::uint64_t taken[3];
    std::vector<std::thread> senders;
    for (std::uint16_t s = 0; s < 3; ++s) {
        senders.emplace_back([&, s] { taken[s] = send(*producers[s], kEach, keys, s); });
    }
    for (std::thread& sender : senders) sender.join();
    engine.stop(true);
    done.store(true);
    reader.join();
    consumer.join();
    const Account account = engine.account();
    CHECK(readings.load() > 0);
    CHECK(wrong.load() == 0);
    CHECK(account.exact());
    CHECK(account.in == 3 * kEach);
    CHECK(account.in_flight == 0);
    CHECK(dropped(account, Drop::full) == 3 * kEach - taken[0] - taken[1] - taken[2]);
    CHECK(outlet->offered() == account.out);
}

TEST(the_account_is_exact_at_every_moment) {
    check_account(Executor::pinned, Conflate::unsequenced, 65536);
    check_account(Executor::hybrid, Conflate::quotes, 256);
    check_account(Executor::hybrid, Conflate::never, 64);
}

TEST(no_wake_up_is_lost) {
    Settings settings;
    settings.spin_ns = 1;  // parks at once
    Engine engine(universe(1, 2), settings);
    Producer& producer = engine.add_producer();
    const auto outlet = engine.add_outlet(64, Wanted::events);
    engine.start(Executor::hybrid);
    std::uint64_t slow = 0;
    for (int i = 0; i < 500; ++i) {
        Event event = quote(0, 99, 101);
        event.intended_ns = monotonic_ns();
        producer.push(&event, 1);
        Result result;
        const std::uint64_t begin = monotonic_ns();
        while (outlet->take(&result, 1) == 0) std::this_thread::sleep_for(std::chrono::microseconds(30));
        slow += monotonic_ns() - begin > 5'000'000'000;
        if (i % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    engine.stop(true);
    CHECK(slow == 0);
    CHECK(engine.account().tally.parks > 0);
}

TEST(a_consumer_that_waits_is_woken) {
    Engine engine(universe(1, 2), {});
    Producer& producer = engine.add_producer();
    const auto outlet = engine.add_outlet(1024, Wanted::events);
    engine.start(Executor::hybrid);
    std::thread sender([&] {
        for (int i = 0; i < 300; ++i) {
            Event event = quote(0, 99, 101);
            event.intended_ns = monotonic_ns();
            producer.push(&event, 1);
            std::this_thread::sleep_for(std::chrono::microseconds(i % 2 * 150));
        }
    });
    std::vector<Result> results(64);
    std::size_t taken = 0, waits = 0;
    while (taken < 300) {
        if (outlet->wait_for_more()) {
            ++waits;
            // As an event loop would: until the pipe is readable.
            fd_set files;
            FD_ZERO(&files);
            FD_SET(outlet->file(), &files);
            timeval patience{5, 0};
            CHECK(select(outlet->file() + 1, &files, nullptr, nullptr, &patience) == 1);
            outlet->clear_wake();
        }
        taken += outlet->take(results.data(), results.size());
    }
    sender.join();
    engine.stop(true);
    CHECK(waits > 0);
    CHECK(taken == 300);
}

TEST(errands_run_between_batches_whatever_the_thread_does) {
    Engine engine(universe(1, 2), {});
    Producer& producer = engine.add_producer();
    std::atomic<int> done{0};
    const auto errand = [](void* state) { ++*static_cast<std::atomic<int>*>(state); };
    engine.between_batches(errand, &done);
    std::thread restarter([&] {
        for (int i = 0; i < 20; ++i) {
            engine.start(i % 2 == 0 ? Executor::hybrid : Executor::pinned);
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
            engine.stop(i % 3 == 0);
        }
    });
    for (int i = 0; i < 200; ++i) {
        Event event = quote(0, 99, 101);
        producer.push(&event, 1);
        engine.between_batches(errand, &done);
    }
    restarter.join();
    engine.pump();
    CHECK(done.load() == 201);
    CHECK(engine.account().exact() && engine.account().in_flight == 0);
}

TEST(exact_solves_come_in_from_behind) {
    Engine engine(universe(1, 16, true), {});
    Producer& producer = engine.add_producer();
    engine.start(Executor::hybrid);
    const std::uint64_t begin = monotonic_ns();
    for (std::uint32_t i = 0; engine.account().tally.refreshes < 3; ++i) {
        if (monotonic_ns() - begin > 20'000'000'000) break;
        Event event = quote(0, 99.0 + i % 5, 101.0 + i % 5, 1'000'000 + i * 1'000'000'000LL);
        event.intended_ns = monotonic_ns();
        producer.push(&event, 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    engine.stop(true);
    CHECK(engine.account().tally.refreshes >= 3);
    CHECK(!std::isnan(engine.pricing().columns().delta[0]));
}

TEST(nothing_is_allocated_on_the_way_of_an_event) {
    for (const bool american : {false, true}) {
        const Universe all = universe(2, 40, american);
        Settings settings;
        settings.ring = 1024;
        settings.watermarks = {512, 16, 900, 600};
        ScenarioTerms terms;
        terms.spot_shocks = terms.vol_shocks = {-0.1, 0.0, 0.1};
        ScenarioLadder ladder(terms, 2);
        Engine engine(all, settings, kStandard, std::vector{ladder.stage()});
        Producer& producer = engine.add_producer();
        const auto outlet = engine.add_outlet(128, Wanted::with_refreshed);
        std::vector<double> quantities(all.keys(), 1.0);
        ladder.hold(all, quantities, [&](auto&& swap) { swap(engine.everything()); });
        engine.positions().replace(quantities, engine.everything());
        std::vector<Result> results(64);
        const auto round = [&] {
            for (std::uint32_t i = 0; i < 700; ++i) {
                const Event event = mixed(i, static_cast<std::uint32_t>(all.keys()), 0);
                producer.push(&event, 1);
            }
            engine.pump();
            outlet->take(results.data(), results.size());
        };
        round();
        engine.refresh();
        ladder.solve_waiting();
        round();
        counting = true;
        for (int i = 0; i < 5; ++i) round();
        counting = false;
        CHECK(allocations.exchange(0) == 0);
        CHECK(engine.account().exact());
        CHECK(engine.account().conflated > 0);
        CHECK(ladder.view().builds == 1);
    }
}

}  // namespace

ATALANTA_TEST_MAIN
