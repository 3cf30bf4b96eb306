#include "pricing/ladder/batch.hpp"

#include <algorithm>

namespace atalanta {
namespace {

// Puts after calls: most calls are never exercised between ex-dates, and a block of such is quicker.
constexpr std::size_t kPut = std::size_t{1} << (8 * sizeof(std::size_t) - 1);

// Few shapes share a value by accident; those that do are still told apart.
std::uint64_t fingerprint(const LadderShape& shape) {
    std::uint64_t hash = shape.nodes;
    const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL; };
    mix(shape.dividends);
    for (std::uint32_t k = 0; k <= shape.dividends; ++k) mix(shape.steps[k]);
    return hash;
}

}  // namespace

template <class Rows>
LadderOption ladder_option(const Rows& rows, const Terms& terms, std::size_t row) {
    LadderOption option = {static_cast<double>(rows.right[row]),
                           rows.spot[row],
                           rows.strike[row],
                           rows.years[row],
                           rows.rate[row],
                           rows.dividend_yield[row],
                           0.0,
                           nullptr,
                           nullptr,
                           0,
                           terms.exercise == Exercise::american};
    const DividendSchedules& schedules = terms.dividends;
    if (schedules.count == 0 || schedules.of[row] < 0) return option;
    const auto schedule = static_cast<std::size_t>(schedules.of[row]);
    const double* first = schedules.years + schedules.offsets[schedule];
    const double* last = schedules.years + schedules.offsets[schedule + 1];
    const double* end = std::lower_bound(first, last, option.years);
    option.ex_years = first;
    option.cash = schedules.cash + schedules.offsets[schedule];
    option.dividends = static_cast<std::uint32_t>(end - first);
    return option;
}

template LadderOption ladder_option(const OptionRows&, const Terms&, std::size_t);
template LadderOption ladder_option(const QuotedRows&, const Terms&, std::size_t);

double* LadderMemory::at_least(std::size_t doubles) {
    if (doubles > size_) {
        memory_.reset(new (std::align_val_t{64}) double[doubles]);
        size_ = doubles;
    }
    return memory_.get();
}

LadderBatch::LadderBatch(std::vector<LadderOption> options, const std::vector<bool>& skipped,
                         double tolerance, const LadderKernels& kernels, std::size_t piece)
    : options_(std::move(options)), shapes_(options_.size()) {
    std::size_t steps = 0;
    for (const LadderOption& option : options_) steps += option.dividends + 1;
    steps_.resize(steps);
    std::vector<std::pair<std::uint64_t, std::size_t>> keys;
    keys.reserve(options_.size());
    std::uint16_t* free_steps = steps_.data();
    for (std::size_t i = 0; i < options_.size(); ++i) {
        if (!skipped.empty() && skipped[i]) continue;
        if (!kernels.shape(options_[i], tolerance, &shapes_[i], free_steps)) {
            others_.push_back(i);
            continue;
        }
        free_steps += options_[i].dividends + 1;
        keys.emplace_back(fingerprint(shapes_[i]), options_[i].right < 0.0 ? kPut | i : i);
    }
    std::sort(keys.begin(), keys.end());
    order_.reserve(keys.size());
    for (const auto& key : keys) order_.push_back(key.second & ~kPut);
    for (std::size_t first = 0; first < order_.size();) {
        std::size_t last = first + 1;
        while (last < order_.size() && last - first < piece && same_shape(order_[first], order_[last]))
            ++last;
        pieces_.push_back({first, last - first});
        first = last;
    }
}

bool LadderBatch::same_shape(std::size_t index, std::size_t other) const {
    const LadderShape &a = shapes_[index], &b = shapes_[other];
    return a.nodes == b.nodes && a.dividends == b.dividends &&
           std::equal(a.steps, a.steps + a.dividends + 1, b.steps);
}

}  // namespace atalanta
