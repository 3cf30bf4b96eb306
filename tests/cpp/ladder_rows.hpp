// Options with cash dividends for the tests: rows that own their columns and schedules, and all Greeks of
// them.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/ladder.hpp"

namespace atalanta::testing {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Dividend {
    double years, cash;
};

struct LadderRow {
    int right;
    double spot, strike, years, rate, dividend_yield, vol;
    std::vector<Dividend> dividends;
};

// Columns of rows, a schedule each.
struct LadderRows {
    std::vector<std::int8_t> right;
    std::vector<double> columns[6], ex_years, cash;
    std::vector<std::size_t> offsets = {0};
    std::vector<std::int32_t> of;

    explicit LadderRows(const std::vector<LadderRow>& rows) {
        for (const LadderRow& row : rows) add(row);
    }
    void add(const LadderRow& row) {
        const double values[] = {row.spot, row.strike, row.years, row.rate, row.dividend_yield, row.vol};
        right.push_back(static_cast<std::int8_t>(row.right));
        for (std::size_t c = 0; c < 6; ++c) columns[c].push_back(values[c]);
        for (const Dividend& d : row.dividends) {
            ex_years.push_back(d.years);
            cash.push_back(d.cash);
        }
        of.push_back(static_cast<std::int32_t>(offsets.size() - 1));
        offsets.push_back(ex_years.size());
    }
    std::size_t size() const { return right.size(); }
    Column<double> column(std::size_t c) const { return {columns[c].data(), false}; }
    OptionRows rows() const {
        return {size(),   {right.data(), false}, column(0), column(1), column(2), column(3), column(4),
                column(5)};
    }
    QuotedRows quotes(const std::vector<double>& price) const {
        return {size(),
                {price.data(), false},
                {right.data(), false},
                column(0),
                column(1),
                column(2),
                column(3),
                column(4)};
    }
    Terms terms(Exercise exercise, double tolerance) const {
        const DividendSchedules schedules = {
            offsets.size() - 1, offsets.data(), ex_years.data(), cash.data(), {of.data(), false}};
        return {exercise, schedules, {3e-5, tolerance}};
    }
};

struct LadderGreeks {
    std::vector<double> of[7];  // by Greek of order 1
    std::vector<double> dividend_delta;

    double operator()(Greek greek, std::size_t row = 0) const {
        return of[static_cast<std::size_t>(greek)][row];
    }
};

constexpr double kTight = 1e-5, kUsual = 5e-4;

inline LadderGreeks solve(const std::vector<LadderRow>& rows, Exercise exercise, double tolerance,
                          int threads = 1) {
    const LadderRows columns(rows);
    LadderGreeks out;
    GreekColumns to{};
    std::size_t most = 0;
    for (const LadderRow& row : rows) most = std::max(most, row.dividends.size());
    for (std::size_t g = 0; g < 7; ++g) {
        out.of[g].assign(rows.size(), -12345.0);
        to.data[g] = out.of[g].data();
    }
    out.dividend_delta.assign(most * rows.size(), -12345.0);
    ladder_greeks(columns.rows(), columns.terms(exercise, tolerance), to, out.dividend_delta.data(), threads);
    return out;
}

inline LadderGreeks solve(const LadderRow& row, Exercise exercise, double tolerance) {
    return solve(std::vector<LadderRow>{row}, exercise, tolerance);
}

inline double price(const LadderRow& row, Exercise exercise, double tolerance) {
    return solve(row, exercise, tolerance)(Greek::price);
}

// Ordinary rows with up to four dividends.
inline std::vector<LadderRow> random_rows(std::size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    const auto uniform = [&](double low, double high) {
        return low + (high - low) * (generator() * (1.0 / 4294967296.0));
    };
    std::vector<LadderRow> rows;
    for (std::size_t i = 0; i < count; ++i) {
        LadderRow row = {uniform(0, 1) < 0.5 ? 1 : -1,
                         100.0,
                         uniform(80, 125),
                         uniform(0.05, 1.5),
                         uniform(-0.02, 0.08),
                         uniform(-0.01, 0.05),
                         uniform(0.1, 0.5),
                         {}};
        const int dividends = static_cast<int>(uniform(0, 5));
        for (int d = 0; d < dividends; ++d) {
            row.dividends.push_back({row.years * (d + uniform(0.1, 0.9)) / dividends, uniform(0.2, 2.0)});
        }
        rows.push_back(row);
    }
    return rows;
}

}  // namespace atalanta::testing
