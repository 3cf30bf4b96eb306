// The scenario ladder of a stream: what solves say, when volatilities and spots move, when they go far, when
// positions change and contracts expire; and threads.
#include <atomic>
#include <thread>
#include <vector>

#include "base/monotonic.hpp"
#include "check.hpp"
#include "pricing/american.hpp"
#include "streaming/scenario_ladder.hpp"
#include "streaming_universe.hpp"

using namespace market;

namespace {

ScenarioTerms terms() {
    ScenarioTerms all;
    all.spot_shocks = {-0.1, 0.0, 0.05};
    all.vol_shocks = {-0.2, 0.0, 0.3};
    return all;
}

// An engine with a scenario ladder and positions: contract c has quantity c - 2, so that five of six are
// held; the underlying 50.
struct Market {
    Universe all;
    ScenarioLadder ladder;
    Engine engine;
    Producer& producer;
    std::vector<double> quantity;

    explicit Market(bool american, ScenarioTerms asked = terms(), const Settings& settings = {},
                    std::uint32_t contracts = 6)
        : all(universe(1, contracts, american)),
          ladder(std::move(asked), 1),
          engine(all, settings, kStandard, std::vector{ladder.stage()}),
          producer(engine.add_producer()),
          quantity(all.keys()) {
        quantity[0] = 50.0;
        for (std::uint32_t c = 0; c < contracts; ++c) quantity[1 + c] = c - 2.0;
    }
    ~Market() {
        engine.stop(false);
        ladder.stop();
    }

    template <class F>
    void between(F&& work) {
        engine.between_batches([](void* state) { (*static_cast<std::remove_reference_t<F>*>(state))(); },
                               &work);
    }
    void hold() {
        ladder.hold(engine.universe(), quantity, [&](auto&& swap) {
            auto work = [&] { swap(engine.everything()); };
            between(work);
        });
    }
    void push(const Event& event) {
        Event stamped = event;
        stamped.intended_ns = monotonic_ns();
        producer.push(&stamped, 1);
        if (!engine.is_running()) engine.pump();
    }
    void refresh() {
        auto ask = [&] { ladder.ask_now(engine.everything()); };
        auto take = [&] { ladder.catch_up(engine.everything()); };
        between(take);
        between(ask);
        ladder.solve_waiting();
        between(take);
    }
    // Of the book in a cell against no shock, every contract from a solve of its own.
    double expected(double spot, const std::vector<double>& vols, std::int64_t now, double spot_shock,
                    double vol_shock) const {
        return worth(spot * (1 + spot_shock), vols, now, 1 + vol_shock) - worth(spot, vols, now, 1.0) +
               50.0 * spot * spot_shock;
    }
    double worth(double spot, const std::vector<double>& vols, std::int64_t now, double factor) const {
        double sum = 0.0;
        const Group& group = all.groups[0];
        const double years = static_cast<double>(group.expires_ns - now) / kYearNs;
        const std::size_t offsets[] = {0, 1};
        const double ex = static_cast<double>(10 * kDay - now) / kYearNs, cash = 0.5;
        const std::int32_t none = group.american && ex > 0 ? 0 : -1;
        for (std::uint32_t c = 0; c < all.contracts(); ++c) {
            const double vol = vols[c] * factor;
            const OptionRows row = {1,
                                    {&all.right[c], true},
                                    {&spot, true},
                                    {&all.strike[c], true},
                                    {&years, true},
                                    {&group.rate, true},
                                    {&group.yield, true},
                                    {&vol, true}};
            double value = kNone;
            const Terms how{group.american ? Exercise::american : Exercise::european,
                            {1, offsets, &ex, &cash, {&none, true}},
                            Tolerance{1e-4, 1e-4}};
            price(row, how, &value, 1);
            sum += 100.0 * (c - 2.0) * value;
        }
        return sum;
    }
    void check(double spot, const std::vector<double>& vols, std::int64_t now, double tolerance) const {
        const ScenarioView view = ladder.view();
        const ScenarioTerms& asked = ladder.terms();
        for (std::size_t i = 0; i < asked.cells(); ++i) {
            const double shock = asked.spot_shocks[i / asked.vol_shocks.size()];
            const double shift = asked.vol_shocks[i % asked.vol_shocks.size()];
            CHECK_CLOSE(expected(spot, vols, now, shock, shift), view.pnl[i], tolerance);
        }
    }
};

constexpr std::int64_t kStart = 1'000'000;
constexpr double kShares = 100.0 * 9;  // sum of |quantity| times the multiplier
constexpr double kTenthOfACent = 1e-3;

Event tick(double spot, std::int64_t time_ns = kStart) {
    return quote(0, spot - 0.01, spot + 0.01, time_ns);
}

}  // namespace

