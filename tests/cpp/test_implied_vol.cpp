// Implied volatility through every instruction set that this machine can run: oracle values, equal bits for
// single, padded and blocked rows, and a status for whatever has no answer.

#include <bit>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "pricing/dispatch.hpp"

namespace {

using atalanta::ImpliedVolStatus;
using atalanta::KernelSet;
using atalanta::QuotedRows;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

struct Option {
    double price;
    int right;
    double spot, strike, years, rate, dividend_yield;
};

struct OracleRow {
    Option option;
    double vol;
    double condition;  // of vol in the price; where rates are given, in all inputs
};

// Prices of the stated vol in 60-digit arithmetic (mpmath), rounded to double.
constexpr OracleRow kOracle[] = {
    {{0.21416450017874555, 1, 1, 0.9509443371875933, 1, 0, 0}, 0.4896443521027328, 1.16},
    {{1.7415659189986942e-18, 1, 1, 131729.5970370577, 1, 0, 0}, 1.2944626090223454, 1},
    {{1.1668986453166356e-08, -1, 1, 0.9999402014961972, 1, 0, 0}, 2.0703320692500687e-05, 1},
    {{0.9968040518216172, 1, 1, 0.2793279977168963, 1, 0, 0}, 5.4756723416474165, 37.6},
    {{0.003953423299932596, 1, 1, 1, 1, 0, 0}, 0.009909803174391817, 1},
    {{0.38439604826254775, 1, 1, 0.6156039517793901, 1, 0, 0}, 0.0840291774664661, 2.53e+08},
    {{0.3332459219917951, 1, 1, 0.8035310537960072, 1, 0, 0}, 0.6276693712722095, 1.66},
    {{1.353009163907069e-135, 1, 1, 4.5852430790540035, 1, 0, 0}, 0.06204554449611203, 1},
    {{2.5547326435014505e-06, 1, 1, 1.000112936885099, 1, 0, 0}, 7.787592943993978e-05, 1},
    {{0.9364636810172791, -1, 1, 0.9364646751207731, 1, 0, 0}, 9.772673386360193, 3.8e+04},
    {{6.627579530014046e-07, -1, 1, 1, 1, 0, 0}, 1.6612878242300755e-06, 1},
    {{0.9978462795894262, 1, 1, 0.002153720419748746, 1, 0, 0}, 1.0324493567127104, 2.86e+09},
    {{0.00030025232451063916, 1, 1, 1.138319246319307, 1, 0, 0}, 0.058709689590440435, 1},
    {{4.623108058916415e-211, 1, 1, 2.4083263434775498e+20, 1, 0, 0}, 1.48397325601962, 1},
    {{3.792015317448958e-09, -1, 1, 0.9999866713247472, 1, 0, 0}, 4.781265673053515e-06, 1},
    {{0.9999999228927794, 1, 1, 0.07475375206419647, 1, 0, 0}, 10.258917943876149, 4.77e+05},
    {{0.006748184382324154, -1, 1, 1, 1, 0, 0}, 0.016915391440029123, 1},
    {{0.999588445032237, 1, 1, 0.0004115549813285815, 1, 0, 0}, 1.3488980844921623, 2.06e+09},
    {{2.5859133426286154, 1, 100, 110, 0.5, 0.05, 0.02}, 0.2, 12.5},
    {{2.5861199915698965, -1, 100, 90, 0.25, 0.03, 0}, 0.35, 9.69},
    {{27.74791997603322, 1, 100, 80, 2, 0.04, 0.01}, 0.25, 19.9},
    {{4.869449723074144, -1, 4500, 4400, 0.019178082191780823, 0.053, 0.015}, 0.14, 61.5},
    {{0.025741516929083018, 1, 100, 1200, 1.5, 0.02, 0}, 0.6, 1},
    {{0.00011059733573674178, -1, 100, 6, 1, 0.02, 0.03}, 0.7, 1},
    {{7.387655622585222e-44, 1, 1e-06, 1e+120, 1, 0, 0}, 14.5, 1},
    {{1.1430808769177567e-247, -1, 300000, 2e-190, 4, 0, 0}, 9, 1},
    {{6.047055015374456, 1, 50, 60, 0.1, 0, 0}, 1.5, 1},
    {{62.14734887846782, -1, 100, 100, 30, 0.01, 0.06}, 0.3, 16.1},
    {{0.17959147392848412, 1, 5000, 20, 200, 0, 0.05}, 0.3, 10.7},
    {{0.9999366575163338, 1, 1, 1, 1, 0, 0}, 8, 934},
};

struct Columns {
    explicit Columns(const std::vector<Option>& options) {
        for (const Option& o : options) {
            price.push_back(o.price);
            right.push_back(static_cast<std::int8_t>(o.right));
            spot.push_back(o.spot);
            strike.push_back(o.strike);
            years.push_back(o.years);
            rate.push_back(o.rate);
            dividend_yield.push_back(o.dividend_yield);
        }
    }

