// The engine with everything going on at once, for as long as ATALANTA_SOAK_SECONDS says (2 without it):
// senders that burst and pause, a consumer that sleeps until it is woken, others that come and go, readers,
// errands, exact solves from behind, forwards that are fitted, and a thread that ends and starts. Under the
// thread sanitizer, minutes of it are the soak that the notes report.
#include <sys/select.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/monotonic.hpp"
#include "check.hpp"
#include "streaming_universe.hpp"

namespace {

using namespace market;

constexpr std::uint32_t kContracts = 16;
constexpr int kSenders = 3;

double soak_seconds() {
    const char* text = std::getenv("ATALANTA_SOAK_SECONDS");
    return text == nullptr ? 2.0 : std::atof(text);
}

// A European and an American expiry, calls and puts at each strike.
Universe both() {
    Universe all = universe(2, kContracts);
    for (std::uint32_t c = 0; c < all.contracts(); ++c) all.strike[c] = 95.0 + c % kContracts / 2;
    all.groups[1].american = true;
    all.underlyings[1].ex_ns = {10 * kDay};
    all.underlyings[1].cash = {0.5};
    return all;
}

struct Soak {
    explicit Soak(const Settings& settings) : engine(both(), settings) {}

    void pause(int microseconds) const {
        std::this_thread::sleep_for(std::chrono::microseconds(microseconds));
    }
    // Of the underlyings around 100, and of contracts such that parity holds nearly; the last key is unknown.
    Event some_quote(std::uint32_t i) const {
        const std::uint32_t key = i * 3 % (static_cast<std::uint32_t>(engine.universe().keys()) + 1);
        const double noise = 0.01 * (i % 5);
        if (key < 2 || key == engine.universe().keys()) return quote(key, 99.9 + noise, 100.1 + noise);
        const std::uint32_t c = engine.universe().contract_of(key);
        const double inside = engine.universe().right[c] * (100.0 - engine.universe().strike[c]);
        const double mid = std::max(inside, 0.0) + 3.0 + noise;
        return quote(key, mid - 0.1, mid + 0.1);
    }
    void send(std::uint16_t source) {
        Producer& producer = engine.add_producer();
        std::vector<Event> burst(40);
        std::uint32_t number = 0, sequence = 0;
        while (!done.load()) {
            for (Event& event : burst) {
                const std::uint32_t i = ++number;
                event = some_quote(i);
                if (i % 11 == 0) event.kind = Kind::trade;
                if (i % 13 == 0) event.bid = kNone;
                if (source == 1) event.sequence = sequence += 1 + (i % 17 == 0);
                event.source = source;
                event.intended_ns = monotonic_ns();
                event.time_ns = static_cast<std::int64_t>(event.intended_ns - begin);
            }
            sent += burst.size();
            taken += producer.push(burst.data(), burst.size());
            pause(number / 40 % 3 == 0 ? 3000 : 100);  // parks in between, or keeps looking
        }
    }
    // As an event loop waits: until the pipe is readable.
    void consume(Outlet& outlet) {
        std::vector<Result> results(256);
        while (!outlet.is_closed()) {
            if (outlet.wait_for_more()) {
                fd_set files;
                FD_ZERO(&files);
                FD_SET(outlet.file(), &files);
                timeval patience{20, 0};
                lost_wakes += select(outlet.file() + 1, &files, nullptr, nullptr, &patience) != 1;
                outlet.clear_wake();
            }
            consumed += outlet.take(results.data(), results.size());
        }
        while (const std::size_t more = outlet.take(results.data(), results.size())) consumed += more;
    }
    void come_and_go() {
        std::vector<Result> results(64);
        while (!done.load()) {
            const auto outlet = engine.add_outlet(64, Wanted::with_refreshed);
            for (int i = 0; i < 5; ++i) {
                pause(1000);
                outlet->take(results.data(), results.size());
            }
            outlet->close();
        }
    }
    void read() {
        while (!done.load()) {
            inexact += !engine.account().exact();
            seen += engine.queue_wait().snapshot().most + engine.latency(2).total.snapshot().most +
                    engine.book().positions;
            pause(200);
        }
    }
    void errands() {
        for (int turn = 0; !done.load(); ++turn) {
            std::vector<double> quantities(engine.universe().keys(), turn % 3);
            std::pair<Engine*, std::vector<double>*> both_of{&engine, &quantities};
            engine.between_batches(
                [](void* state) {
                    auto& [self, wanted] = *static_cast<decltype(both_of)*>(state);
                    self->positions().replace(*wanted, self->everything());
                    self->publish_book();
                    if (!(self->market().forwards().of(0).scale > 0.0)) wanted->clear();
                },
                &both_of);
            bad_forwards += quantities.empty();
            if (turn % 50 == 49) engine.refresh();
            pause(5000);
        }
    }
    void restart() {
        for (int turn = 0; !done.load(); ++turn) {
            engine.start(turn % 4 == 3 ? Executor::pinned : Executor::hybrid, 1);
            for (int i = 0; i < 40 && !done.load(); ++i) pause(5000);
            if (!done.load()) engine.stop(turn % 2 == 0);
        }
        engine.stop(true);
    }