// Before the first ladders there is no number; then every cell is that of solves, at the spot of each tick.
TEST(cells_are_those_of_solves_at_every_tick) {
    for (const bool american : {false, true}) {
        Market one(american);
        one.hold();
        one.push(tick(100.0));
        CHECK(std::isnan(one.ladder.view().pnl[0]));
        CHECK(one.ladder.view().left_out == 5);
        one.refresh();
        const std::vector<double> vols(6, 0.2);
        one.check(100.0, vols, kStart, kTenthOfACent * kShares);
        CHECK(one.ladder.view().pnl[one.ladder.terms().still()] == 0.0);
        for (const double spot : {101.3, 98.2, 104.9, 95.2}) {
            one.push(tick(spot));
            one.check(spot, vols, kStart, kTenthOfACent * kShares);
        }
        CHECK(one.ladder.view().builds == 1);
        CHECK(one.ladder.view().pending == 0);
        CHECK_CLOSE(one.worth(95.2, vols, kStart, 1.0) + 50.0 * 95.2, one.ladder.view().value[0],
                    kTenthOfACent * kShares);
    }
}

// A quote moves its contract's volatility: that contract alone is read, and counts at once.
TEST(a_moved_volatility_corrects_the_sums) {
    Market one(false);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    std::vector<double> vols(6, 0.2);
    for (const std::uint32_t c : {1U, 5U}) {
        vols[c] = 0.2015;
        const Group& group = one.all.groups[0];
        const double years = static_cast<double>(group.expires_ns - kStart) / kYearNs, spot = 100.0;
        const OptionRows row = {1,
                                {&one.all.right[c], true},
                                {&spot, true},
                                {&one.all.strike[c], true},
                                {&years, true},
                                {&group.rate, true},
                                {&group.yield, true},
                                {&vols[c], true}};
        double mid = 0.0;
        price(row, Terms{Exercise::european, {}, Tolerance{1e-9, 1e-9}}, &mid, 1);
        one.push(quote(1 + c, mid - 0.01, mid + 0.01, kStart));
        CHECK(one.ladder.view().pending == 0);
        one.check(100.0, vols, kStart, kTenthOfACent * kShares);
    }
    one.push(tick(103.0));
    one.check(103.0, vols, kStart, kTenthOfACent * kShares);
    CHECK(one.ladder.view().builds == 1);
    // Another part of the correction would stay if it were not taken back.
    one.push(tick(100.0));
    one.check(100.0, vols, kStart, kTenthOfACent * kShares);
}

// What an expiry is priced on may move against the price that ticks: as a volatility does, it counts at once.
TEST(a_forward_that_is_fitted_again_corrects_the_sums) {
    Market one(false);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    Universe fitted = one.all;
    fitted.groups[0].scale = 1.003;
    const Forwards forwards(fitted, Settings{});
    const RiskBatch all = one.engine.everything();
    const Range every{0, 6};
    const RiskStage stage = one.ladder.stage();
    stage.run(stage.state, {one.all, all.contracts, all.spots, {&every, 1}, {}, kStart, forwards, false});
    const ScenarioTerms& asked = one.ladder.terms();
    const std::vector<double> vols(6, 0.2);
    for (std::size_t i = 0; i < asked.cells(); ++i) {
        const double shock = asked.spot_shocks[i / 3], shift = asked.vol_shocks[i % 3];
        const double expected = one.expected(100.3, vols, kStart, shock, shift) - 50.0 * 0.3 * shock;
        CHECK_CLOSE(expected, one.ladder.view().pnl[i], kTenthOfACent * kShares);
    }
    CHECK(one.ladder.view().pending == 0);
    CHECK(one.ladder.view().builds == 1);
}