    QuotedRows rows(std::size_t first, std::size_t count) const {
        const QuotedRows all = {price.size(),         {price.data(), false},         {right.data(), false},
                                {spot.data(), false}, {strike.data(), false},        {years.data(), false},
                                {rate.data(), false}, {dividend_yield.data(), false}};
        return all.slice(first, count);
    }

    std::vector<double> price, spot, strike, years, rate, dividend_yield;
    std::vector<std::int8_t> right;
};

struct Answers {
    std::vector<double> vol;
    std::vector<ImpliedVolStatus> status;
};

Answers solve(const KernelSet& kernels, const QuotedRows& rows) {
    Answers answers{std::vector<double>(rows.size), std::vector<ImpliedVolStatus>(rows.size)};
    kernels.implied_vol->european(rows, answers.vol.data(), answers.status.data());
    return answers;
}

Answers solve_one_by_one(const KernelSet& kernels, const Columns& columns) {
    Answers answers;
    for (std::size_t row = 0; row < columns.price.size(); ++row) {
        const Answers one = solve(kernels, columns.rows(row, 1));
        answers.vol.push_back(one.vol[0]);
        answers.status.push_back(one.status[0]);
    }
    return answers;
}

bool same_bits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
           (std::isnan(a) && std::isnan(b));
}

template <class Check>
void for_each_kernel_set(Check&& run) {
    for (const KernelSet* kernels : atalanta::kernel_sets()) {
        if (atalanta::supported(*kernels)) run(*kernels);
    }
}

// Near, far and hopeless rows in any order: vols from 1 % to 600 %, moneyness to e^+-6, prices outside their
// bounds, and columns that are not numbers.
std::vector<Option> mixed_options(std::size_t count) {
    std::mt19937_64 random(20240229);
    const auto uniform = [&](double low, double high) {
        return std::uniform_real_distribution<double>(low, high)(random);
    };
    std::vector<Option> options;
    while (options.size() < count) {
        Option o = {0,
                    uniform(0, 1) < 0.5 ? 1 : -1,
                    100,
                    0,
                    uniform(0.01, 3),
                    uniform(-0.02, 0.08),
                    uniform(0, 0.04)};
        o.strike = 100 * std::exp(uniform(0, 1) < 0.8 ? uniform(-0.5, 0.5) : uniform(-6, 6));
        const double forward = o.spot * std::exp((o.rate - o.dividend_yield) * o.years);
        const double intrinsic = std::fmax(o.right * (forward - o.strike), 0.0);
        const double share = uniform(0, 1) < 0.8 ? uniform(0, 1) : uniform(-0.2, 1.2);
        const double value = std::pow(share < 0 ? -share : share, 3) * (share < 0 ? -1 : 1);
        o.price = (intrinsic + value * std::fmin(forward, o.strike)) * std::exp(-o.rate * o.years);
        if (options.size() % 37 == 5) o.spot = kNaN;
        if (options.size() % 41 == 7) o.years = 0;
        options.push_back(o);
    }
    return options;
}

TEST(oracle_values_on_every_instruction_set) {
    std::vector<Option> options;
    for (const OracleRow& row : kOracle) options.push_back(row.option);
    const Columns columns(options);
    for_each_kernel_set([&](const KernelSet& kernels) {
        const Answers answers = solve(kernels, columns.rows(0, options.size()));
        for (std::size_t i = 0; i < options.size(); ++i) {
            CHECK(answers.status[i] == ImpliedVolStatus::ok);
            CHECK_CLOSE(kOracle[i].vol, answers.vol[i], 4 * kEpsilon * kOracle[i].condition * kOracle[i].vol);
        }
    });
}