    Engine engine;
    const std::uint64_t begin = monotonic_ns();
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> sent{0}, taken{0}, consumed{0}, inexact{0}, seen{0}, lost_wakes{0},
        bad_forwards{0};
};

TEST(everything_at_once_for_long) {
    Settings settings;
    settings.ring = 1024;
    settings.watermarks = {128, 16, 700, 300};
    settings.spin_ns = 20'000;
    settings.budgets[0] = {2'000'000, OnMiss::degrade};
    settings.budgets[1] = {5'000'000, OnMiss::degrade};
    Soak soak(settings);
    const auto outlet = soak.engine.add_outlet(1 << 16, Wanted::events);
    std::vector<std::thread> threads;
    threads.emplace_back([&] { soak.restart(); });
    for (std::uint16_t s = 0; s < kSenders; ++s) threads.emplace_back([&soak, s] { soak.send(s); });
    threads.emplace_back([&] { soak.come_and_go(); });
    threads.emplace_back([&] { soak.read(); });
    threads.emplace_back([&] { soak.errands(); });
    std::thread consumer([&] { soak.consume(*outlet); });
    std::this_thread::sleep_for(std::chrono::duration<double>(soak_seconds()));
    soak.done.store(true);
    for (std::thread& thread : threads) thread.join();
    soak.engine.stop(true);
    soak.engine.pump();  // what came in after the last thread's end
    outlet->close();
    consumer.join();
    const Account account = soak.engine.account();
    CHECK(soak.inexact.load() == 0);
    CHECK(account.exact() && account.in_flight == 0);
    CHECK(account.in == soak.sent.load());
    CHECK(dropped(account, Drop::full) == soak.sent.load() - soak.taken.load());
    CHECK(outlet->offered() == account.out);
    CHECK(soak.consumed.load() + outlet->missed() == account.out);
    CHECK(soak.lost_wakes.load() == 0);
    CHECK(soak.bad_forwards.load() == 0);
    if (soak_seconds() >= 10.0) CHECK(account.tally.forwards_fitted > 0 && account.tally.refreshes > 0);
    std::printf(
        "       %.0f s: %llu events, %llu out, %llu conflated, %llu parks, %llu solves, %llu forwards\n",
        soak_seconds(), static_cast<unsigned long long>(account.in),
        static_cast<unsigned long long>(account.out), static_cast<unsigned long long>(account.conflated),
        static_cast<unsigned long long>(account.tally.parks),
        static_cast<unsigned long long>(account.tally.refreshes),
        static_cast<unsigned long long>(account.tally.forwards_fitted));
}

}  // namespace

ATALANTA_TEST_MAIN
