#include "pricing/american.hpp"

#include <algorithm>
#include <limits>

#include "pricing/american/collocation.hpp"
#include "pricing/european.hpp"
#include "pricing/ladder/ladder.hpp"
#include "pricing/later_dividends.hpp"
#include "pricing/row_groups.hpp"

namespace atalanta {
namespace {

constexpr std::size_t kColumns = kGreeksOfOrder[1];

// The closed form fills all its columns: those that are not wanted go to a place of their own.
void closed_form_greeks(const OptionRows& rows, GreekColumns out, int threads) {
    if (std::all_of(out.data + 1, out.data + kColumns, [](const double* column) { return !column; })) {
        if (out.data[0] != nullptr) price(rows, out.data[0], threads);
        return;
    }
    std::vector<double> unwanted(kColumns * rows.size);
    for (std::size_t i = 0; i < kColumns; ++i) {
        if (out.data[i] == nullptr) out.data[i] = unwanted.data() + i * rows.size;
    }
    greeks(rows, 1, out, threads);
}

std::size_t longest_schedule(const DividendSchedules& dividends) {
    std::size_t longest = 0;
    for (std::size_t i = 0; i < dividends.count; ++i) {
        longest = std::max(longest, dividends.offsets[i + 1] - dividends.offsets[i]);
    }
    return longest;
}

// Rows whose dividends before expiry are all of nothing: they are priced as if they had none, but more of one
// would tell.
void set_deltas_of_nothings(const OptionRows& rows, const Terms& terms, double* dividend_delta, int threads) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < rows.size; ++i) {
        const DividendEntries entries = entries_of(terms.dividends, i);
        if (entries.first < entries.last && terms.dividends.years[entries.first] < rows.years[i])
            chosen.push_back(i);
    }
    if (chosen.empty()) return;
    const GatheredOptions group(rows, terms, chosen);
    const std::size_t deltas = longest_schedule(terms.dividends);
    std::vector<double> found(deltas * chosen.size());
    ladder_greeks(group.rows, group.terms, GreekColumns{}, found.data(), threads);
    for (std::size_t d = 0; d < deltas; ++d) {
        scatter(found.data() + d * chosen.size(), chosen, dividend_delta + d * rows.size);
    }
}

void greeks_by(Method method, const OptionRows& rows, const Terms& terms, const GreekColumns& out,
               double* dividend_delta, int threads) {
    if (method == Method::ladder) {
        ladder_greeks(rows, terms, out, dividend_delta, threads);
        return;
    }
    if (dividend_delta != nullptr) {
        std::fill_n(dividend_delta, longest_schedule(terms.dividends) * rows.size, 0.0);
    }
    if (method == Method::closed_form) {
        closed_form_greeks(rows, out, threads);
    } else {
        collocation_greeks(rows, terms.tolerance.yield, out, threads);
    }
    if (dividend_delta != nullptr) set_deltas_of_nothings(rows, terms, dividend_delta, threads);
}

void implied_vol_by(Method method, const QuotedRows& rows, const Terms& terms, const double* start,
                    double* vol, ImpliedVolStatus* status, int threads) {
    switch (method) {
        case Method::closed_form:
            implied_vol(rows, vol, status, threads);
            return;
        case Method::collocation:
            collocation_implied_vol(rows, terms.tolerance.yield, start, vol, status, threads);
            return;
        case Method::ladder:
            ladder_implied_vol(rows, terms, start, vol, status, threads);
            return;
    }
}

// One group of a mixed batch: rows copied together, results spread to their places.
void greeks_of_group(Method method, std::span<const std::size_t> chosen, const OptionRows& rows,
                     const Terms& terms, const GreekColumns& out, double* dividend_delta, int threads) {
    const GatheredOptions group(rows, terms, chosen);
    const std::size_t size = chosen.size();
    const std::size_t deltas = dividend_delta == nullptr ? 0 : longest_schedule(terms.dividends);
    std::vector<double> results((kColumns + deltas) * size);
    double* const group_deltas = deltas == 0 ? nullptr : results.data() + kColumns * size;
    GreekColumns columns{};
    for (std::size_t i = 0; i < kColumns; ++i) {
        columns.data[i] = out.data[i] == nullptr ? nullptr : results.data() + i * size;
    }
    greeks_by(method, group.rows, group.terms, columns, group_deltas, threads);
    for (std::size_t i = 0; i < kColumns; ++i) {
        if (columns.data[i] != nullptr) scatter(columns.data[i], chosen, out.data[i]);
    }
    for (std::size_t d = 0; d < deltas; ++d) {
        scatter(group_deltas + d * size, chosen, dividend_delta + d * rows.size);
    }
}

void implied_vol_of_group(Method method, std::span<const std::size_t> chosen, const QuotedRows& rows,
                          const Terms& terms, const double* start, double* vol, ImpliedVolStatus* status,
                          int threads) {
    const GatheredQuotes group(rows, terms, chosen);
    const std::size_t size = chosen.size();
    std::vector<double> vols(size), starts(start == nullptr ? 0 : size);
    std::vector<ImpliedVolStatus> statuses(size);
    for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = start[chosen[i]];
    implied_vol_by(method, group.rows, group.terms, start == nullptr ? nullptr : starts.data(), vols.data(),
                   statuses.data(), threads);
    scatter(vols.data(), chosen, vol);
    if (status != nullptr) scatter(statuses.data(), chosen, status);
}

}  // namespace

void price(const OptionRows& rows, const Terms& terms, double* out, int threads) {
    greeks(rows, terms, GreekColumns{{out}}, nullptr, threads);
}

void greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out, double* dividend_delta,
            int threads) {
    const RowGroups groups(rows.size, rows.years, terms);
    if (groups.only()) {
        greeks_by(*groups.only(), rows, terms, out, dividend_delta, threads);
        return;
    }
    for (const Method method : kMethods) {
        if (groups.of(method).empty()) continue;
        greeks_of_group(method, groups.of(method), rows, terms, out, dividend_delta, threads);
    }
}

void implied_vol(const QuotedRows& rows, const Terms& terms, const double* start, double* vol,
                 ImpliedVolStatus* status, int threads) {
    const RowGroups groups(rows.size, rows.years, terms);
    if (groups.only()) {
        implied_vol_by(*groups.only(), rows, terms, start, vol, status, threads);
        return;
    }
    for (const Method method : kMethods) {
        if (groups.of(method).empty()) continue;
        implied_vol_of_group(method, groups.of(method), rows, terms, start, vol, status, threads);
    }
}

}  // namespace atalanta