TEST(any_cut_of_the_rows_gives_the_same_bits) {
    const std::vector<Option> options = mixed_options(300);
    const Columns columns(options);
    for_each_kernel_set([&](const KernelSet& kernels) {
        const Answers expected = solve_one_by_one(kernels, columns);
        const std::size_t counts[] = {2, 3, 5, 7, 8, 9, 15, 16, 63, 64, 65, 71, 72, 127, 128, 200, 299};
        for (const std::size_t count : counts) {
            for (std::size_t first = 0; first + count <= options.size(); first += 1 + count / 3) {
                const Answers answers = solve(kernels, columns.rows(first, count));
                for (std::size_t i = 0; i < count; ++i) {
                    CHECK(same_bits(expected.vol[first + i], answers.vol[i]));
                    CHECK(expected.status[first + i] == answers.status[i]);
                }
            }
        }
    });
}

TEST(instruction_sets_with_fused_multiply_add_give_the_same_bits) {
    const std::vector<Option> options = mixed_options(2000);
    const Columns columns(options);
    std::vector<Answers> fused;
    for_each_kernel_set([&](const KernelSet& kernels) {
        const bool baseline = !kernels.required.fma && !kernels.required.neon;
        if (!baseline) fused.push_back(solve(kernels, columns.rows(0, options.size())));
    });
    for (const Answers& answers : fused) {
        for (std::size_t i = 0; i < options.size(); ++i) {
            CHECK(same_bits(fused.front().vol[i], answers.vol[i]));
            CHECK(fused.front().status[i] == answers.status[i]);
        }
    }
}

TEST(status_is_ok_exactly_where_there_is_a_vol_and_may_be_left_out) {
    const std::vector<Option> options = mixed_options(4000);
    const Columns columns(options);
    for_each_kernel_set([&](const KernelSet& kernels) {
        const Answers answers = solve(kernels, columns.rows(0, options.size()));
        std::vector<double> vol(options.size());
        kernels.implied_vol->european(columns.rows(0, options.size()), vol.data(), nullptr);
        int of_status[4] = {};
        for (std::size_t i = 0; i < options.size(); ++i) {
            const bool ok = answers.status[i] == ImpliedVolStatus::ok;
            CHECK(ok == (answers.vol[i] > 0 && answers.vol[i] < kInfinity));
            CHECK(ok || std::isnan(answers.vol[i]));
            CHECK(same_bits(answers.vol[i], vol[i]));
            ++of_status[static_cast<int>(answers.status[i])];
        }
        for (const int count : of_status) CHECK(count > 10);
    });
}

TEST(shared_columns_equal_repeated_ones) {
    const std::vector<Option> options(100, Option{7.5, 1, 100, 105, 0.5, 0.03, 0.01});
    const Columns columns(options);
    const Option& o = options.front();
    const std::int8_t call = 1;
    const QuotedRows shared = {options.size(),    {columns.price.data(), false},
                               {&call, true},     {&o.spot, true},
                               {&o.strike, true}, {&o.years, true},
                               {&o.rate, true},   {&o.dividend_yield, true}};
    for_each_kernel_set([&](const KernelSet& kernels) {
        for (const std::size_t count : {1, 2, 5, 8, 77, 100}) {
            const Answers expected = solve(kernels, columns.rows(0, count));
            const Answers answers = solve(kernels, shared.slice(0, count));
            for (std::size_t i = 0; i < count; ++i) CHECK(same_bits(expected.vol[i], answers.vol[i]));
        }
    });
}

