// The circuit breaker: each rule, each mode, results that come late, probes that are lost, and threads.
#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "check.hpp"
#include "reliability/breaker.hpp"
#include "routing/router.hpp"

using namespace atalanta::reliability;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

Rules five_in_thirty() {
    Rules rules;
    rules.jitter = 0.0;
    return rules;
}

Outcome fail_at(Breaker& breaker, std::uint64_t now_ns, double chance = 0.0) {
    return breaker.fail(breaker.enter(now_ns).permit, now_ns, 0, chance);
}

void succeed_at(Breaker& breaker, std::uint64_t now_ns, std::uint64_t took_ns = 0) {
    const std::uint64_t permit = breaker.enter(now_ns).permit;
    if (!breaker.try_succeed(permit, now_ns, took_ns)) breaker.succeed(permit, now_ns, took_ns, 0.0);
}

void open_by_failures(Breaker& breaker, std::uint64_t now_ns) {
    while (breaker.state() == State::closed) fail_at(breaker, now_ns);
}

}  // namespace

TEST(the_state_that_a_call_reads_is_one_cache_line) {
    CHECK(alignof(Breaker) == 64);
}

TEST(it_opens_at_exactly_so_many_failures_in_a_row) {
    Breaker breaker(five_in_thirty());
    for (int i = 0; i < 4; ++i) CHECK(fail_at(breaker, kSecond).change == Change::none);
    succeed_at(breaker, kSecond);  // the run begins again
    for (int i = 0; i < 4; ++i) CHECK(fail_at(breaker, kSecond).change == Change::none);
    const Outcome outcome = fail_at(breaker, kSecond);
    CHECK(outcome.change == Change::opened && outcome.cause == Cause::consecutive);
    CHECK(outcome.open_ns == 30 * kSecond);
    CHECK(breaker.enter(kSecond).permit == kRefused);
    CHECK(breaker.try_enter() == kRefused);
    CHECK(breaker.figures().refused == 1);
}

TEST(failures_spread_over_more_than_the_window_do_not_add_up) {
    Breaker breaker(five_in_thirty());
    for (std::uint64_t i = 0; i < 100; ++i) CHECK(fail_at(breaker, i * 8 * kSecond).change == Change::none);
    CHECK(breaker.state() == State::closed);
    for (std::uint64_t i = 0; i < 2; ++i) fail_at(breaker, (794 + i) * kSecond);  // 776 784 792 794 795: 19 s
    CHECK(breaker.state() == State::open);
}

TEST(a_ratio_needs_a_minimum_of_calls_and_looks_at_the_window_alone) {
    Rules rules = five_in_thirty();
    rules.consecutive = 0, rules.failure_ratio = 0.5, rules.window_ns = 10 * kSecond;
    Breaker breaker(rules);
    for (int i = 0; i < 9; ++i) succeed_at(breaker, kSecond), fail_at(breaker, kSecond);
    CHECK(breaker.state() == State::closed);  // 18 calls
    succeed_at(breaker, 12 * kSecond);        // the window has moved on: one call
    for (int i = 0; i < 18; ++i) CHECK(fail_at(breaker, 12 * kSecond).change == Change::none);
    CHECK(fail_at(breaker, 12 * kSecond).cause == Cause::failures);  // 19 of 20
}

TEST(a_probe_that_tells_twice_gives_its_place_back_once) {
    Rules rules = five_in_thirty();
    rules.open_ns = kSecond, rules.close_after = 3;
    Breaker breaker(rules);
    open_by_failures(breaker, 0);
    const std::uint64_t permit = breaker.enter(2 * kSecond).permit;
    for (int i = 0; i < 3; ++i) breaker.cancel(permit);
    CHECK(breaker.figures().stale == 2);
    CHECK(breaker.enter(2 * kSecond).permit == permit);    // the place that was given back,
    CHECK(breaker.enter(2 * kSecond).permit == kRefused);  // and no second one
    for (int i = 0; i < 3; ++i) breaker.succeed(permit, 2 * kSecond, 0, 0.0);
    CHECK(breaker.state() == State::half_open);  // one success of the three that close it
    CHECK(breaker.enter(2 * kSecond).permit == permit);
    breaker.cancel(permit);
    CHECK(breaker.fail(permit, 2 * kSecond, 0, 0.0).change == Change::none);  // it has told how it ended
    CHECK(breaker.state() == State::half_open);
}

