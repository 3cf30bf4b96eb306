// Forwards fitted from streaming quotes: known ones are found again, what is wrong with quotes does no harm,
// and what cannot be told is carried.
#include <algorithm>
#include <vector>

#include "base/monotonic.hpp"
#include "check.hpp"
#include "pricing/european.hpp"
#include "streaming/parity.hpp"
#include "streaming_universe.hpp"

namespace {

using namespace market;

constexpr double kRate = 0.03, kYield = 0.01, kVol = 0.2;
constexpr std::int64_t kNow = 1'000'000, kLater = 200'000'000;

// One underlying at 100 with calls and puts at strikes from 90 to 110 that expire in 30 days.
Universe paired(std::uint32_t strikes = 21, bool american = false) {
    Universe all;
    all.underlyings.push_back({100.0, 0, 1, {}, {}});
    all.groups.push_back({0, 0, 2 * strikes, 30 * kDay, kRate, kYield, american});
    for (std::uint32_t c = 0; c < 2 * strikes; ++c) {
        all.right.push_back(c % 2 == 0 ? -1 : 1);
        all.strike.push_back(90.0 + 20.0 * (c / 2) / std::max(1U, strikes - 1));
        all.multiplier.push_back(100.0);
        all.vol.push_back(kVol);
        all.group.push_back(0);
    }
    return all;
}

double years(std::int64_t now) {
    return static_cast<double>(30 * kDay - now) / kYearNs;
}

// What a contract is worth when the spot that is priced on is `on`.
double worth(const Universe& all, std::uint32_t c, double on, std::int64_t now, double vol = kVol) {
    const double time = years(now);
    double out = 0.0;
    price(OptionRows{1,
                     {&all.right[c], true},
                     {&on, true},
                     {&all.strike[c], true},
                     {&time, true},
                     {&kRate, true},
                     {&kYield, true},
                     {&vol, true}},
          &out, 1);
    return out;
}

struct Stream {
    explicit Stream(const Universe& all, const Settings& settings = unhurried())
        : universe(all),
          engine(all, settings),
          producer(engine.add_producer()),
          outlet(engine.add_outlet(4096, Wanted::events)) {}

    static Settings unhurried() {
        Settings settings;
        for (Budget& budget : settings.budgets) budget.ns = 1'000'000'000;
        return settings;
    }
    std::vector<Result> push(std::vector<Event> events, std::uint64_t late_ns = 0) {
        for (Event& event : events) event.intended_ns = monotonic_ns() - late_ns;
        producer.push(events.data(), events.size());
        engine.pump();
        std::vector<Result> results(4096);
        results.resize(outlet->take(results.data(), results.size()));
        return results;
    }
    // The price, then every contract at what it is worth on `on`, half a width to both sides.
    std::vector<Event> market(double spot, double on, std::int64_t now, double half = 0.02) const {
        std::vector<Event> events = {quote(0, spot - 0.01, spot + 0.01, now)};
        for (std::uint32_t c = 0; c < universe.contracts(); ++c) {
            const double mid = worth(universe, c, on, now);
            events.push_back(quote(1 + c, mid - half, mid + half, now));
        }
        return events;
    }
    const Forward& forward() { return engine.market().forwards().of(0); }
    std::uint64_t fitted() { return engine.account().tally.forwards_fitted; }
    std::uint64_t kept() { return engine.account().tally.forwards_kept; }

