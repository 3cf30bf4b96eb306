// Price and Greeks of European options over columns; entries: price_european, greeks_european<Order>.
// Blocks of rows go through european_block.hpp; single, padded and blocked rows call the same functions in
// the same order: same bits.
#pragma once

#include "pricing/european_block.hpp"

namespace atalanta {
namespace {

ATALANTA_INLINE Option option_at(const OptionRows& rows, std::size_t row) {
    return {static_cast<double>(rows.right[row]),
            rows.spot[row],
            rows.strike[row],
            rows.years[row],
            rows.rate[row],
            rows.dividend_yield[row],
            rows.vol[row]};
}

// At least kLanes rows, block by block: solve(columns, columns of the next block, first); after the last
// block comes itself. Columns are made anew for each call: a copy would be loaded by vectors wider than the
// stores of the pointers, which waits for all stores before them.
template <class Begin, class Solve>
ATALANTA_INLINE void solve_blocks(const OptionRows& rows, Begin&& begin, Solve&& solve) {
    const BlockColumn right(rows.right);
    const BlockColumn spot(rows.spot), strike(rows.strike), years(rows.years), rate(rows.rate),
        dividend_yield(rows.dividend_yield), vol(rows.vol);
    const auto columns = [&](std::size_t first, std::size_t count) {
        return EuropeanColumns{count,           right.at(first), spot.at(first),           strike.at(first),
                               years.at(first), rate.at(first),  dividend_yield.at(first), vol.at(first)};
    };
    std::size_t first = 0, count = 0;
    for_each_block(rows.size, [&](std::size_t next_first, std::size_t next_count) {
        const EuropeanColumns next = columns(next_first, next_count);
        if (count == 0) {
            begin(next);
        } else {
            solve(columns(first, count), next, first);
        }
        first = next_first;
        count = next_count;
    });
    const EuropeanColumns last = columns(first, count);
    solve(last, last, first);
}

inline void price_blocks(const OptionRows& rows, double* price) {
    EuropeanBlock block(rows);
    solve_blocks(
        rows, [&](const EuropeanColumns& in) { block.begin(in); },
        [&](const EuropeanColumns& in, const EuropeanColumns& next, std::size_t first) {
            block.price(in, next, price + first);
        });
}

template <int Order>
void greeks_blocks(const OptionRows& rows, const GreekColumns& out) {
    EuropeanBlock block(rows);
    solve_blocks(
        rows, [&](const EuropeanColumns& in) { block.begin(in); },
        [&](const EuropeanColumns& in, const EuropeanColumns& next, std::size_t first) {
            block.greeks<Order>(in, next, out.from(first));
        });
}

// Three to seven rows copied to one vector, the first one repeated.
class PaddedRows {
  public:
    explicit PaddedRows(const OptionRows& rows) {
        const Column<double>* sources[kColumns] = {&rows.spot, &rows.strike,         &rows.years,
                                                   &rows.rate, &rows.dividend_yield, &rows.vol};
        for (std::size_t i = 0; i < kLanes; ++i) {
            const std::size_t row = i < rows.size ? i : 0;
            for (std::size_t c = 0; c < kColumns; ++c) columns_[c][i] = (*sources[c])[row];
            right_[i] = rows.right[row];
        }
    }
    OptionRows rows() const {
        return {kLanes, {right_, false}, column(0), column(1), column(2), column(3), column(4), column(5)};
    }

  private:
    static constexpr std::size_t kColumns = 6;
    Column<double> column(std::size_t c) const { return {columns_[c], false}; }

    double columns_[kColumns][kLanes];
    std::int8_t right_[kLanes];
};

inline void price_european(const OptionRows& rows, double* price) noexcept {
    if (rows.size <= kSingleRows) {
        for (std::size_t row = 0; row < rows.size; ++row) price[row] = single_row(option_at(rows, row)).price;
    } else if (rows.size < kLanes) {
        double padded[kLanes];
        price_blocks(PaddedRows(rows).rows(), padded);
        for (std::size_t i = 0; i < rows.size; ++i) price[i] = padded[i];
    } else {
        price_blocks(rows, price);
    }
}

// Fills the first kGreeksOfOrder[Order] columns.
template <int Order>
void greeks_european(const OptionRows& rows, const GreekColumns& out) noexcept {
    constexpr std::size_t kOutputs = kGreeksOfOrder[Order];
    if (rows.size <= kSingleRows) {
        for (std::size_t row = 0; row < rows.size; ++row) {
            store<Order>(out, row, single_row(option_at(rows, row)));
        }
    } else if (rows.size < kLanes) {
        double padded[kOutputs][kLanes];
        GreekColumns columns{};
        for (std::size_t c = 0; c < kOutputs; ++c) columns.data[c] = padded[c];
        greeks_blocks<Order>(PaddedRows(rows).rows(), columns);
        for (std::size_t c = 0; c < kOutputs; ++c) {
            for (std::size_t i = 0; i < rows.size; ++i) out.data[c][i] = padded[c][i];
        }
    } else {
        greeks_blocks<Order>(rows, out);
    }
}

}  // namespace
}  // namespace atalanta
