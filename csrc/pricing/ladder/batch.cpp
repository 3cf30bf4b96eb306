#include "pricing/ladder/batch.hpp"

#include <algorithm>

namespace atalanta {
namespace {

// Few rows share a value by accident; those that do are still told apart.
std::uint64_t fingerprint(const LadderShape& shape) {
    std::uint64_t hash = shape.nodes;
    const auto mix = [&hash](std::uint64_t value) { hash = (hash ^ value) * 0x9E3779B97F4A7C15ULL; };
    mix(shape.dividends);
    for (std::uint32_t k = 0; k <= shape.dividends; ++k) mix(shape.steps[k]);
    return hash;
}

}  // namespace

LadderOption ladder_option(const OptionRows& rows, const Terms& terms, std::size_t row) {
    LadderOption option = {static_cast<double>(rows.right[row]),
                           rows.spot[row],
                           rows.strike[row],
                           rows.years[row],
                           rows.rate[row],
                           rows.dividend_yield[row],
                           rows.vol[row],
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

double* LadderMemory::at_least(std::size_t doubles) {
    if (doubles > size_) {
        memory_.reset(new (std::align_val_t{64}) double[doubles]);
        size_ = doubles;
    }
    return memory_.get();
}

LadderBatch::LadderBatch(const OptionRows& rows, const Terms& terms, const LadderKernels& kernels) {
    options_.reserve(rows.size);
    std::size_t steps = 0;
    for (std::size_t row = 0; row < rows.size; ++row) {
        options_.push_back(ladder_option(rows, terms, row));
        steps += options_.back().dividends + 1;
    }
    steps_.resize(steps);
    shapes_.resize(rows.size);
    std::vector<std::pair<std::uint64_t, std::size_t>> keys;
    keys.reserve(rows.size);
    std::uint16_t* free_steps = steps_.data();
    for (std::size_t row = 0; row < rows.size; ++row) {
        if (!kernels.shape(options_[row], terms.tolerance.cash, &shapes_[row], free_steps)) {
            others_.push_back(row);
            continue;
        }
        free_steps += options_[row].dividends + 1;
        keys.emplace_back(fingerprint(shapes_[row]), row);
    }
    std::sort(keys.begin(), keys.end());
    order_.reserve(keys.size());
    for (const auto& key : keys) order_.push_back(key.second);
    for (std::size_t first = 0; first < order_.size();) {
        std::size_t last = first + 1;
        while (last < order_.size() && same_shape(order_[first], order_[last])) ++last;
        split(first, last);
        first = last;
    }
}

bool LadderBatch::same_shape(std::size_t row, std::size_t other) const {
    const LadderShape &a = shapes_[row], &b = shapes_[other];
    return a.nodes == b.nodes && a.dividends == b.dividends &&
           std::equal(a.steps, a.steps + a.dividends + 1, b.steps);
}

void LadderBatch::split(std::size_t first, std::size_t last) {
    for (; first < last; first += kLadderOptions) {
        blocks_.push_back({first, std::min(kLadderOptions, last - first)});
    }
}

LadderBlock LadderBatch::block(std::size_t index) const {
    const Range range = blocks_[index];
    LadderBlock block;
    block.count = range.count;
    block.shape = shapes_[order_[range.first]];
    for (std::size_t i = 0; i < kLadderOptions; ++i) {
        block.rows[i] = order_[range.first + (i < range.count ? i : 0)];
        block.options[i] = options_[block.rows[i]];
    }
    return block;
}

}  // namespace atalanta