    Universe universe;
    Engine engine;
    Producer& producer;
    std::shared_ptr<Outlet> outlet;
};

// A batch fits at its end: another quote later lets the expiry see all of them.
Event nudge(const Stream& stream, double on, std::int64_t now = kLater) {
    const double mid = worth(stream.universe, 20, on, now);
    return quote(21, mid - 0.02, mid + 0.02, now);
}

TEST(parity_of_exact_quotes_gives_the_forward_to_rounding) {
    std::vector<ParityPair> pairs;
    const double forward = 101.7, discount = 0.97;
    for (int i = 0; i < 9; ++i) {
        const double strike = 90.0 + 3.0 * i;
        pairs.push_back({strike, discount * (forward - strike), 0.05 + 0.01 * i});
    }
    const ParityForward found = fit_forward(pairs, discount);
    CHECK_CLOSE(forward, found.forward, 1e-11);
    CHECK(found.error > 0.0 && found.error < 0.01);
    CHECK(found.effective > 4.0 && found.effective <= 9.0);
    CHECK_CLOSE(forward, fit_forward({pairs.data(), 1}, discount).forward, 1e-11);
    CHECK(std::isnan(fit_forward({}, discount).forward));
}

TEST(a_third_of_wrong_pairs_moves_the_forward_by_less_than_its_error) {
    std::vector<ParityPair> pairs;
    for (int i = 0; i < 15; ++i) {
        const double strike = 93.0 + i, wrong = i % 3 == 0 ? 3.0 : 0.002 * (i % 5 - 2);
        pairs.push_back({strike, 0.99 * (100.5 - strike) + wrong, 0.06});
    }
    const ParityForward found = fit_forward(pairs, 0.99);
    CHECK_CLOSE(100.5, found.forward, std::min(0.01, 3.0 * found.error));
}

TEST(more_pairs_than_there_is_room_for_are_left_out) {
    std::vector<ParityPair> pairs(100, ParityPair{100.0, 1.0, 0.1});
    CHECK_CLOSE(101.0, fit_forward(pairs, 1.0).forward, 1e-11);
}

TEST(a_known_forward_is_found_from_quotes) {
    for (const double scale : {0.98, 1.0, 1.03}) {
        Stream stream(paired());
        stream.push(stream.market(100.0, 100.0 * scale, kNow));
        stream.push({nudge(stream, 100.0 * scale)});
        CHECK(stream.fitted() >= 1);
        CHECK_CLOSE(scale, stream.forward().scale,
                    2e-6);  // half a millicent of rounding and the time between
        CHECK(stream.forward().error > 0.0 && stream.forward().error < 2e-4);
        CHECK(stream.forward().pairs >= 15);  // the others have no bid
        CHECK(stream.forward().time_ns == kLater);
    }
}

TEST(volatilities_and_greeks_use_the_fitted_forward) {
    Stream stream(paired());
    const double on = 102.0;
    stream.push(stream.market(100.0, on, kNow));
    stream.push({nudge(stream, on)});
    const double mid = worth(stream.universe, 6, on, 2 * kLater, 0.31);
    const auto results = stream.push({quote(7, mid - 0.01, mid + 0.01, 2 * kLater)});
    CHECK_CLOSE(0.31, results[0].vol, 2e-5);
    // The expiry was priced anew when its forward moved, and is at every tick.
    const double* price = stream.engine.pricing().columns().price;
    CHECK_CLOSE(worth(stream.universe, 21, on, kLater), price[21], 1e-3);
    stream.push({quote(0, 101.0 - 0.01, 101.0 + 0.01, 2 * kLater)});
    CHECK_CLOSE(worth(stream.universe, 21, on * 1.01, 2 * kLater), price[21], 1e-3);
}

TEST(bad_quotes_take_no_part) {
    Stream stream(paired());
    auto events = stream.market(100.0, 101.0, kNow);
    const auto spoil = [&](std::uint32_t contract, double bid, double ask) {
        events[1 + contract].bid = bid;
        events[1 + contract].ask = ask;
    };
    spoil(16, 9.0, 5.0);    // crossed
    spoil(18, kNone, 5.0);  // one-sided
    spoil(20, kNone, kNone);
    spoil(22, -1.0, 0.0);
    spoil(24, 4.0, 4.0);  // locked
    spoil(26, 1e300, std::numeric_limits<double>::infinity());
    spoil(28, 30.0, 30.04);  // two-sided, and wrong by far
    events[1 + 30].kind = Kind::trade;
    stream.push(events);
    stream.push({quote(1, worth(stream.universe, 0, 101.0, kLater) - 0.02,
                       worth(stream.universe, 0, 101.0, kLater) + 0.02, kLater)});
    CHECK(stream.forward().pairs == 14);
    CHECK_CLOSE(1.01, stream.forward().scale, 2e-5);
}

TEST(stale_quotes_take_no_part_and_an_old_forward_is_flagged) {
    Stream stream(paired());
    stream.push(stream.market(100.0, 101.0, kNow));
    stream.push({nudge(stream, 101.0)});
    const double scale = stream.forward().scale;
    const std::int64_t much_later = kLater + 6'000'000'000;
    const auto results = stream.push({nudge(stream, 95.0, much_later)});
    CHECK((results[0].flags & kForwardStale) != 0);
    CHECK(stream.kept() >= 1);  // all but one pair are stale
    CHECK(stream.forward().scale == scale && stream.forward().time_ns == kLater);
    auto events = stream.market(100.0, 102.0, much_later + kLater);
    stream.push(events);
    const auto fresh = stream.push({nudge(stream, 102.0, much_later + 2 * kLater)});
    CHECK((fresh[0].flags & kForwardStale) == 0);
    CHECK_CLOSE(1.02, stream.forward().scale, 2e-5);
}

TEST(too_few_pairs_carry_what_there_is) {
    Stream stream(paired(2));
    stream.push(stream.market(100.0, 103.0, kNow));
    stream.push(stream.market(100.0, 103.0, kLater));
    CHECK(stream.fitted() == 0 && stream.kept() == 0);  // never asked
    CHECK(stream.forward().scale == 1.0 && std::isnan(stream.forward().error));
    Stream half(paired());
    auto events = half.market(100.0, 103.0, kNow);
    events.resize(1 + 4);  // two pairs of 21
    half.push(events);
    half.push(events);
    CHECK(half.fitted() == 0 && half.kept() >= 1);
    CHECK(half.forward().scale == 1.0);
}

TEST(quotes_too_wide_to_tell_carry_what_there_is) {
    Stream stream(paired());
    auto events = stream.market(100.0, 103.0, kNow);
    for (std::size_t i = 1; i < events.size(); ++i) {
        const double off = i % 4 < 2 ? 5.0 : 0.0;  // of every second pair, between its sides
        events[i].bid += i % 2 == 0 ? off : 0.0;
        events[i].ask = events[i].bid + 40.0;
    }
    stream.push(events);
    for (Event& event : events) event.time_ns = kLater;
    stream.push(events);
    CHECK(stream.fitted() == 0 && stream.kept() >= 1);
}

TEST(american_and_switched_off_expiries_are_carried) {
    Settings carried = Stream::unhurried();
    carried.fit_forwards = false;
    for (const bool american : {true, false}) {
        Stream stream(paired(21, american), american ? Stream::unhurried() : carried);
        CHECK(!stream.engine.market().forwards().any());
        stream.push(stream.market(100.0, 103.0, kNow));
        stream.push(stream.market(100.0, 103.0, kLater));
        CHECK(stream.fitted() == 0 && stream.kept() == 0);
        CHECK(stream.forward().scale == 1.0);
    }
}

TEST(an_expiry_is_fitted_no_more_often_than_its_interval) {
    Stream stream(paired());
    for (int i = 0; i < 50; ++i) stream.push(stream.market(100.0, 101.0, kNow + i * 1'000'000));
    CHECK(stream.fitted() + stream.kept() == 1);
    for (int i = 0; i < 50; ++i) stream.push(stream.market(100.0, 101.0, kLater + i * 50'000'000LL));
    CHECK(stream.fitted() + stream.kept() == 26);
}

TEST(of_many_expiries_a_few_are_fitted_in_a_batch_and_the_others_next) {
    Universe all = paired(5);
    const Universe one = all;
    for (std::uint32_t g = 1; g < 6; ++g) {
        all.groups.push_back({0, 10 * g, 10, (30 + g) * kDay, kRate, kYield, false});
        all.right.insert(all.right.end(), one.right.begin(), one.right.end());
        all.strike.insert(all.strike.end(), one.strike.begin(), one.strike.end());
        all.multiplier.insert(all.multiplier.end(), one.multiplier.begin(), one.multiplier.end());
        all.vol.insert(all.vol.end(), one.vol.begin(), one.vol.end());
        all.group.insert(all.group.end(), 10, g);
    }
    all.underlyings[0].groups = 6;
    Stream stream(all);
    stream.push(stream.market(100.0, 101.0, kNow, 0.001));
    CHECK(stream.fitted() + stream.kept() == 4);
    stream.push({quote(0, 99.99, 100.01, kNow)});
    CHECK(stream.fitted() + stream.kept() == 6);
    stream.push({quote(0, 99.99, 100.01, kNow)});
    CHECK(stream.fitted() == 6);
    for (std::uint32_t g = 0; g < 6; ++g) {
        CHECK_CLOSE(1.01, stream.engine.market().forwards().of(g).scale, 1e-3);
    }
}

TEST(quotes_of_one_moment_at_several_prices_of_the_underlying_agree) {
    Stream stream(paired());
    // The underlying walks while the contracts are quoted: each pair is carried to the price of now.
    std::vector<Event> events;
    for (std::uint32_t s = 0; s < 21; ++s) {
        const double spot = 100.0 + 0.05 * s;
        events.push_back(quote(0, spot - 0.01, spot + 0.01, kNow));
        for (const std::uint32_t c : {2 * s, 2 * s + 1}) {
            const double mid = worth(stream.universe, c, 1.015 * spot, kNow);
            events.push_back(quote(1 + c, mid - 0.02, mid + 0.02, kNow));
        }
    }
    stream.push(events);
    stream.push({nudge(stream, 1.015 * 101.0)});
    CHECK_CLOSE(1.015, stream.forward().scale, 1e-4);
}

TEST(a_late_batch_leaves_forwards_and_says_so) {
    Settings settings = Stream::unhurried();
    settings.budgets[0].on_miss = OnMiss::degrade;
    Stream stream(paired(), settings);
    auto events = stream.market(100.0, 103.0, kNow);
    const auto results = stream.push(events, 2'000'000'000);
    CHECK((results[0].flags & kDegraded) == 0);  // the underlying has none
    CHECK((results[1].flags & (kDegraded | kLateMarket)) == (kDegraded | kLateMarket));
    CHECK(stream.fitted() == 0 && stream.engine.account().tally.degraded >= 1);
    CHECK(stream.forward().scale == 1.0);
    const auto in_time = stream.push({nudge(stream, 103.0)});
    CHECK((in_time[0].flags & kDegraded) == 0);
    CHECK_CLOSE(1.03, stream.forward().scale, 2e-5);
    CHECK(stream.engine.account().exact());
}

}  // namespace

ATALANTA_TEST_MAIN
