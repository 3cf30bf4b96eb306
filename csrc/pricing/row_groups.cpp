#include "pricing/row_groups.hpp"

#include <algorithm>
#include <limits>

namespace atalanta {
namespace {

// Years to the first ex-date of each schedule at which something is paid.
std::vector<double> first_payments(const DividendSchedules& dividends) {
    std::vector<double> first(dividends.count, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < dividends.count; ++i) {
        for (std::size_t k = dividends.offsets[i]; k < dividends.offsets[i + 1]; ++k) {
            if (!(dividends.cash[k] > 0.0) || !(dividends.years[k] > 0.0)) continue;
            first[i] = dividends.years[k];
            break;
        }
    }
    return first;
}

template <class T>
Column<T> gather(const Column<T>& from, std::span<const std::size_t> chosen, std::vector<T>& storage) {
    if (from.shared || from.data == nullptr) return from;
    storage.resize(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) storage[i] = from.data[chosen[i]];
    return {storage.data(), false};
}

Terms gather(const Terms& from, std::span<const std::size_t> chosen, std::vector<std::int32_t>& storage) {
    Terms terms = from;
    terms.dividends.of = gather(from.dividends.of, chosen, storage);
    return terms;
}

}  // namespace

RowGroups::RowGroups(std::size_t size, const Column<double>& years, const Terms& terms) {
    const Method plain = terms.exercise == Exercise::european ? Method::closed_form : Method::collocation;
    const DividendSchedules& dividends = terms.dividends;
    if (dividends.count == 0) {
        only_ = plain;
        return;
    }
    const std::vector<double> first = first_payments(dividends);
    const auto method_of = [&](std::size_t row) {
        const std::int32_t schedule = dividends.of[row];
        const bool paid = schedule >= 0 && first[static_cast<std::size_t>(schedule)] < years[row];
        return paid ? Method::ladder : plain;
    };
    std::size_t ladders = 0;
    for (std::size_t i = 0; i < size; ++i) ladders += method_of(i) == Method::ladder;
    if (ladders == 0 || ladders == size) {
        only_ = ladders == 0 ? plain : Method::ladder;
        return;
    }
    rows_[static_cast<std::size_t>(Method::ladder)].reserve(ladders);
    rows_[static_cast<std::size_t>(plain)].reserve(size - ladders);
    for (std::size_t i = 0; i < size; ++i) rows_[static_cast<std::size_t>(method_of(i))].push_back(i);
}

GatheredOptions::GatheredOptions(const OptionRows& from, const Terms& all_terms,
                                 std::span<const std::size_t> chosen)
    : rows{chosen.size(),
           gather(from.right, chosen, right_),
           gather(from.spot, chosen, values_[0]),
           gather(from.strike, chosen, values_[1]),
           gather(from.years, chosen, values_[2]),
           gather(from.rate, chosen, values_[3]),
           gather(from.dividend_yield, chosen, values_[4]),
           gather(from.vol, chosen, values_[5])},
      terms(gather(all_terms, chosen, of_)) {}

GatheredQuotes::GatheredQuotes(const QuotedRows& from, const Terms& all_terms,
                               std::span<const std::size_t> chosen)
    : rows{chosen.size(),
           gather(from.price, chosen, values_[0]),
           gather(from.right, chosen, right_),
           gather(from.spot, chosen, values_[1]),
           gather(from.strike, chosen, values_[2]),
           gather(from.years, chosen, values_[3]),
           gather(from.rate, chosen, values_[4]),
           gather(from.dividend_yield, chosen, values_[5])},
      terms(gather(all_terms, chosen, of_)) {}

}  // namespace atalanta
