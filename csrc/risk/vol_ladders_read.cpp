// The reads: values of contracts from the ladders that a build has solved.
#include <algorithm>
#include <cmath>

#include "base/thread_pool.hpp"
#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "risk/vol_ladders.hpp"

namespace atalanta::risk {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
// What the outermost levels may be missed by, as a share: rounding.
constexpr double kRounding = 1e-12;
// Contracts per piece of work: some tens of microseconds.
constexpr std::size_t kGrain = 8;

}  // namespace

std::uint32_t VolLadders::row_at(const Ladders& ladders, std::size_t place, double spot) const noexcept {
    const auto near = ladders.range(near_[place]);
    if ((spot >= near.lowest && spot <= near.highest) || far_[place] == kNoRow) return near_[place];
    return far_[place];
}

// The best exercise on the path that the spot takes without volatility.
double VolLadders::limit(std::size_t contract, double spot) const noexcept {
    constexpr std::size_t kMostDividends = 1024;
    double by_cash[kMostDividends];
    LadderOption option = ladder_option(
        rows(), terms(american_[contract] != 0 ? Exercise::american : Exercise::european), contract);
    if (option.dividends > kMostDividends) return kNotANumber;
    option.spot = spot;
    option.vol = 0.0;
    LadderSensitivities unused;
    return kernels_.ladder->limit(option, &unused, by_cash).price;
}

void VolLadders::values(std::size_t contract, const double* spot, std::size_t spots, const double* vol,
                        std::size_t stride, std::size_t vols, double* out) const noexcept {
    if (in_closed_form(contract)) {
        closed_form(contract, spot, spots, vol, stride, vols, out);
    } else {
        from_ladders(contract, spot, spots, vol, stride, vols, out);
    }
}

void VolLadders::all_values(const double* spot, std::size_t spots, const double* vol, VolsFor vols_for,
                            std::size_t vols, double* out, int threads) const noexcept {
    const bool each = vols_for == VolsFor::each_spot;
    const std::size_t stride = each ? vols : 0, rows = each ? spots : 1;
    parallel_ranges(size(), kGrain, threads, [&](std::size_t first, std::size_t count) {
        for (std::size_t c = first; c < first + count; ++c)
            values(c, spot + c * spots, spots, vol + c * rows * vols, stride, vols, out + c * spots * vols);
    });
}

void VolLadders::closed_form(std::size_t c, const double* spot, std::size_t spots, const double* vol,
                             std::size_t stride, std::size_t vols, double* out) const noexcept {
    constexpr std::size_t kBlock = 256;
    double spot_of_cell[kBlock], vol_of_cell[kBlock];
    const std::size_t cells = spots * vols;
    for (std::size_t first = 0; first < cells; first += kBlock) {
        const std::size_t count = std::min(kBlock, cells - first);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t s = (first + i) / vols, v = (first + i) % vols;
            spot_of_cell[i] = spot[s];
            vol_of_cell[i] = vol[s * stride + v];
        }
        const OptionRows rows = {count,
                                 {&right_[c], true},
                                 {spot_of_cell, false},
                                 {&strike_[c], true},
                                 {&years_[c], true},
                                 {&rate_[c], true},
                                 {&yield_[c], true},
                                 {vol_of_cell, false}};
        kernels_.european->price(rows, out + first);
    }
}

// Prices of one contract at all levels and as many spots as fit, level by level.
struct VolLadders::Block {
    static constexpr std::size_t kSize = 1024;
    double price[kSize], beyond[kSize];
};

// What the levels' values count at each of some volatilities that all spots have in common.
struct VolLadders::Mixture {
    static constexpr std::int32_t kNone = -1;
    double share[kMostLevels][kMostLevels];  // of a volatility, of a level
    std::int32_t level[kMostLevels];         // that is this volatility exactly

    void apply(const Block& block, std::size_t levels, std::size_t count, std::size_t vols,
               double* out) const noexcept {
        double sum[Block::kSize];
        for (std::size_t v = 0; v < vols; ++v) {
            const double* column = sum;
            if (level[v] != kNone) {
                column = block.price + static_cast<std::size_t>(level[v]) * count;
            } else {
                std::fill(sum, sum + count, 0.0);
                for (std::size_t l = 0; l < levels; ++l) {
                    const double part = share[v][l];
                    if (part == 0.0) continue;  // not of its polynomial
                    for (std::size_t s = 0; s < count; ++s) sum[s] += part * block.price[l * count + s];
                }
            }
            for (std::size_t s = 0; s < count; ++s) out[s * vols + v] = column[s];
        }
    }
};

