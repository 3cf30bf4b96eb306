#include "streaming/universe.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace atalanta::streaming {
namespace {

void require(bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument(message);
}

void check_dividends(const Underlying& one, const std::string& name) {
    require(one.ex_ns.size() == one.cash.size(), name + " has not one amount for each ex-date");
    for (std::size_t d = 0; d < one.cash.size(); ++d) {
        require(std::isfinite(one.cash[d]) && one.cash[d] >= 0.0,
                name + " has a dividend of " + std::to_string(one.cash[d]) + "; it must be 0 or more");
        require(d == 0 || one.ex_ns[d - 1] < one.ex_ns[d], name + " has ex-dates that do not ascend");
    }
}

void check_group(const Universe& all, std::size_t index, std::uint32_t first_contract) {
    const Group& group = all.groups[index];
    const std::string name = "group " + std::to_string(index);
    require(group.underlying < all.underlyings.size(), name + " has an underlying that is not there");
    require(group.first == first_contract && group.count > 0, name + " does not begin where the last ends");
    require(group.first + std::size_t{group.count} <= all.contracts(), name + " has contracts not there");
    require(std::isfinite(group.rate) && std::isfinite(group.yield), name + " has no rate or no yield");
    require(group.scale > 0.0 && std::isfinite(group.scale), name + " has a scale that is not above 0");
    for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
        require(all.group[c] == index, "contract " + std::to_string(c) + " is not in the group it lies in");
    }
}

}  // namespace

void Universe::check() const {
    require(!underlyings.empty(), "there is no underlying");
    require(keys() < (std::size_t{1} << 31), "there are more than 2147483647 instruments");
    require(strike.size() == contracts() && multiplier.size() == contracts() && vol.size() == contracts() &&
                group.size() == contracts(),
            "the columns of the contracts differ in length");
    std::uint32_t contract = 0, next_group = 0;
    for (std::size_t i = 0; i < groups.size(); ++i) {
        check_group(*this, i, contract);
        contract += groups[i].count;
    }
    require(contract == contracts(), "there are contracts without a group");
    for (std::size_t u = 0; u < underlyings.size(); ++u) {
        const Underlying& one = underlyings[u];
        const std::string name = "underlying " + std::to_string(u);
        require(one.first_group == next_group && one.first_group + std::size_t{one.groups} <= groups.size(),
                name + " does not begin where the last ends");
        for (std::uint32_t g = one.first_group; g < one.first_group + one.groups; ++g) {
            require(groups[g].underlying == u, name + " has a group of another");
        }
        next_group += one.groups;
        check_dividends(one, name);
    }
    require(next_group == groups.size(), "there are groups without an underlying");
    for (std::size_t c = 0; c < contracts(); ++c) {
        const std::string name = "contract " + std::to_string(c);
        require(right[c] == 1 || right[c] == -1, name + " is neither call nor put");
        require(std::isfinite(strike[c]) && strike[c] > 0.0, name + " has no strike above 0");
        require(std::isfinite(multiplier[c]) && multiplier[c] > 0.0, name + " has no multiplier above 0");
    }
}

}  // namespace atalanta::streaming
