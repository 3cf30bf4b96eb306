// The second stage: volatilities and Greeks of what an event changed. European contracts go through the
// vector kernels, in batches; American ones are read from the ladders of their last exact solve. Main
// entries: begin, take, flush.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "pricing/kernel_set.hpp"
#include "streaming/account.hpp"
#include "streaming/event.hpp"
#include "streaming/market_stage.hpp"
#include "streaming/refresher.hpp"
#include "streaming/settings.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

// Contracts that lie side by side.
struct Range {
    std::uint32_t first, count;
};

// The state of all contracts; NaN where nothing is known.
struct ContractColumns {
    const double *vol, *price, *delta, *gamma, *vega, *theta;
};

// Groups up to this size go to the kernel side by side.
inline constexpr std::size_t kSmallGroup = 64;

class PricingStage {
  public:
    // Throws std::bad_alloc, and std::invalid_argument when ATALANTA_ISA is wrong. All must outlive it.
    PricingStage(const Universe& universe, const Settings& settings, const MarketStage& market,
                 Refresher& refresher);

    void begin(Tally& tally) noexcept;
    // Prices what the event changed, or gathers it; `cheaply`: by a step from the last Greeks. The result is
    // whole after the next flush.
    void take(Result& result, bool cheaply) noexcept;
    void flush() noexcept;

    // Prices a European group anew whose forward has moved.
    void take_forward(std::uint32_t group) noexcept;

    // What changed since begin. A range may come twice.
    std::span<const Range> changed() const noexcept { return {changed_.data(), changed_count_}; }
    // Contracts that an event of this key would price.
    std::uint32_t fan_out(std::uint32_t key) const noexcept {
        return key < fan_out_.size() ? fan_out_[key] : 1;
    }
    // Whether no further range may be noted before begin.
    bool is_full() const noexcept { return changed_count_ + most_groups_ > changed_.size(); }

    ContractColumns columns() const noexcept;
    // Of the last event that the group or its underlying had; the least there is without any.
    std::int64_t latest_ns(std::uint32_t group) const noexcept;
    std::uint32_t contract_flags(std::uint32_t contract) const noexcept { return flags_[contract]; }
    std::size_t size() const noexcept { return vol_.size(); }

    // Takes over what was solved behind; true when something changed.
    bool take_exact() noexcept;
    // Asks for an exact solve of every American group, whatever its age.
    void ask_all() noexcept;

  private:
    void reprice_underlying(Result& result, bool cheaply) noexcept;
    void reprice_european(std::uint32_t group, double spot, std::int64_t now_ns) noexcept;
    void reprice_american(std::uint32_t group, double spot, std::int64_t now_ns) noexcept;
    void flush_ticks() noexcept;
    void unscale(std::uint32_t group) noexcept;
    double scale(std::uint32_t group) const noexcept { return market_.forwards().scale(group); }
    void reprice_cheaply(std::uint32_t group, double spot) noexcept;
    void gather_quote(Result& result, std::uint32_t contract) noexcept;
    void quote_american(Result& result, std::uint32_t contract) noexcept;
    void quote_cheaply(Result& result, std::uint32_t contract) noexcept;
    void finish_quote(std::size_t row) noexcept;
    void copy_out(Result& result, std::uint32_t contract) const noexcept;
    void ask_if_due(std::uint32_t group, double spot, std::int64_t now_ns, bool far) noexcept;
    void note(Range range) noexcept { changed_[changed_count_++] = range; }
    double years(const Group& group, std::int64_t now_ns) const noexcept {
        return static_cast<double>(group.expires_ns - now_ns) / kYearNs;
    }

    const Universe& universe_;
    const Settings settings_;
    const MarketStage& market_;
    Refresher& refresher_;
    const KernelSet& kernels_;
    Tally* tally_ = nullptr;

    std::vector<double> vol_, price_, delta_, gamma_, vega_, theta_;
    std::vector<std::uint32_t> flags_;
    std::vector<double> group_spot_;        // at which the group was priced last
    std::vector<const ExactSolve*> exact_;  // of each group; null before the first
    std::uint64_t seen_solves_ = 0;

    // Quotes whose volatility is solved at the next flush, and the underlyings that have some.
    std::size_t gathered_ = 0;
    std::vector<Result*> gathered_results_;
    std::vector<std::uint32_t> gathered_contracts_;
    std::vector<std::int8_t> right_;
    std::vector<double> quoted_, spot_in_, strike_in_, years_in_, rate_in_, yield_in_, solved_;
    std::vector<ImpliedVolStatus> status_;
    std::vector<double> greeks_out_;      // seven columns of a batch, or those of a group that nobody keeps
    std::vector<std::uint64_t> pending_;  // of each underlying: the flush that its quotes wait for
    std::uint64_t flush_ = 1;

    // Contracts of small groups whose underlyings have ticked, and the groups in order.
    struct {
        std::vector<std::int8_t> right;
        std::vector<double> spot, strike, years, rate, yield, vol, greeks;
    } tick_;
    std::vector<std::uint32_t> ticked_groups_;
    std::size_t ticked_ = 0, ticked_group_count_ = 0;
    std::vector<std::uint64_t> ticking_;  // of each underlying: the flush that its ticks wait for
    std::uint64_t tick_flush_ = 1;

    std::vector<std::uint32_t> fan_out_;  // of each underlying
    std::vector<std::uint32_t> rows_;     // 0, 1, 2, ...
    std::vector<double> same_spot_, same_years_;
    std::vector<double> rate_of_, yield_of_;  // of each contract
    std::vector<double> mids_;
    std::vector<double> scratch_;  // rho and phi, which the kernel gives as well
    std::vector<Range> changed_;
    std::size_t changed_count_ = 0, most_groups_ = 1;
};

}  // namespace atalanta::streaming