VolLadders::Mixture VolLadders::mixture(std::size_t c, const double* vol, std::size_t vols) const noexcept {
    Mixture all;
    const double* x = level_.data() + c * count_;
    for (std::size_t v = 0; v < vols; ++v) {
        const double* const exact = std::find(x, x + count_, vol[v]);
        all.level[v] = exact == x + count_ ? Mixture::kNone : static_cast<std::int32_t>(exact - x);
        if (all.level[v] != Mixture::kNone) continue;
        std::fill_n(all.share[v], count_, 0.0);
        if (!reaches(c, vol[v])) {
            all.share[v][0] = kNotANumber;
            continue;
        }
        const Window near = window(c, vol[v]);
        double* const share = all.share[v] + near.first;
        double whole = 0.0;
        for (std::size_t l = 0; l < near.count; ++l)
            whole += share[l] = near.weight[l] / (vol[v] - x[near.first + l]);
        for (std::size_t l = 0; l < near.count; ++l) share[l] /= whole;
    }
    return all;
}

bool VolLadders::reaches(std::size_t c, double vol) const noexcept {
    const double* x = level_.data() + c * count_;
    return count_ > 1 && vol >= x[0] * (1 - kRounding) && vol <= x[count_ - 1] * (1 + kRounding);
}

void VolLadders::from_ladders(std::size_t c, const double* spot, std::size_t spots, const double* vol,
                              std::size_t stride, std::size_t vols, double* out) const noexcept {
    Block block;
    // A grid asks for its levels, and for none of those that stand around them: the others are then not read.
    const std::size_t ahead = count_ > vols ? (count_ - vols) / 2 : 0;
    const double* const own = level_.data() + c * count_ + ahead;
    const bool levels_only = stride == 0 && vols <= count_ && std::equal(vol, vol + vols, own);
    const std::size_t from = levels_only ? ahead : 0, levels = levels_only ? vols : count_;
    const bool common = stride == 0 && vols <= kMostLevels && !levels_only;
    std::optional<Mixture> mixed;
    if (common) mixed = mixture(c, vol, vols);
    for (std::size_t first = 0; first < spots; first += Block::kSize / levels) {
        const std::size_t count = std::min(Block::kSize / levels, spots - first);
        at_levels(c, from, levels, spot + first, count, block);
        if (common) {
            mixed->apply(block, levels, count, vols, out + first * vols);
            continue;
        }
        for (std::size_t s = 0; s < count; ++s) {
            const double* const asked = vol + (first + s) * stride;
            double* const into = out + (first + s) * vols;
            for (std::size_t v = 0; v < vols; ++v) {
                into[v] =
                    levels_only ? block.price[v * count + s] : between(c, block.price + s, count, asked[v]);
            }
        }
    }
}

// Beyond the ladders around the spot those around the strike are read, beyond these the limit.
void VolLadders::at_levels(std::size_t c, std::size_t from, std::size_t levels, const double* spot,
                           std::size_t count, Block& block) const noexcept {
    const Ladders& ladders = *ladders_of(c);
    const std::size_t place = c * count_ + from;
    ladders.read_table(near_.data() + place, levels, spot, count, block.price);
    const double root = std::sqrt(years_[c]);
    for (std::size_t l = 0; l < levels; ++l) {
        double* const price = block.price + l * count;
        // What has no ladder though it has time and volatility is NaN.
        const bool solved = !std::isnan(ladders.range(near_[place + l]).lowest);
        if (!solved && !(level_[place + l] * root < 1e-7)) continue;
        bool missing = false;
        for (std::size_t s = 0; s < count; ++s) missing = missing || std::isnan(price[s]);
        if (!missing) continue;
        const bool second = far_[place + l] != kNoRow;
        if (second) ladders.read_table(&far_[place + l], 1, spot, count, block.beyond);
        for (std::size_t s = 0; s < count; ++s) {
            if (std::isnan(price[s]) && second) price[s] = block.beyond[s];
            if (std::isnan(price[s])) price[s] = limit(c, spot[s]);
        }
    }
}

double VolLadders::between(std::size_t c, const double* price, std::size_t stride,
                           double vol) const noexcept {
    const double* x = level_.data() + c * count_;
    for (std::size_t l = 0; l < count_; ++l) {
        if (vol == x[l]) return price[l * stride];
    }
    if (!reaches(c, vol)) return kNotANumber;
    const Window near = window(c, vol);
    double sum = 0.0, whole = 0.0;
    for (std::size_t l = 0; l < near.count; ++l) {
        const double part = near.weight[l] / (vol - x[near.first + l]);
        sum += part * price[(near.first + l) * stride];
        whole += part;
    }
    return sum / whole;
}

}  // namespace atalanta::risk