// Their payoff bends between two nodes of the sums: they are read by themselves, all of them, at every tick.
TEST(options_in_their_last_hour) {
    for (const bool american : {false, true}) {
        ScenarioTerms few = terms();
        few.reads = 1;
        Market one(american, few);
        one.hold();
        const std::int64_t now = 30 * kDay - kDay / 24;
        one.push(tick(100.0, now));
        one.refresh();
        const std::vector<double> vols(6, 0.2);
        for (const double spot : {100.0, 99.4, 100.7, 103.1}) {
            one.push(tick(spot, now));
            CHECK(one.ladder.view().pending == 0);
            one.check(spot, vols, now, kTenthOfACent * kShares);
        }
        CHECK(one.ladder.view().builds == 1);
    }
}

// What a batch may not read waits, and is said; the next batch reads on.
TEST(reads_of_a_batch_are_bounded) {
    ScenarioTerms few = terms();
    few.reads = 1;
    Settings slow;
    Market one(false, few, slow);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    Event both[2] = {quote(2, 3.0, 3.1, kStart), quote(4, 3.0, 3.1, kStart)};
    one.producer.push(both, 2);
    one.engine.pump();
    CHECK(one.ladder.view().pending >= 1);
    auto take = [&] { one.ladder.catch_up(one.engine.everything()); };
    one.between(take);
    CHECK(one.ladder.view().pending <= 2);  // volatilities far beyond the ladders wait for new ones
}

// Late, with the policy degrade: the sums alone, and the results say so.
TEST(a_cheaper_answer_reads_the_sums_alone) {
    Settings settings;
    settings.budgets[2] = {1, OnMiss::degrade};
    Market one(false, terms(), settings);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    const auto outlet = one.engine.add_outlet(64, Wanted::events);
    Event event = quote(2, 2.9, 3.0, kStart);
    event.intended_ns = 1;  // long ago
    one.producer.push(&event, 1);
    one.engine.pump();
    Result result;
    CHECK(outlet->take(&result, 1) == 1);
    CHECK((result.flags & kDegraded) != 0);
    CHECK(one.ladder.view().pending == 1);
}

// Beyond the ladders there is no number; new ones are asked for and then there is.
TEST(a_spot_beyond_the_ladders_waits_for_new_ones) {
    Market one(true);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    one.push(tick(112.0));
    CHECK(std::isnan(one.ladder.view().pnl[0]));
    CHECK(std::isnan(one.ladder.view().value[0]));
    CHECK(one.ladder.solve_waiting());  // was asked for by the tick
    one.push(tick(112.1));
    CHECK(one.ladder.view().builds == 2);
    one.check(112.1, std::vector<double>(6, 0.2), kStart, kTenthOfACent * kShares);
}

// Time asks for new ladders too, and what has expired is in no cell.
TEST(time_and_expiry) {
    Market one(true);
    one.hold();
    one.push(tick(100.0));
    one.refresh();
    const std::int64_t later = kStart + 2 * kDay;
    one.push(tick(100.0, later));
    CHECK(one.ladder.solve_waiting());
    one.push(tick(100.0, later));
    one.check(100.0, std::vector<double>(6, 0.2), later, kTenthOfACent * kShares);
    CHECK(one.ladder.view().time_ns == later);
    one.push(tick(100.0, 31 * kDay));
    CHECK(one.ladder.solve_waiting());
    one.push(tick(101.0, 31 * kDay));
    CHECK(one.ladder.view().left_out == 5);
    CHECK_CLOSE(-0.1 * 50 * 101.0, one.ladder.view().pnl[0], 1e-9);  // the shares alone
    CHECK(!one.ladder.solve_waiting());                              // and nothing is asked again and again
}

