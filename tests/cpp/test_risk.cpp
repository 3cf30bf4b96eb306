// Ladders of a book at several volatilities: exact at their levels, right between and beyond them; and sums.
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "ladder_rows.hpp"
#include "pricing/american.hpp"
#include "risk/book_grid.hpp"
#include "risk/latest.hpp"
#include "risk/totals.hpp"
#include "risk/vol_ladders.hpp"

using namespace atalanta;
using namespace atalanta::testing;

// Every allocation of the program is counted. Not inlined, as GCC 12 would then take malloc for a mismatch.
static std::atomic<std::size_t> allocations{0};

[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace {

constexpr risk::Reach kReach = {0.75, 1.3};
constexpr Tolerance kTolerance = {5e-4, 5e-4};
constexpr auto kEach = risk::VolLadders::VolsFor::each_spot;

// Rows as the contracts of a book, all of one exercise style.
struct BookRows {
    LadderRows columns;
    std::vector<std::uint8_t> american;
    std::vector<double> levels;
    std::size_t count;

    BookRows(const std::vector<LadderRow>& rows, bool early, const std::vector<double>& factors)
        : columns(rows), american(rows.size(), early ? 1 : 0), count(factors.size()) {
        for (const LadderRow& row : rows) {
            for (const double factor : factors) levels.push_back(factor * row.vol);
        }
    }
    risk::Contracts contracts() const {
        return {columns.size(),
                columns.right.data(),
                columns.columns[0].data(),
                columns.columns[1].data(),
                columns.columns[2].data(),
                columns.columns[3].data(),
                columns.columns[4].data(),
                american.data(),
                columns.terms(Exercise::american, 5e-4).dividends};
    }
    risk::VolLadders ladders(int threads = 2) const {
        return risk::VolLadders(contracts(), levels.data(), count, kReach, kTolerance, threads);
    }
};

const std::vector<Dividend> kPaid = {{0.1, 0.8}, {0.35, 0.8}};

std::vector<LadderRow> chain(double years = 0.5) {
    std::vector<LadderRow> rows;
    for (double strike = 85; strike <= 115; strike += 15) {
        for (const int right : {1, -1}) rows.push_back({right, 100, strike, years, 0.04, 0.01, 0.25, kPaid});
    }
    return rows;
}

double solved(LadderRow row, double spot, double vol, Exercise exercise = Exercise::american) {
    row.spot = spot;
    row.vol = vol;
    const LadderRows one({row});
    double value = kNaN;
    Terms terms = one.terms(exercise, 1e-4);
    price(one.rows(), terms, &value, 1);
    return value;
}

}  // namespace

// At a level a value is the ladder's, so a solve within the tolerance, over the whole reach.
TEST(values_at_levels_are_solves) {
    const std::vector<LadderRow> rows = chain();
    const BookRows book(rows, true, {0.7, 1.0, 1.4});
    const risk::VolLadders ladders = book.ladders();
    const std::vector<double> spots = {75.0, 88.0, 100.0, 113.0, 130.0};
    std::vector<double> out(spots.size() * 3), vols(spots.size() * 3);
    for (std::size_t c = 0; c < rows.size(); ++c) {
        for (std::size_t i = 0; i < vols.size(); ++i) vols[i] = book.levels[c * 3 + i % 3];
        ladders.values(c, spots.data(), spots.size(), vols.data(), 3, 3, out.data());
        for (std::size_t i = 0; i < out.size(); ++i)
            CHECK_CLOSE(solved(rows[c], spots[i / 3], vols[i]), out[i], 1e-3);
    }
}

// An option of some days has no time value left far from its strike, near which a second ladder stands.
TEST(short_options_are_right_at_every_spot_of_the_reach) {
    const std::vector<LadderRow> rows = chain(0.02);
    const BookRows book(rows, true, {0.8, 1.0, 1.2});
    const risk::VolLadders ladders = book.ladders();
    for (std::size_t c = 0; c < rows.size(); ++c) {
        for (double spot = 75; spot <= 130; spot += 5) {
            const double vol = rows[c].vol;
            double value;
            ladders.values(c, &spot, 1, &vol, 1, 1, &value);
            CHECK_CLOSE(solved(rows[c], spot, vol), value, 1e-3);
        }
    }
}

// A call is exercised ahead of a dividend that is larger than all that the spot may move: its time value is
// at the strike; that of a put is a dividend above it.
TEST(large_dividends_just_ahead) {
    const std::vector<std::vector<Dividend>> all = {
        {{0.004, 3.0}}, {{0.002, 0.5}, {0.004, 4.0}}, {{0.008, 6.0}}};
    std::vector<LadderRow> rows;
    for (const auto& paid : all) {
        for (const int right : {1, -1}) rows.push_back({right, 100, 108, 0.01, 0.08, 0.02, 0.15, paid});
    }
    const risk::VolLadders ladders = BookRows(rows, true, {0.7, 1.0, 1.5}).ladders();
    for (std::size_t c = 0; c < rows.size(); ++c) {
        for (double spot = 80; spot <= 126; spot += 0.5) {
            for (const double factor : {0.7, 1.5}) {
                const double vol = factor * rows[c].vol;
                double value;
                ladders.values(c, &spot, 1, &vol, 1, 1, &value);
                CHECK_CLOSE(solved(rows[c], spot, vol), value, 1e-3);
            }
        }
    }
}

// Between levels at Chebyshev's places the polynomial is as good as the solves; too far beyond them is NaN.
TEST(volatilities_between_levels_are_read_from_the_polynomial) {
    std::vector<double> factors;
    for (int i = 0; i < 12; ++i) factors.push_back(1.0 - 0.5 * std::cos(3.14159265358979 * i / 11));
    const std::vector<LadderRow> rows = chain();
    const BookRows book(rows, true, factors);
    const risk::VolLadders ladders = book.ladders();
    for (std::size_t c = 0; c < rows.size(); ++c) {
        for (const double factor : {0.53, 0.9999, 1.48}) {
            const double vol = factor * rows[c].vol;
            for (const double spot : {85.0, 119.0}) {
                double value;
                ladders.values(c, &spot, 1, &vol, 1, 1, &value);
                CHECK_CLOSE(solved(rows[c], spot, vol), value, 1e-3);
            }
        }
        const double far = 2.0 * rows[c].vol, spot = 100.0;
        double value;
        ladders.values(c, &spot, 1, &far, 1, 1, &value);
        CHECK(std::isnan(value));
    }
}

// European contracts without a dividend need no ladder; a dividend before expiry gives them one.
TEST(european_contracts_in_closed_form_and_with_dividends) {
    std::vector<LadderRow> rows = chain();
    rows[0].dividends.clear();
    const BookRows book(rows, false, {0.9, 1.0, 1.1});
    const risk::VolLadders ladders = book.ladders();
    CHECK(ladders.solves() == 3 * (rows.size() - 1));
    for (std::size_t c = 0; c < rows.size(); ++c) {
        const double spot = 107.0, vol = rows[c].vol;
        double value;
        ladders.values(c, &spot, 1, &vol, 1, 1, &value);
        CHECK_CLOSE(solved(rows[c], spot, vol, Exercise::european), value, c == 0 ? 1e-10 : 1e-3);
    }
}

// Without years the payoff, without a number NaN, and without volatility the best exercise.
TEST(edges) {
    std::vector<LadderRow> rows = {{1, 100, 90, 0.0, 0.04, 0.0, 0.25, {}},
                                   {-1, 100, 90, kNaN, 0.04, 0.0, 0.25, {}},
                                   {-1, kNaN, 90, 0.5, 0.04, 0.0, 0.25, {}},
                                   {-1, 100, 110, 0.5, 0.04, 0.0, 1e-12, {}}};
    const risk::VolLadders ladders = BookRows(rows, true, {1.0}).ladders();
    const double spots[] = {100, 100, 100, 100};
    double out[4];
    std::vector<double> vols;
    for (const LadderRow& row : rows) vols.push_back(row.vol);
    ladders.all_values(spots, 1, vols.data(), kEach, 1, out);
    CHECK_CLOSE(10.0, out[0], 1e-12);
    CHECK(std::isnan(out[1]));
    CHECK_CLOSE(10.0, out[3], 1e-9);
    double none;
    ladders.values(0, spots, 1, &kNaN, 1, 1, &none);
    CHECK(std::isnan(none));
}

// Price, delta and gamma of the present agree with the Greeks of a solve, vega with the slope of its prices.
TEST(the_present_has_greeks) {
    const std::vector<LadderRow> rows = chain();
    const risk::VolLadders ladders = BookRows(rows, true, {0.9, 0.95, 1.0, 1.05, 1.1}).ladders();
    const LadderGreeks g = solve(rows, Exercise::american, kTight);
    for (std::size_t c = 0; c < rows.size(); ++c) {
        for (const double shift : {0.0, 0.003}) {
            const risk::PresentReading reading = ladders.present(c, 100.0, rows[c].vol + shift);
            const double at = rows[c].vol + shift, step = 0.01;
            const double slope =
                (solved(rows[c], 100, at + step) - solved(rows[c], 100, at - step)) / (2 * step);
            CHECK_CLOSE(slope, reading.vega, 0.25);
            if (shift != 0.0) continue;
            CHECK_CLOSE(g(Greek::price, c), reading.price, 1e-3);
            CHECK_CLOSE(g(Greek::delta, c), reading.delta, 1e-3);
            CHECK_CLOSE(g(Greek::gamma, c), reading.gamma, 1e-3);
        }
    }
}

// Any number of threads gives the same bits, and so does every reader while another build is published.
TEST(threads_read_while_another_build_is_published) {
    const std::vector<LadderRow> rows = chain();
    const BookRows book(rows, true, {0.9, 1.0, 1.1});
    risk::Latest latest;
    latest.publish(std::make_shared<const risk::VolLadders>(book.ladders(1)), 1);
    const std::vector<double> spots(rows.size(), 103.0), vols(rows.size(), 0.25);
    std::vector<double> expected(rows.size());
    latest.read().ladders->all_values(spots.data(), 1, vols.data(), kEach, 1, expected.data());
    std::atomic<int> differing{0};
    std::vector<std::thread> readers;
    for (int r = 0; r < 2; ++r) {
        readers.emplace_back([&] {
            std::vector<double> out(rows.size());
            for (int turn = 0; turn < 50; ++turn) {
                const risk::Build build = latest.read();
                build.ladders->all_values(spots.data(), 1, vols.data(), kEach, 1, out.data());
                if (out != expected) ++differing;
            }
        });
    }
    for (int build = 2; build < 5; ++build)
        latest.publish(std::make_shared<const risk::VolLadders>(book.ladders(2)), build);
    for (std::thread& reader : readers) reader.join();
    CHECK(differing == 0);
    CHECK(latest.read().generation == 4);
    CHECK(latest.read().built_ns == 4);
}

// A grid sums its contracts' values at the shocks, by group; a smile and a dividend move what is asked for.
TEST(a_grid_of_a_book) {
    const std::vector<LadderRow> rows = chain();
    const std::size_t size = rows.size();
    const risk::VolLadders ladders = BookRows(rows, true, {0.6, 0.8, 1.0, 1.2, 1.5}).ladders();
    risk::GridTerms terms;
    terms.spot_shocks = {-0.1, 0.0, 0.1};
    terms.vol_shocks = {-0.2, 0.0, 0.2};
    terms.groups = 2;
    for (std::size_t c = 0; c < size; ++c) {
        terms.weight.push_back(c % 3 == 0 ? -100.0 : 50.0);
        terms.group.push_back(static_cast<std::int32_t>(c % 3) - (c % 3 == 2 ? 3 : 0));
        terms.dropped.push_back(0.8);
        for (std::size_t s = 0; s < 3; ++s) terms.smile.push_back(s == 0 ? 1.1 : 1.0);
    }
    risk::BookGrid grid(terms);
    const std::vector<double> spot(size, 100.0), vol(size, 0.25);
    std::vector<double> totals(2 * 9);
    grid.totals(ladders, spot.data(), vol.data(), totals.data());
    std::vector<double> expected(2 * 9);
    for (std::size_t c = 0; c < size; ++c) {
        if (terms.group[c] < 0) continue;
        for (std::size_t i = 0; i < 9; ++i) {
            const double at = 99.2 * (1 + terms.spot_shocks[i / 3]);
            const double of = 0.25 * (i / 3 == 0 ? 1.1 : 1.0) * (1 + terms.vol_shocks[i % 3]);
            double value;
            ladders.values(c, &at, 1, &of, 1, 1, &value);
            expected[static_cast<std::size_t>(terms.group[c]) * 9 + i] += terms.weight[c] * value;
        }
    }
    for (std::size_t i = 0; i < totals.size(); ++i) CHECK_CLOSE(expected[i], totals[i], 1e-8);
    risk::BookGreeks greeks[2];
    const std::size_t before = allocations;
    grid.totals(ladders, spot.data(), vol.data(), totals.data());
    grid.greeks(ladders, spot.data(), vol.data(), greeks);
    CHECK(allocations == before);  // reads allocate nothing
    double delta = 0.0;
    for (std::size_t c = 0; c < size; ++c) {
        if (terms.group[c] == 1) delta += terms.weight[c] * ladders.present(c, 100.0, 0.25).delta;
    }
    CHECK_CLOSE(delta, greeks[1].delta, 1e-9);
    terms.smile.pop_back();
    bool refused = false;
    try {
        risk::BookGrid wrong(terms);
    } catch (const std::invalid_argument&) {
        refused = true;
    }
    CHECK(refused);
}

// A book whose ladders are added up: the same grid at every spot within reach, also where a volatility has
// moved; beyond, and where contracts move apart, contract by contract.
TEST(sums_of_ladders_are_the_ladders) {
    std::vector<LadderRow> rows = chain(), brief = chain(0.001);  // hours: read by themselves
    rows.push_back(brief[2]);
    const std::size_t size = rows.size();
    const std::vector<double> factors = {0.7, 0.8, 1.0, 1.2, 1.3};
    const risk::VolLadders ladders = BookRows(rows, true, factors).ladders();
    risk::GridTerms terms;
    terms.spot_shocks = {-0.2, -0.05, 0.0, 0.1};
    terms.vol_shocks = {-0.2, 0.0, 0.2};
    terms.groups = 2;
    for (std::size_t c = 0; c < size; ++c) {
        terms.weight.push_back(c % 2 == 0 ? -100.0 : 50.0);
        terms.group.push_back(c == 4 ? 7 : static_cast<std::int32_t>(c % 2));
    }
    risk::BookGrid summed(terms), plain(terms);
    std::vector<double> spot(size, 100.0), vol(size, 0.25), one(2 * 12), other(2 * 12);
    CHECK(summed.add_up(ladders, spot.data(), vol.data(), 0.05));
    const auto compare = [&] {
        summed.totals(ladders, spot.data(), vol.data(), one.data());
        plain.totals(ladders, spot.data(), vol.data(), other.data());
        for (std::size_t i = 0; i < one.size(); ++i) CHECK_CLOSE(other[i], one[i], 400 * 5e-5);
    };
    for (const double at : {100.0, 95.001, 104.99, 101.7, 112.0}) {
        std::fill(spot.begin(), spot.end(), at);
        compare();
    }
    std::fill(spot.begin(), spot.end(), 101.0);
    vol[1] = 0.2531;
    compare();
    const std::size_t before = allocations;
    summed.totals(ladders, spot.data(), vol.data(), one.data());
    CHECK(allocations == before);
    spot[0] = 99.0;  // one of a group moves by itself
    compare();
    vol[0] = kNaN;
    compare();
    CHECK(std::isnan(one[0]));
    terms.dropped.assign(size, 0.5);
    risk::BookGrid apart(terms);
    CHECK(!apart.add_up(ladders, spot.data(), vol.data(), 0.05));
}

// All spots at the same volatilities between the levels: the same as each by itself.
TEST(common_volatilities_are_read_as_each_by_itself) {
    const std::vector<LadderRow> rows = chain();
    const risk::VolLadders ladders = BookRows(rows, true, {0.6, 0.8, 1.0, 1.2, 1.5}).ladders();
    const std::vector<double> spots = {80.0, 97.0, 111.0}, vols = {0.2, 0.21, 0.25, 0.33, 0.9};
    std::vector<double> each(15), together(15), repeated;
    for (int s = 0; s < 3; ++s) repeated.insert(repeated.end(), vols.begin(), vols.end());
    for (std::size_t c = 0; c < rows.size(); ++c) {
        ladders.values(c, spots.data(), 3, vols.data(), 0, 5, together.data());
        ladders.values(c, spots.data(), 3, repeated.data(), 5, 5, each.data());
        for (std::size_t i = 0; i < 15; ++i) CHECK_CLOSE(each[i], together[i], 1e-10);
        CHECK(std::isnan(together[4]));
    }
}

// Sums by group; a long and a short of one contract are nothing, what has no group counts nowhere.
TEST(totals) {
    const double values[] = {1, 2, 3, 4, 5, 6}, weight[] = {10, -1, 2};
    const std::int32_t group[] = {0, 1, 0}, none[] = {-1, 1, 7};
    double totals[4];
    risk::add_up(values, 3, 2, weight, group, 2, totals);
    CHECK_CLOSE(20.0, totals[0], 0);
    CHECK_CLOSE(32.0, totals[1], 0);
    CHECK_CLOSE(-3.0, totals[2], 0);
    CHECK_CLOSE(-4.0, totals[3], 0);
    risk::add_up(values, 3, 2, weight, none, 2, totals);
    CHECK_CLOSE(0.0, totals[0], 0);
    CHECK_CLOSE(-3.0, totals[2], 0);
}

ATALANTA_TEST_MAIN
