// How the decision table is made: which target stands first for each size, and why.
#include <algorithm>
#include <cmath>

#include "routing/router.hpp"

namespace atalanta::routing {
namespace {

constexpr double kHysteresis = 0.95;  // a newcomer must be so much quicker than the incumbent
// Where the baseline takes so little, timing is noise: it stays first unless another is twice as quick.
constexpr double kLittle = 20e3, kClearly = 0.5;
constexpr double kFewElements = 1'000;  // up to so many another must be quicker at rest too
// ns: from here every call is timed; below one in eight, for it takes half a microsecond, and one in 32.
constexpr double kOften = 100e3, kSeldom = 20e3;

unsigned sampling_for(double ns) noexcept {
    return ns < kSeldom ? 5 : ns < kOften ? 3 : 0;  // NaN, before calibration: every call
}

}  // namespace

void Router::compile_all() noexcept {
    for (std::size_t operation = 0; operation < operation_count_; ++operation) compile(operation);
}

void Router::compile(std::size_t operation) noexcept {
    compile(operation, 1.0, static_cast<double>(kLargestWork));
}

void Router::compile(std::size_t operation, double first_work, double last_work) noexcept {
    const std::size_t first = bin_of(static_cast<std::uint64_t>(first_work));
    const std::size_t last = bin_of(static_cast<std::uint64_t>(last_work));
    for (const Memory where : {Memory::host, Memory::device}) {
        DecisionTable::Row& row = table_.row(where, operation);
        for (std::size_t bin = first; bin <= last; ++bin) {
            const std::uint64_t before = row[bin].load(std::memory_order_relaxed);
            row[bin].store(rank(operation, bin, where, before).word(), std::memory_order_relaxed);
        }
    }
    compilations_.fetch_add(1, std::memory_order_relaxed);
}

// Preference where nothing was measured: the baseline below the threshold, the widest from it on.
double Router::untimed_order(const Operation& operation, std::size_t target, double work) const noexcept {
    const auto tier = static_cast<double>(targets_[target].tier);
    const std::uint64_t own = operation.threshold;
    const auto threshold = static_cast<double>(own != 0 ? own : prior_threshold(operation.kind));
    return work < threshold ? tier : -tier;
}

std::size_t Router::candidates(std::size_t index, double work, Memory where,
                               Candidates& found) const noexcept {
    const Operation& operation = operations_[index];
    std::size_t count = 0;
    for (std::size_t target = 0; target < target_count_; ++target) {
        if (!runs(index, target)) continue;
        const double ns = expected_ns(operation, target, work, where);
        const bool joined = work <= operation.joined_to[target];
        const double order = std::isnan(ns) ? untimed_order(operation, target, work)
                             : joined       ? std::numeric_limits<double>::infinity()
                                            : ns;
        const CostModel& model = operation.models[target];
        const double moving = transfer_ns(operation, targets_[target], work, where);
        found[count++] = {target, ns, order,
                          std::min(model.predict_unloaded(work), model.calibrated_ns(work)) + moving};
    }
    const bool by_threshold = operation.threshold != 0;
    const auto on_its_side = [&](const Candidate& one) {
        const bool baseline = targets_[one.target].tier == Tier::baseline;
        return baseline == (work < static_cast<double>(operation.threshold));
    };
    std::sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count),
              [&](const Candidate& one, const Candidate& other) {
                  if ((one.target == operation.pinned) != (other.target == operation.pinned))
                      return one.target == operation.pinned;
                  if (by_threshold && on_its_side(one) != on_its_side(other)) return on_its_side(one);
                  if (std::isnan(one.ns) != std::isnan(other.ns)) return std::isnan(other.ns);
                  return one.order != other.order ? one.order < other.order : one.target < other.target;
              });
    return count;
}

// Small work stays where it is at home unless much is to be gained, at rest: a load that only the baseline is
// known to have may be everybody's.
void Router::keep_baseline(Candidates& found, std::size_t count, double work) const noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        if (targets_[found[i].target].tier != Tier::baseline) continue;
        const bool little = found[i].at_rest_ns < kLittle;
        if (!little && work >= kFewElements) return;
        if (found[0].at_rest_ns > (little ? kClearly : kHysteresis) * found[i].at_rest_ns)
            std::rotate(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(i),
                        found.begin() + static_cast<std::ptrdiff_t>(i + 1));
        return;
    }
}

// The incumbent stays first unless the newcomer is clearly quicker: constant sizes do not flutter.
void Router::keep_incumbent(Candidates& found, std::size_t count, std::size_t incumbent) const noexcept {
    for (std::size_t i = 1; i < count; ++i) {
        if (found[i].target != incumbent) continue;
        if (found[0].order > kHysteresis * found[i].order)
            std::rotate(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(i),
                        found.begin() + static_cast<std::ptrdiff_t>(i + 1));
        return;
    }
}

Reason Router::reason_for(const Operation& operation, const Candidate& first,
                          std::size_t count) const noexcept {
    if (operation.pinned == first.target) return Reason::pinned;
    if (count == 1) return Reason::only;
    if (operation.threshold != 0) return Reason::threshold;
    return std::isnan(first.ns) ? Reason::prior : Reason::fastest;
}

Ranking Router::rank(std::size_t index, std::size_t bin, Memory where, std::uint64_t before) const noexcept {
    const Operation& operation = operations_[index];
    Candidates found;
    const std::size_t count = candidates(index, bin_centre(bin), where, found);
    if (count == 0) return {};
    const bool free = operation.pinned == kNowhere && operation.threshold == 0;
    if (free && (before & 15) != 0) keep_incumbent(found, count, (before & 15) - 1);
    if (free && !std::isnan(found[0].ns)) keep_baseline(found, count, bin_centre(bin));
    Ranking ranking;
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
        if (!targets_[found[i].target].usable.load(std::memory_order_relaxed)) continue;
        if (!any) {
            const Reason reason = i == 0 ? reason_for(operation, found[i], count) : Reason::health;
            ranking.explain(reason, sampling_for(found[i].ns));
        }
        any = true;
        ranking.append(found[i].target);
    }
    return ranking;
}

}  // namespace atalanta::routing
