// The instruments of an engine, fixed when it is made: underlyings, and contracts in groups of one underlying
// and expiry that lie side by side, so that a kernel takes a group as it lies. Main entry: Universe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace atalanta::streaming {

struct Group {
    std::uint32_t underlying;
    std::uint32_t first, count;  // contracts
    std::int64_t expires_ns;     // since the epoch
    double rate, yield;          // to the expiry, continuously compounded
    bool american;
    double scale = 1.0;  // what is priced on: the price of the underlying times this
};

struct Underlying {
    double spot;  // before its first tick; NaN where unknown
    std::uint32_t first_group, groups;
    std::vector<std::int64_t> ex_ns;  // cash dividends, ascending
    std::vector<double> cash;
};

struct Universe {
    std::vector<Underlying> underlyings;
    std::vector<Group> groups;
    // Of each contract.
    std::vector<std::int8_t> right;
    std::vector<double> strike, multiplier;
    std::vector<double> vol;  // to begin with; NaN where unknown
    std::vector<std::uint32_t> group;

    std::size_t contracts() const noexcept { return right.size(); }
    std::size_t keys() const noexcept { return underlyings.size() + contracts(); }
    bool is_contract(std::uint32_t key) const noexcept { return key >= underlyings.size(); }
    std::uint32_t contract_of(std::uint32_t key) const noexcept {
        return key - static_cast<std::uint32_t>(underlyings.size());
    }

    // Throws std::invalid_argument, saying what is wrong, unless columns, groups and underlyings fit
    // together.
    void check() const;
};

inline constexpr double kYearNs = 365.0 * 86'400.0 * 1e9;

}  // namespace atalanta::streaming
