// Which method prices each row of a batch, and rows of one method copied together. A batch of one method is
// never copied.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "pricing/american.hpp"

namespace atalanta {

enum class Method : std::uint8_t {
    closed_form,  // European exercise, no dividend before expiry
    collocation,  // American exercise, no dividend before expiry
    ladder,       // a dividend before expiry
};
inline constexpr Method kMethods[] = {Method::closed_form, Method::collocation, Method::ladder};

// The rows of a batch by method, in ascending order.
class RowGroups {
  public:
    RowGroups(std::size_t size, const Column<double>& years, const Terms& terms);

    // The method of all rows, if it is one.
    std::optional<Method> only() const { return only_; }
    // Rows of a method of a batch that has several.
    std::span<const std::size_t> of(Method method) const { return rows_[static_cast<std::size_t>(method)]; }

  private:
    std::optional<Method> only_;
    std::array<std::vector<std::size_t>, std::size(kMethods)> rows_;
};

// Chosen rows of a batch with the terms that are theirs.
class GatheredOptions {
    std::vector<std::int8_t> right_;  // what the columns below point to
    std::vector<std::int32_t> of_;
    std::array<std::vector<double>, 6> values_;

  public:
    GatheredOptions(const OptionRows& from, const Terms& all_terms, std::span<const std::size_t> chosen);
    GatheredOptions(const GatheredOptions&) = delete;
    GatheredOptions& operator=(const GatheredOptions&) = delete;

    const OptionRows rows;
    const Terms terms;
};

class GatheredQuotes {
    std::vector<std::int8_t> right_;  // what the columns below point to
    std::vector<std::int32_t> of_;
    std::array<std::vector<double>, 6> values_;

  public:
    GatheredQuotes(const QuotedRows& from, const Terms& all_terms, std::span<const std::size_t> chosen);
    GatheredQuotes(const GatheredQuotes&) = delete;
    GatheredQuotes& operator=(const GatheredQuotes&) = delete;

    const QuotedRows rows;
    const Terms terms;
};

// to[chosen[i]] = from[i].
template <class T>
void scatter(const T* from, std::span<const std::size_t> chosen, T* to) {
    for (std::size_t i = 0; i < chosen.size(); ++i) to[chosen[i]] = from[i];
}

}  // namespace atalanta