TEST(what_has_no_vol_says_why) {
    using enum ImpliedVolStatus;
    const Option good = {10, 1, 100, 100, 1, 0.02, 0.01};
    const auto with = [&](auto member, auto value) {
        Option changed = good;
        changed.*member = value;
        return changed;
    };
    struct Case {
        Option option;
        ImpliedVolStatus status;
    };
    std::vector<Case> cases = {
        {good, ok},
        {with(&Option::right, 0), bad_input},
        {with(&Option::right, 2), bad_input},
        {with(&Option::right, -128), bad_input},
        {with(&Option::price, 0.0), below_intrinsic},
        {with(&Option::price, -1.0), bad_input},
        {with(&Option::price, 1e-308), below_intrinsic},
        {with(&Option::price, 5e-324), below_intrinsic},
        {with(&Option::price, 99.1), above_bound},
        {with(&Option::price, 1e300), above_bound},
        {with(&Option::years, 1e5), bad_input},     // e^1000 of growth
        {with(&Option::strike, 1e303), bad_input},  // forward and strike 301 decades apart
        {{20, 1, 100, 80, 1, 0, 0}, below_intrinsic},
        {{19.99, 1, 100, 80, 1, 0, 0}, below_intrinsic},
        {{100, 1, 100, 80, 1, 0, 0}, above_bound},
        {{20, -1, 80, 100, 1, 0, 0}, below_intrinsic},
        {{100, -1, 80, 100, 1, 0, 0}, above_bound},
        {{0, 1, 100, 100, 1, 0, 0}, below_intrinsic},
        {{100, 1, 100, 100, 1, 0, 0}, above_bound},
        {{20.000000001, 1, 100, 80, 1, 0, 0}, ok},
        {{99.9999999, 1, 100, 80, 1, 0, 0}, ok},
        {{4e-307, 1, 1, 1.5, 0.01, 0, 0}, ok},
    };
    for (const double bad : {kNaN, kInfinity, -kInfinity, 0.0, -0.0, -1.0}) {
        cases.push_back({with(&Option::spot, bad), bad_input});
        cases.push_back({with(&Option::strike, bad), bad_input});
        cases.push_back({with(&Option::years, bad), bad_input});
        if (bad == bad && bad > -kInfinity && bad < kInfinity) continue;
        cases.push_back({with(&Option::price, bad), bad_input});
        cases.push_back({with(&Option::rate, bad), bad_input});
        cases.push_back({with(&Option::dividend_yield, bad), bad_input});
    }
    std::vector<Option> options;
    for (const Case& c : cases) options.push_back(c.option);
    const Columns columns(options);
    for_each_kernel_set([&](const KernelSet& kernels) {
        const Answers answers = solve(kernels, columns.rows(0, options.size()));
        const Answers singles = solve_one_by_one(kernels, columns);
        for (std::size_t i = 0; i < cases.size(); ++i) {
            CHECK_CLOSE(static_cast<double>(cases[i].status), static_cast<double>(answers.status[i]), 0);
            CHECK(answers.status[i] == singles.status[i]);
            CHECK((answers.status[i] == ok) == !std::isnan(answers.vol[i]));
        }
    });
}

TEST(the_unit_of_money_does_not_matter) {
    const double units[] = {0x1p-800, 0x1p-100, 0x1p100, 0x1p900};
    const std::vector<Option> options = mixed_options(200);
    const Columns columns(options);
    for_each_kernel_set([&](const KernelSet& kernels) {
        const Answers expected = solve(kernels, columns.rows(0, options.size()));
        for (const double unit : units) {
            std::vector<Option> scaled = options;
            for (Option& o : scaled) o.price *= unit, o.spot *= unit, o.strike *= unit;
            const Answers answers = solve(kernels, Columns(scaled).rows(0, scaled.size()));
            for (std::size_t i = 0; i < options.size(); ++i) {
                CHECK(same_bits(expected.vol[i], answers.vol[i]));
            }
        }
    });
}

// The price kernel of the same row gives the quotes; its error of a few 1e-15 allows 1e-12 here.
TEST(round_trip_with_the_price_kernel) {
    std::vector<Option> options;
    std::vector<double> vols;
    for (const double vol : {0.03, 0.1, 0.25, 0.8, 2.0}) {
        for (const double log_moneyness : {-2.0, -1.0, -0.2, -0.01, 0.0, 0.01, 0.3, 1.5, 2.5}) {
            for (const double years : {0.02, 0.5, 3.0}) {
                const double deviations = log_moneyness / (vol * std::sqrt(years));
                if (std::fabs(deviations) > 30) continue;
                const int out_of_the_money = log_moneyness > 0 ? 1 : -1;
                options.push_back(
                    {0, out_of_the_money, 100, 100 * std::exp(log_moneyness), years, 0.03, 0.03});
                vols.push_back(vol);
            }
        }
    }
    Columns columns(options);
    const QuotedRows rows = columns.rows(0, options.size());
    for_each_kernel_set([&](const KernelSet& kernels) {
        kernels.european->price({rows.size,
                                 rows.right,
                                 rows.spot,
                                 rows.strike,
                                 rows.years,
                                 rows.rate,
                                 rows.dividend_yield,
                                 {vols.data(), false}},
                                columns.price.data());
        const Answers answers = solve(kernels, rows);
        for (std::size_t i = 0; i < vols.size(); ++i) {
            CHECK_CLOSE(vols[i], answers.vol[i], 1e-12 * vols[i]);
        }
    });
}

}  // namespace

ATALANTA_TEST_MAIN
