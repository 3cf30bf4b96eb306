#include "pricing/ladder/batch.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace atalanta {
namespace {

// The order in which options are cut into pieces. Few steps are wasted on lanes that wait for longer ones;
// options with the same steps, which cross their ex-dates together, adjoin, and of these the ones whose free
// boundaries lie at about the same node.
struct Place {
    std::uint64_t size;      // nodes, then the kind and the number of steps
    std::uint64_t schedule;  // a fingerprint of the steps of its intervals
    double depth;            // in the money, about in deviations
    std::size_t index;

    bool operator<(const Place& other) const {
        return std::tie(size, schedule, depth, index) <
               std::tie(other.size, other.schedule, other.depth, other.index);
    }
};

double depth_of(const LadderOption& o) {
    return o.right * (o.spot - o.strike) / (o.spot * o.vol * std::sqrt(o.years));
}

// Options that are marched alone go together, by the number of their dates; the others long ones first.
Place place_of(const LadderOption& option, const LadderShape& shape, std::size_t index) {
    if (!shape.exercisable) return {std::uint64_t{shape.nodes} << 33 | shape.dividends, 0, 0.0, index};
    std::uint64_t hash = shape.dividends;
    for (std::uint32_t k = 0; k <= shape.dividends; ++k)
        hash = (hash ^ shape.steps[k]) * 0x9E3779B97F4A7C15ULL;
    const std::uint64_t shorter = 0xFFFFFFFF - shape.total_steps;
    return {std::uint64_t{shape.nodes} << 33 | std::uint64_t{1} << 32 | shorter, hash, depth_of(option),
            index};
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
    std::vector<Place> places;
    places.reserve(options_.size());
    std::uint16_t* free_steps = steps_.data();
    for (std::size_t i = 0; i < options_.size(); ++i) {
        if (!skipped.empty() && skipped[i]) continue;
        if (!kernels.shape(options_[i], tolerance, &shapes_[i], free_steps)) {
            others_.push_back(i);
            continue;
        }
        free_steps += options_[i].dividends + 1;
        places.push_back(place_of(options_[i], shapes_[i], i));
    }
    std::sort(places.begin(), places.end());
    order_.reserve(places.size());
    for (const Place& place : places) order_.push_back(place.index);
    for (std::size_t first = 0; first < order_.size();) {
        const std::uint16_t nodes = shapes_[order_[first]].nodes;
        std::size_t last = first + 1;
        while (last < order_.size() && last - first < piece && shapes_[order_[last]].nodes == nodes) ++last;
        pieces_.push_back({first, last - first});
        first = last;
    }
}

}  // namespace atalanta