// Other positions begin without ladders; what was solved for the old ones is not shown as theirs.
TEST(other_positions) {
    Market one(false);
    one.hold();
    one.push(tick(100.0));
    CHECK(one.ladder.solve_waiting());
    one.quantity[3] = 0.0;
    one.quantity[1] = 7.0;
    one.hold();
    one.push(tick(100.0));
    CHECK(std::isnan(one.ladder.view().pnl[0]));
    one.refresh();
    CHECK(one.ladder.view().positions == 5);
    CHECK(std::isfinite(one.ladder.view().pnl[0]));
    for (double& each : one.quantity) each = 0.0;
    one.hold();
    one.push(tick(100.0));
    CHECK_CLOSE(0.0, one.ladder.view().pnl[0], 0);
    CHECK(one.ladder.view().positions == 0);
}

// Contracts without a volatility, or an underlying without a spot, are left out until there is one.
TEST(what_is_not_known_is_left_out) {
    Market one(false);
    Universe unknown = universe(1, 6, false, kNone);
    ScenarioLadder ladder(terms(), 1);
    Engine engine(unknown, {}, kStandard, std::vector{ladder.stage()});
    Producer& producer = engine.add_producer();
    ladder.hold(engine.universe(), one.quantity, [&](auto&& swap) { swap(engine.everything()); });
    Event event = tick(100.0);
    producer.push(&event, 1);
    engine.pump();
    CHECK(ladder.solve_waiting());
    event = quote(2, 3.0, 3.1, kStart);
    producer.push(&event, 1);
    engine.pump();
    CHECK(ladder.solve_waiting());
    producer.push(&event, 1);
    engine.pump();
    CHECK(ladder.view().left_out == 4);
}

TEST(terms_are_checked) {
    const auto refused = [](auto change) {
        ScenarioTerms wrong = terms();
        change(wrong);
        try {
            ScenarioLadder ladder(wrong, 1);
        } catch (const std::invalid_argument&) {
            return true;
        }
        return false;
    };
    CHECK(refused([](ScenarioTerms& t) { t.spot_shocks = {-0.1, 0.1}; }));
    CHECK(refused([](ScenarioTerms& t) { t.spot_shocks = {0.0, -0.1}; }));
    CHECK(refused([](ScenarioTerms& t) { t.spot_shocks = {-0.99, 0.0, 5.0}; }));
    CHECK(refused([](ScenarioTerms& t) { t.vol_shocks.clear(); }));
    CHECK(refused([](ScenarioTerms& t) { t.reads = 0; }));
    CHECK(refused([](ScenarioTerms& t) { t.spot_drift = 0.0; }));
    CHECK(!refused([](ScenarioTerms&) {}));
}

// A thread that solves, one that pushes, one that reads and one that replaces positions.
TEST(threads) {
    Market one(true, terms(), {}, 4);
    one.hold();
    one.ladder.start();
    one.engine.start(Executor::hybrid);
    std::atomic<bool> done{false};
    std::thread reader([&] {
        while (!done.load()) {
            double sum = 0.0;
            auto read = [&] {
                const ScenarioView view = one.ladder.view();
                for (std::size_t i = 0; i < one.ladder.terms().cells(); ++i) sum += view.pnl[i];
            };
            one.between(read);
            std::this_thread::sleep_for(std::chrono::microseconds(300));
        }
    });
    std::thread positions([&] {
        for (int turn = 0; turn < 5; ++turn) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
            one.quantity[1] = turn;
            one.hold();
        }
    });
    for (int i = 0; i < 400; ++i) {
        one.push(tick(100.0 + i % 9, kStart + i * kDay / 200));
        one.push(
            quote(1 + static_cast<std::uint32_t>(i) % 4, 3.0, 3.1 + 0.01 * (i % 7), kStart + i * kDay / 200));
        std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    positions.join();
    done.store(true);
    reader.join();
    const std::int64_t end = kStart + 2 * kDay;
    std::uint64_t builds = 0;
    auto count = [&] { builds = one.ladder.view().builds; };
    for (int i = 0; i < 4000 && builds == 0; ++i) {
        one.push(tick(100.0, end));
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        one.between(count);
    }
    one.engine.stop(true);
    one.ladder.stop();
    CHECK(one.ladder.view().builds > 0);
    CHECK(one.engine.account().exact());
}

ATALANTA_TEST_MAIN
