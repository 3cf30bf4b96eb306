// The streaming engine on one thread: rings, histograms, hygiene, pricing against the pricing functions,
// conflation, budgets and the account.
#include <vector>

#include "base/latency_histogram.hpp"
#include "base/monotonic.hpp"
#include "check.hpp"
#include "pricing/european.hpp"
#include "streaming_universe.hpp"

namespace {

using namespace market;

std::vector<Result> push_and_take(Engine& engine, Producer& producer, Outlet& outlet,
                                  const std::vector<Event>& events) {
    std::vector<Event> stamped = events;
    for (Event& event : stamped) {
        if (event.intended_ns == 0) event.intended_ns = monotonic_ns();
    }
    producer.push(stamped.data(), stamped.size());
    engine.pump();
    std::vector<Result> results(4096);
    results.resize(outlet.take(results.data(), results.size()));
    return results;
}

// Budgets that a slow machine, an emulated one for example, keeps as well.
Settings unhurried() {
    Settings settings;
    for (Budget& budget : settings.budgets) budget.ns = 1'000'000'000;
    return settings;
}

struct Bench {
    explicit Bench(const Universe& universe, const Settings& settings = unhurried())
        : engine(universe, settings),
          producer(engine.add_producer()),
          outlet(engine.add_outlet(4096, Wanted::events)) {}
    std::vector<Result> operator()(const std::vector<Event>& events) {
        return push_and_take(engine, producer, *outlet, events);
    }
    Engine engine;
    Producer& producer;
    std::shared_ptr<Outlet> outlet;
};

double price_of(const Universe& all, std::uint32_t c, double spot, std::int64_t now, double vol) {
    const double years = static_cast<double>(all.groups[0].expires_ns - now) / kYearNs;
    double out = 0.0;
    price(OptionRows{1,
                     {&all.right[c], true},
                     {&spot, true},
                     {&all.strike[c], true},
                     {&years, true},
                     {&all.groups[0].rate, true},
                     {&all.groups[0].yield, true},
                     {&vol, true}},
          &out, 1);
    return out;
}

TEST(the_buckets_of_a_histogram_hold_every_number) {
    for (std::uint64_t value : {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{32}, std::uint64_t{1000},
                                std::uint64_t{123456789}, ~std::uint64_t{0}}) {
        const std::size_t bucket = histogram_bucket(value);
        CHECK(bucket < kHistogramBuckets);
        CHECK(histogram_edge(bucket) <= value);
        CHECK(bucket + 1 == kHistogramBuckets || value < histogram_edge(bucket + 1));
    }
    for (std::size_t i = 0; i < kHistogramBuckets; ++i) CHECK(histogram_bucket(histogram_edge(i)) == i);
}

TEST(quantiles_are_within_a_bucket_of_the_truth) {
    LatencyHistogram histogram;
    CHECK(histogram.snapshot().quantile(0.5) == 0);
    for (std::uint64_t i = 1; i <= 10000; ++i) histogram.record(i);
    const HistogramCounts counts = histogram.snapshot();
    CHECK(counts.total() == 10000);
    CHECK(counts.most == 10000);
    for (const double share : {0.01, 0.5, 0.99, 0.999}) {
        CHECK_CLOSE(10000.0 * share, static_cast<double>(counts.quantile(share)), 10000.0 * share / 31.0);
    }
    CHECK(counts.quantile(1.0) == 10000);
}

TEST(a_run_of_values_ends_up_as_each_would_by_itself) {
    LatencyHistogram one_by_one, in_runs;
    std::uint64_t value = 1;
    {
        HistogramRun run(in_runs);
        for (int i = 0; i < 5000; ++i) {
            if (i % 7 == 0) value = value * 2862933555777941757ULL + 3037000493ULL;
            const std::uint64_t each = i % 3 == 0 ? ~value >> (i % 64) : (value >> (i / 7 % 64)) + i % 5;
            one_by_one.record(each);
            run.record(each);
        }
        for (const std::uint64_t edge :
             {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{32}, ~std::uint64_t{0}}) {
            one_by_one.record(edge);
            run.record(edge);
        }
    }
    const HistogramCounts expected = one_by_one.snapshot(), found = in_runs.snapshot();
    CHECK(found.buckets == expected.buckets);
    CHECK(found.most == expected.most);
    {
        HistogramRun nothing(in_runs);
    }
    CHECK(in_runs.snapshot().total() == 5004);
    for (std::size_t i = 0; i + 1 < kHistogramBuckets; ++i) {
        CHECK(histogram_edge(i) + histogram_width(i) == histogram_edge(i + 1));
    }
}

TEST(a_ring_keeps_order_and_refuses_what_does_not_fit) {
    Ring<Event> ring(8);
    std::vector<Event> events(20, quote(0, 1, 2));
    for (std::uint32_t i = 0; i < 20; ++i) events[i].key = i;
    CHECK(ring.push(events.data(), 5) == 5);
    std::size_t count = 0;
    CHECK(ring.peek(count)->key == 0 && count == 5);
    ring.consume(3);
    CHECK(ring.push(events.data() + 5, 15) == 6);  // across the end of the memory
    std::uint32_t next = 3;
    for (const Event* found = ring.peek(count); count > 0; found = ring.peek(count)) {
        for (std::size_t i = 0; i < count; ++i) CHECK(found[i].key == next++);
        ring.consume(count);
    }
    CHECK(next == 11);
    CHECK(ring.pushed() == 11 && ring.consumed() == 11);
}

TEST(sequence_numbers_tell_gaps_late_ones_and_duplicates) {
    SequenceWindow window;
    std::uint32_t missing = 0;
    CHECK(window.arrive(10, missing) == Arrival::in_order);
    CHECK(window.arrive(11, missing) == Arrival::in_order);
    CHECK(window.arrive(15, missing) == Arrival::after_gap && missing == 3);
    CHECK(window.arrive(13, missing) == Arrival::late);
    CHECK(window.arrive(13, missing) == Arrival::duplicate);
    CHECK(window.arrive(15, missing) == Arrival::duplicate);
    CHECK(window.arrive(9, missing) == Arrival::duplicate);  // before the first
    CHECK(window.arrive(15 + 5000, missing) == Arrival::after_gap && missing == 4999);
    CHECK(window.arrive(14, missing) == Arrival::duplicate);  // older than the window
    CHECK(window.arrive(5014, missing) == Arrival::late);
}

TEST(a_quote_gives_the_volatility_and_greeks_of_the_pricing_functions) {
    const Universe all = universe(1, 4);
    Bench bench(all);
    const double worth = price_of(all, 1, 101.0, 2'000'000, 0.35);
    const auto results = bench({quote(0, 100.9, 101.1), quote(2, worth - 0.01, worth + 0.01, 2'000'000)});
    CHECK(results.size() == 2);
    CHECK_CLOSE(101.0, results[0].price, 1e-12);
    CHECK_CLOSE(0.35, results[1].vol, 1e-9);
    CHECK_CLOSE(worth, results[1].price, 1e-9);
    CHECK(results[1].flags == 0);
    CHECK(results[1].delta < 0.0 && results[1].gamma > 0.0 && results[1].vega > 0.0);
}

TEST(a_tick_of_the_underlying_reprices_the_whole_expiry) {
    const Universe all = universe(2, 6);
    Bench bench(all);
    bench({quote(0, 103.9, 104.1, 5'000'000)});
    const double* price = bench.engine.pricing().columns().price;
    for (std::uint32_t c = 0; c < 6; ++c)
        CHECK_CLOSE(price_of(all, c, 104.0, 5'000'000, 0.2), price[c], 1e-9);
    for (std::uint32_t c = 6; c < 12; ++c) CHECK(std::isnan(price[c]));  // of the other underlying
    CHECK(bench.engine.account().tally.repriced == 6);
}

TEST(a_tick_after_a_quote_of_the_same_batch_uses_its_volatility) {
    const Universe all = universe(1, 4);
    Bench bench(all);
    const double worth = price_of(all, 0, 100.0, 1'000'000, 0.5);
    bench({quote(0, 99.9, 100.1), quote(1, worth, worth), quote(0, 101.9, 102.1)});
    CHECK_CLOSE(price_of(all, 0, 102.0, 1'000'000, 0.5), bench.engine.pricing().columns().price[0], 1e-9);
}

TEST(expiries_of_every_size_are_priced_alike) {
    for (const std::uint32_t count : {1U, 8U, 63U, 64U, 65U, 200U}) {
        const Universe all = universe(3, count);
        Settings settings = unhurried();
        settings.rows = 70;  // flushes on the way
        Bench bench(all, settings);
        const double worth = price_of(all, 0, 101.0, 1'000'000, 0.4);
        bench({quote(0, 99.9, 100.1), quote(1, 98.9, 99.1), quote(0, 100.9, 101.1), quote(3, worth, worth),
               quote(2, 97.9, 98.1), quote(0, 101.9, 102.1), quote(1, 95.9, 96.1)});
        const double spots[] = {102.0, 96.0, 98.0};
        const double* price = bench.engine.pricing().columns().price;
        for (std::uint32_t c = 0; c < 3 * count; ++c) {
            CHECK_CLOSE(price_of(all, c, spots[c / count], 1'000'000, c == 0 ? 0.4 : 0.2), price[c], 1e-9);
        }
    }
}

TEST(bad_quotes_are_flagged_and_carry_the_last_volatility) {
    const Universe all = universe(1, 4);
    Bench bench(all);
    const auto results =
        bench({quote(0, 99.9, 100.1), quote(1, 5.0, 4.0), quote(1, kNone, 4.0), quote(1, 4.0, kNone),
               quote(1, -1.0, 0.0), quote(1, 1e-9, 2e-9), quote(1, 99.0, 120.0)});
    CHECK(results.size() == 7);
    CHECK(results[1].flags == (kCrossed | kNoVol | kCarriedVol));
    CHECK(results[2].flags == (kNoBid | kNoVol | kCarriedVol));
    CHECK(results[3].flags == (kNoAsk | kNoVol | kCarriedVol));
    CHECK(results[4].flags == (kNoBid | kNoAsk | kNoVol | kCarriedVol));
    CHECK(results[5].flags == (kNoVol | kBelowIntrinsic | kCarriedVol));
    CHECK(results[6].flags == (kNoVol | kAboveBound | kCarriedVol));
    for (std::size_t i = 1; i < 7; ++i) {
        CHECK(std::isnan(results[i].vol));
        CHECK_CLOSE(price_of(all, 0, 100.0, 1'000'000, 0.2), results[i].price, 1e-9);
    }
}

TEST(one_sided_updates_leave_the_other_side_as_it_was) {
    Bench bench(universe(1, 2));
    Event bid = quote(0, 99.0, 0.0), ask = quote(0, 0.0, 101.0);
    bid.sides = kBidSide;
    ask.sides = kAskSide;
    const auto results = bench({bid, ask});
    CHECK(results[0].flags == kNoAsk);
    CHECK(results[1].flags == 0);
    CHECK_CLOSE(100.0, results[1].spot, 1e-12);
}

TEST(what_cannot_be_believed_is_dropped_and_counted) {
    Bench bench(universe(1, 2));
    Event wrong_kind = quote(0, 99, 101), wrong_source = quote(0, 99, 101), no_side = quote(0, 99, 101);
    wrong_kind.kind = static_cast<Kind>(7);
    wrong_source.source = 64;
    no_side.sides = 0;
    const auto results = bench({quote(99, 1, 2), wrong_kind, wrong_source, no_side, quote(0, 99, 101, 10, 5),
                                quote(0, 99, 101, 11, 5), quote(0, 99, 101, 12, 8), quote(0, 50, 51, 11, 7),
                                quote(1, 1, 2, 31 * kDay)});
    CHECK(results.size() == 2);
    CHECK(results[1].flags == kAfterGap);
    const Account account = bench.engine.account();
    CHECK(dropped(account, Drop::unknown_key) == 1);
    CHECK(dropped(account, Drop::bad_record) == 3);
    CHECK(dropped(account, Drop::duplicate) == 1);
    CHECK(dropped(account, Drop::out_of_order) == 1);
    CHECK(account.expired == 1);
    CHECK(account.tally.gaps == 1 && account.tally.missing == 2 && account.tally.recovered == 1);
    CHECK(account.in == 9 && account.in_flight == 0 && account.exact());
    const auto gaps = bench.engine.market().gaps();
    CHECK(gaps.size() == 1 && gaps[0].first == 6 && gaps[0].last == 7);
    CHECK_CLOSE(100.0, bench.engine.market().spot(0), 1e-12);  // the overtaken quote changed nothing
}

TEST(a_clock_that_goes_backwards_is_flagged) {
    Settings settings = unhurried();
    settings.stale_after_ns = 1000;
    Bench bench(universe(1, 2), settings);
    const auto results = bench({quote(0, 99, 101, 10'000), quote(0, 99, 101, 9'500), quote(0, 99, 101, 100)});
    CHECK(results[1].flags == kClockBackwards);
    CHECK(results[2].flags == (kClockBackwards | kStale));
    CHECK(bench.engine.account().tally.clock_backwards == 2);
}

TEST(conflation_keeps_the_latest_and_counts_exactly) {
    Settings settings = unhurried();
    settings.conflate_always = true;
    Bench bench(universe(2, 2), settings);
    std::vector<Event> events;
    for (int i = 0; i < 10; ++i) events.push_back(quote(i % 2, 99.0 + i, 101.0 + i));
    Event trade = quote(0, 100.0, kNone);
    trade.kind = Kind::trade;
    events.push_back(trade);
    events.push_back(trade);
    events.push_back(quote(0, 99.0, 101.0, 1'000'000, 1));
    const auto results = bench(events);
    CHECK(results.size() == 5);  // a quote of each key, two trades, one with a number
    CHECK(results[0].key == 0 && results[0].merged == 4);
    CHECK_CLOSE(108.0, results[0].spot, 1e-12);
    CHECK(results[1].key == 1 && results[1].merged == 4);
    const Account account = bench.engine.account();
    CHECK(account.conflated == 8 && account.exact());
}

TEST(watermarks_go_to_conflation_and_shedding_and_back) {
    Settings settings = unhurried();
    settings.ring = 1024;
    settings.batch = 8;
    settings.most_conflated = 64;
    settings.watermarks = {64, 4, 512, 128};
    Bench bench(universe(1, 4), settings);
    std::vector<Event> events(1000, quote(1, 5.0, 5.2));
    const auto results = bench(events);
    const Account account = bench.engine.account();
    CHECK(results.size() == account.out);
    CHECK(dropped(account, Drop::shed) > 0);
    CHECK(account.conflated > 0);
    CHECK(account.tally.mode_changes >= 2);
    CHECK(account.in == 1000 && account.in_flight == 0 && account.exact());
    bench({quote(0, 99, 101)});
    CHECK(bench.engine.account().tally.mode == 0);
}

TEST(shedding_spares_what_a_position_needs) {
    Settings settings = unhurried();
    settings.ring = 1024;
    settings.watermarks = {2, 1, 3, 2};
    Bench bench(universe(1, 4), settings);
    std::vector<double> quantities = {0.0, 1.0, 0.0, 0.0, 0.0};
    bench.engine.positions().replace(quantities, bench.engine.everything());
    const auto results =
        bench({quote(1, 5.0, 5.2), quote(2, 5.0, 5.2), quote(0, 99, 101), quote(2, 5.0, 5.2)});
    CHECK(results.size() == 2 && results[0].key == 1 && results[1].key == 0);
    CHECK(dropped(bench.engine.account(), Drop::shed) == 2);
}

TEST(budgets_mark_drop_degrade_and_halt) {
    const auto late = [](std::vector<Event> events) {
        for (Event& event : events) event.intended_ns = monotonic_ns() - 2'000'000'000;
        return events;
    };
    {
        Bench bench(universe(1, 4));
        const auto results = bench(late({quote(0, 99, 101)}));
        CHECK(results[0].flags == (kLateMarket | kLatePricing | kLateRisk));
        CHECK(results[0].lateness_ns >= 900'000'000);
        CHECK(bench.engine.account().tally.late[2] == 1);
    }
    for (const std::size_t stage : {0, 1}) {
        Settings settings = unhurried();
        settings.budgets[stage].on_miss = OnMiss::drop;
        Bench bench(universe(1, 4), settings);
        CHECK(bench(late({quote(0, 99, 101), quote(1, 5.0, 5.1)})).empty());
        CHECK(bench({quote(0, 99, 101)}).size() == 1);
        CHECK(dropped(bench.engine.account(), Drop::late) == 2 && bench.engine.account().exact());
    }
    {
        Settings settings = unhurried();
        settings.budgets[1].on_miss = OnMiss::degrade;
        const Universe all = universe(1, 4);
        Bench bench(all, settings);
        bench({quote(0, 99, 101)});
        const auto results = bench(late({quote(0, 99.2, 101.2)}));
        CHECK((results[0].flags & kDegraded) != 0);
        CHECK_CLOSE(price_of(all, 0, 100.2, 1'000'000, 0.2), bench.engine.pricing().columns().price[0], 1e-4);
        const double worth = price_of(all, 0, 100.2, 1'000'000, 0.205);
        const auto quoted = bench(late({quote(1, worth, worth)}));
        CHECK((quoted[0].flags & (kDegraded | kFirstOrder)) == (kDegraded | kFirstOrder));
        CHECK_CLOSE(0.205, quoted[0].vol, 3e-4);
    }
    {
        Settings settings = unhurried();
        settings.budgets[2].on_miss = OnMiss::halt;
        Bench bench(universe(1, 4), settings);
        CHECK(bench(late({quote(0, 99, 101)})).size() == 1);
        CHECK(bench({quote(0, 99, 101)}).empty());
        const Account account = bench.engine.account();
        CHECK(account.tally.halted_stage == 3);
        CHECK(dropped(account, Drop::halted) == 1 && account.exact());
        CHECK(bench.outlet->is_closed());
    }
    {
        Settings settings = unhurried();
        settings.budgets[1].on_miss = OnMiss::conflate;
        Bench bench(universe(1, 4), settings);
        bench(late({quote(0, 99, 101)}));
        CHECK(bench({quote(0, 98, 100), quote(0, 99, 101)}).size() == 1);
        CHECK(bench.engine.account().conflated == 1);
        CHECK(bench({quote(0, 98, 100), quote(0, 99, 101)}).size() == 2);  // kept up again
    }
}

TEST(positions_add_up_to_the_greeks_of_the_book) {
    const Universe all = universe(2, 6);
    Bench bench(all);
    std::vector<double> quantities(all.keys(), 0.0);
    quantities[0] = 50.0;  // shares
    quantities[2] = -3.0;
    quantities[5] = 2.0;
    quantities[9] = 7.0;
    std::vector<double> own = quantities;
    bench.engine.positions().replace(own, bench.engine.everything());
    CHECK(bench.engine.positions().totals().priced == 1);  // the shares, at the spot that was given
    for (int i = 0; i < 5000; ++i) {
        bench.producer.push(&(const Event&)quote(i % 2, 99.0 + i % 7, 101.0 + i % 7), 1);
        if (i % 64 == 0) bench.engine.pump();
    }
    bench.engine.pump();
    const ContractColumns state = bench.engine.pricing().columns();
    double delta = 50.0, vega = 0.0, value = 50.0 * bench.engine.market().spot(0);
    for (std::size_t c = 0; c < all.contracts(); ++c) {
        delta += quantities[2 + c] * 100.0 * state.delta[c] * (quantities[2 + c] != 0.0);
        vega += quantities[2 + c] * 100.0 * state.vega[c] * (quantities[2 + c] != 0.0);
        value += quantities[2 + c] * 100.0 * state.price[c] * (quantities[2 + c] != 0.0);
    }
    const BookTotals book = bench.engine.book();
    CHECK(book.positions == 4 && book.priced == 4);
    CHECK_CLOSE(delta, book.delta, 1e-8);
    CHECK_CLOSE(vega, book.vega, 1e-7);
    CHECK_CLOSE(value, book.value, 1e-7);
}

TEST(american_contracts_come_from_ladders_with_an_exact_solve_behind) {
    const Universe all = universe(1, 8, true);
    Bench bench(all);
    auto results = bench({quote(0, 99.9, 100.1), quote(1, 5.0, 5.2)});
    CHECK((results[1].flags & (kAwaitsExact | kNoVol)) == (kAwaitsExact | kNoVol));
    CHECK(bench.engine.refresh());
    const double vol = bench.engine.pricing().columns().vol[0];
    CHECK(vol > 0.05 && vol < 1.0);
    // Near the solve a tick and a quote agree with solves of their own.
    const double spot = 100.3, years = (30.0 * kDay - 2e9) / kYearNs, ex = (10.0 * kDay - 2e9) / kYearNs;
    const double cash = 0.5;
    const std::size_t offsets[] = {0, 1};
    const std::int32_t none = 0;
    const Terms terms{Exercise::american, {1, offsets, &ex, &cash, {&none, true}}, kStandard};
    bench({quote(0, spot - 0.1, spot + 0.1, 2'000'000'000)});
    const ContractColumns state = bench.engine.pricing().columns();
    for (std::uint32_t c = 0; c < 8; ++c) {
        double worth = 0.0;
        const OptionRows row{1,
                             {&all.right[c], true},
                             {&spot, true},
                             {&all.strike[c], true},
                             {&years, true},
                             {&all.groups[0].rate, true},
                             {&all.groups[0].yield, true},
                             {&state.vol[c], true}};
        price(row, terms, &worth, 1);
        CHECK_CLOSE(worth, state.price[c], 2e-3);
    }
    const double before = state.vol[0];
    results = bench({quote(1, state.price[0] + 0.01, state.price[0] + 0.03, 2'000'000'000)});
    CHECK((results[0].flags & kFirstOrder) != 0);
    CHECK(results[0].vol > before && results[0].vol < before + 0.01);
    CHECK_CLOSE(results[0].price, 0.5 * (results[0].bid + results[0].ask), 1e-9);
}

TEST(settings_that_contradict_each_other_are_refused) {
    const auto refused = [](auto&& change) {
        Settings settings = unhurried();
        change(settings);
        try {
            const Engine engine(universe(1, 2), settings);
            return false;
        } catch (const std::invalid_argument&) {
            return true;
        }
    };
    CHECK(refused([](Settings& s) { s.budgets[1].ns = 0; }));
    CHECK(refused([](Settings& s) { s.budgets[0].on_miss = OnMiss::degrade; }));
    CHECK(refused([](Settings& s) { s.budgets[2].on_miss = OnMiss::degrade; }));
    CHECK(refused([](Settings& s) { s.watermarks.normal = 5000; }));
    CHECK(refused([](Settings& s) { s.batch = 0; }));
    CHECK(!refused([](Settings&) {}));
}

TEST(tickets_come_back_or_are_told_lost) {
    Engine engine(universe(1, 2), unhurried());
    Producer& producer = engine.add_producer();
    const auto outlet = engine.add_outlet(64, Wanted::tickets);
    Event asked = quote(0, 99, 101), lost = quote(77, 99, 101);
    asked.ticket = 5;
    lost.ticket = 6;
    const auto results = push_and_take(engine, producer, *outlet, {asked, quote(0, 99, 101), lost});
    CHECK(results.size() == 2);
    CHECK(results[0].ticket == 6 && results[0].flags == kLost);
    CHECK(results[1].ticket == 5 && results[1].flags == 0);
}

TEST(a_consumer_that_never_reads_costs_only_itself) {
    Engine engine(universe(1, 2), unhurried());
    Producer& producer = engine.add_producer();
    const auto slow = engine.add_outlet(16, Wanted::with_refreshed);
    for (int i = 0; i < 100; ++i) {
        const Event event = quote(0, 99, 101);
        producer.push(&event, 1);
        engine.pump();
    }
    CHECK(slow->offered() == 300);  // each tick, and the two contracts that moved
    CHECK(slow->missed() == 300 - 16);
    CHECK(engine.account().out == 100);
}

}  // namespace

ATALANTA_TEST_MAIN