TEST(a_permit_that_nobody_gave_holds_nothing) {
    Rules rules = five_in_thirty();
    Breaker breaker(rules);
    const std::uint64_t permit = breaker.try_enter();
    CHECK(breaker.try_succeed(permit));
    for (unsigned bit = 1; bit < 64; ++bit) {
        const std::uint64_t other = permit ^ std::uint64_t{1} << bit;
        CHECK(!breaker.try_succeed(other));
        CHECK(!breaker.try_succeed(other, 0, 0));
    }
    CHECK(!breaker.try_succeed(kRefused));
    open_by_failures(breaker, 0);
    CHECK(!breaker.try_succeed(kRefused));
    rules.failure_ratio = 0.5;
    Breaker counting(rules);
    CHECK(!counting.try_succeed(counting.try_enter() | std::uint64_t{1} << 60, 0, 0));
}

TEST(slow_calls_open_it_and_a_slow_probe_does_not_close_it) {
    Rules rules = five_in_thirty();
    rules.slow_ratio = 0.5, rules.slow_ns = 1'000'000, rules.open_ns = kSecond;
    Breaker breaker(rules);
    for (int i = 0; i < 10; ++i) succeed_at(breaker, 0, 999'999);
    for (int i = 0; i < 9; ++i) succeed_at(breaker, 0, 1'000'000);
    CHECK(breaker.state() == State::closed);
    CHECK(breaker.succeed(breaker.enter(0).permit, 0, 2'000'000, 0.0).cause == Cause::slow);
    succeed_at(breaker, kSecond, 1'000'000);
    CHECK(breaker.state() == State::open);
    succeed_at(breaker, 3 * kSecond, 0);
    CHECK(breaker.state() == State::closed);
}

TEST(half_open_lets_exactly_its_probes_through) {
    Rules rules = five_in_thirty();
    rules.probes = 3, rules.close_after = 2;
    Breaker breaker(rules);
    open_by_failures(breaker, 0);
    CHECK(breaker.enter(30 * kSecond - 1).permit == kRefused);
    std::vector<std::uint64_t> permits;
    for (int i = 0; i < 50; ++i) {
        const Entry entry = breaker.enter(30 * kSecond);
        CHECK((entry.outcome.change == Change::half_opened) == (i == 0));
        if (entry.permit != kRefused) permits.push_back(entry.permit);
    }
    CHECK(permits.size() == 3);
    breaker.cancel(permits[0]);
    CHECK(breaker.enter(30 * kSecond).permit != kRefused);  // its place was given back
    CHECK(breaker.succeed(permits[1], 30 * kSecond, 0, 0.0).change == Change::none);
    CHECK(breaker.succeed(permits[2], 30 * kSecond, 0, 0.0).change == Change::closed);
}

TEST(lost_probes_give_their_places_back_and_their_results_change_nothing) {
    Rules rules = five_in_thirty();
    rules.probe_timeout_ns = 2 * kSecond;
    Breaker breaker(rules);
    open_by_failures(breaker, 0);
    const std::uint64_t lost = breaker.enter(30 * kSecond).permit;
    CHECK(breaker.enter(32 * kSecond - 1).permit == kRefused);
    const std::uint64_t next = breaker.enter(32 * kSecond).permit;
    CHECK(next != kRefused && next != lost);
    CHECK(breaker.fail(lost, 32 * kSecond, 0, 0.0).change == Change::none);
    CHECK(breaker.state() == State::half_open);
    CHECK(breaker.succeed(next, 32 * kSecond, 0, 0.0).change == Change::closed);
}

TEST(probes_that_come_rarely_still_close_it) {
    Rules rules = five_in_thirty();
    rules.close_after = 3;
    Breaker breaker(rules);
    open_by_failures(breaker, 0);
    for (std::uint64_t i = 1; i <= 3; ++i) succeed_at(breaker, i * 1000 * kSecond);
    CHECK(breaker.state() == State::closed);
}

TEST(what_began_before_a_change_alters_nothing_when_it_ends) {
    Breaker breaker(five_in_thirty());
    const std::uint64_t early = breaker.enter(0).permit;
    open_by_failures(breaker, 0);
    CHECK(breaker.succeed(early, 1, 0, 0.0).change == Change::none);
    CHECK(breaker.state() == State::open);
    succeed_at(breaker, 30 * kSecond);
    CHECK(breaker.state() == State::closed);
    for (int i = 0; i < 5; ++i) CHECK(breaker.fail(early, 30 * kSecond, 0, 0.0).change == Change::none);
    CHECK(breaker.state() == State::closed);
    CHECK(breaker.figures().stale == 6);
}

TEST(each_failed_probe_doubles_the_wait_up_to_the_longest_and_chance_adds_a_tenth) {
    Rules rules;
    rules.open_ns = kSecond, rules.max_open_ns = 4 * kSecond;
    Breaker breaker(rules);
    open_by_failures(breaker, 0);
    std::uint64_t now = 2 * kSecond;
    for (const std::uint64_t expected : {2, 4, 4, 4}) {
        CHECK(fail_at(breaker, now, 0.0).open_ns == expected * kSecond);
        now += expected * kSecond;
    }
    CHECK(fail_at(breaker, now, 0.5).open_ns == 4 * kSecond + kSecond / 5);
    succeed_at(breaker, now + 5 * kSecond);
    for (int i = 0; i < 4; ++i) fail_at(breaker, now);
    CHECK(fail_at(breaker, now, 0.0).open_ns == kSecond);  // closed in between: from the beginning
}

TEST(modes_stand_above_the_rules) {
    Breaker breaker(five_in_thirty());
    CHECK(breaker.set_mode(Mode::forced_open) == Mode::automatic);
    CHECK(breaker.enter(~std::uint64_t{0} - 1).permit == kRefused);
    CHECK(breaker.retry_ns(0) == kForever);
    CHECK(breaker.set_mode(Mode::disabled) == Mode::forced_open);
    for (int i = 0; i < 50; ++i) fail_at(breaker, 0);
    CHECK(breaker.enter(0).permit == kUncounted);
    CHECK(breaker.set_mode(Mode::metrics_only) == Mode::disabled);
    int told = 0;
    for (int i = 0; i < 50; ++i) told += fail_at(breaker, 0).change == Change::would_open;
    CHECK(told == 10 && breaker.state() == State::closed);
    CHECK(breaker.set_mode(Mode::automatic) == Mode::metrics_only);
    open_by_failures(breaker, 0);
    CHECK(breaker.reset().change == Change::closed);
    CHECK(breaker.try_enter() == breaker.generation());
}

TEST(the_last_alternative_never_opens) {
    const auto all = std::make_shared<Alternatives>();
    Breaker first(five_in_thirty(), all), second(five_in_thirty(), all);
    open_by_failures(first, 0);
    Outcome outcome;
    for (int i = 0; i < 5; ++i) outcome = fail_at(second, 0);
    CHECK(outcome.change == Change::spared && second.state() == State::closed);
    succeed_at(first, 30 * kSecond);
    CHECK(all->available() == 2);
    open_by_failures(second, 30 * kSecond);
    CHECK(second.state() == State::open);
    CHECK(second.set_mode(Mode::disabled) == Mode::automatic && all->available() == 2);
    first.set_mode(Mode::forced_open);  // the user's word
    second.set_mode(Mode::forced_open);
    CHECK(all->available() == 0);
    first.reset();
    CHECK(first.mode() == Mode::forced_open && all->available() == 0);
}

TEST(alternatives_that_are_gone_do_not_count) {
    const auto all = std::make_shared<Alternatives>();
    Breaker stays(five_in_thirty(), all);
    {
        const Breaker goes(five_in_thirty(), all);
    }
    for (int i = 0; i < 5; ++i) fail_at(stays, 0);
    CHECK(stays.state() == State::closed);
}

TEST(the_quarantine_of_the_router_is_a_breaker) {
    using namespace atalanta::routing;
    Router router;
    router.add_target(Tier::baseline, Memory::host, 0.0);
    router.add_target(Tier::wide, Memory::host, 0.0);
    router.add_operation(OperationClass::vector, 8.0);
    const CostPoint slow[] = {{64, 1e4}, {1 << 20, 1e8}}, quick[] = {{64, 1e3}, {1 << 20, 1e7}};
    for (std::size_t target : {0, 1}) router.allow(0, target, 1e-15);
    router.calibrate(0, 0, slow), router.calibrate(0, 1, quick);
    CHECK(router.decide(0, 1 << 20, 1.0).target == 1);
    const std::uint64_t early = router.permit(1);
    CHECK(router.fail(1, kSecond) == 50'000'000);
    CHECK(router.breaker(1)->state() == State::open);
    CHECK(router.decide(0, 1 << 20, 1.0).reason == Reason::health);
    CHECK(router.fail(1, kSecond, early) == 0);                              // it began before
    CHECK(!router.observe(0, 1, 1 << 20, 1e7, false, Memory::host, early));  // likewise
    CHECK(router.breaker(1)->retry_ns(kSecond) == 50'000'000);
    CHECK(router.observe(0, 1, 1 << 20, 1e7, false, Memory::host, router.permit(1)));  // asked for by name
    CHECK(router.decide(0, 1 << 20, 1.0).target == 1);
    router.breaker(1)->set_mode(Mode::forced_open);
    router.refresh_health();
    CHECK(router.decide(0, 1 << 20, 1.0).target == 0);
    CHECK(!router.observe(0, 1, 1 << 20, 1e7));  // the user's word stands
    router.breaker(1)->set_mode(Mode::automatic);
    router.refresh_health();
    CHECK(router.decide(0, 1 << 20, 1.0).target == 1);
}

TEST(threads_that_come_at_once_share_out_exactly_the_probes) {
    Rules rules = five_in_thirty();
    rules.probes = 2;
    constexpr int kThreads = 4, kRounds = 500;
    std::atomic<int> admitted{0}, wrong{0};
    Breaker breaker(rules);
    std::barrier gate(kThreads);
    const auto work = [&](int index) {
        for (int round = 0; round < kRounds; ++round) {
            if (index == 0) breaker.reset(), open_by_failures(breaker, 0), admitted = 0;
            gate.arrive_and_wait();
            if (breaker.enter(30 * kSecond).permit != kRefused) admitted.fetch_add(1);
            gate.arrive_and_wait();
            if (index == 0 && admitted != 2) wrong.fetch_add(1);
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
    CHECK(wrong == 0);
}

TEST(threads_lose_no_success_and_no_failure) {
    Rules rules = five_in_thirty();
    rules.consecutive = 0, rules.failure_ratio = 0.5, rules.window_ns = 1000 * kSecond;
    Breaker counted(rules);
    constexpr int kThreads = 4, kCalls = 10'000;
    const auto count = [&] {
        for (std::uint64_t now = 0; now < kCalls; ++now) succeed_at(counted, now);
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(count);
    for (std::thread& thread : threads) thread.join();
    for (int i = 1; i < kThreads * kCalls; ++i) fail_at(counted, kCalls);
    CHECK(counted.state() == State::closed);  // one failure fewer than successes
    CHECK(fail_at(counted, kCalls).cause == Cause::failures);
}

TEST(threads_that_fail_cancel_and_succeed_leave_it_usable) {
    Rules rules = five_in_thirty();
    rules.failure_ratio = 0.5, rules.open_ns = 1, rules.max_open_ns = 1, rules.probe_timeout_ns = kSecond;
    Breaker breaker(rules);
    const auto work = [&](unsigned seed) {
        for (std::uint64_t now = 1; now < 20'000; ++now) {
            seed = seed * 1664525u + 1013904223u;
            std::uint64_t permit = breaker.try_enter();
            if (permit == kRefused) permit = breaker.enter(now).permit;
            if (permit == kRefused) continue;
            if (seed >> 30 == 0) {
                breaker.cancel(permit);
            } else if (seed >> 30 == 1) {
                breaker.fail(permit, now, 0, 0.0);
            } else if (!breaker.try_succeed(permit, now, 0)) {
                breaker.succeed(permit, now, 0, 0.0);
            }
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; ++i) threads.emplace_back(work, i);
    for (std::thread& thread : threads) thread.join();
    CHECK(breaker.figures().opened > 0);
    if (breaker.state() != State::closed)
        succeed_at(breaker, 20'001);  // no probe was lost: one is let through
    CHECK(breaker.state() == State::closed);
}

ATALANTA_TEST_MAIN
