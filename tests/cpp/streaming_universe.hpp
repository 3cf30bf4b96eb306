// Small markets for the tests of the engine, and events in them.
#pragma once

#include <cmath>
#include <limits>

#include "streaming/engine.hpp"

namespace market {

using namespace atalanta;
using namespace atalanta::streaming;

inline constexpr std::int64_t kDay = 86'400'000'000'000;
inline constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Each underlying at 100, with one group of `contracts` calls and puts around it that expires in 30 days.
inline Universe universe(std::uint32_t underlyings, std::uint32_t contracts, bool american = false,
                         double vol = 0.2) {
    Universe all;
    for (std::uint32_t u = 0; u < underlyings; ++u) {
        all.underlyings.push_back({100.0, u, 1, {}, {}});
        if (american) {
            all.underlyings.back().ex_ns = {10 * kDay};
            all.underlyings.back().cash = {0.5};
        }
        all.groups.push_back({u, u * contracts, contracts, 30 * kDay, 0.03, 0.01, american});
        for (std::uint32_t c = 0; c < contracts; ++c) {
            all.right.push_back(c % 2 == 0 ? 1 : -1);
            all.strike.push_back(95.0 + 10.0 * c / contracts);
            all.multiplier.push_back(100.0);
            all.vol.push_back(vol);
            all.group.push_back(u);
        }
    }
    return all;
}

inline Event quote(std::uint32_t key, double bid, double ask, std::int64_t time_ns = 1'000'000,
                   std::uint32_t sequence = 0) {
    return {0, time_ns, key, sequence, bid, ask, 1.0F, 1.0F, Kind::quote, kBothSides, 0, 0, 0};
}

inline std::uint64_t dropped(const Account& account, Drop why) {
    return account.dropped[static_cast<std::size_t>(why)];
}

}  // namespace market
