#include "pricing/ladder/ladders.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/close_ups.hpp"

namespace atalanta {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// A ladder that covers no spot; six nodes to read and discard.
constexpr LadderProfile kNoLadder = {kNotANumber, kNotANumber, 1.0, 1.0,
                                     3.0,         1.0,         1.0, 1.0,
                                     0.0,         0.0,         0.0, std::numeric_limits<double>::infinity(),
                                     0.0,         kNoCloseUp};
constexpr std::size_t kNodesOfNoLadder = 7;

bool is_no_ladder(const LadderProfile& profile) {
    return std::isnan(profile.low);
}

// Whether there is none, or reads of it stay among its nodes and mean something.
bool is_readable(const LadderCloseUp& c, double low, double high) {
    constexpr double kMostNodes = 1e4;
    if (c.nodes == 0.0) return c.low > c.high;
    const bool finite = std::isfinite(c.low + c.high + c.centre + c.scale + c.first + c.step);
    const bool counted = c.nodes >= 2.0 && c.nodes <= kMostNodes && c.nodes == std::floor(c.nodes);
    const bool within = low <= c.low && c.high <= high;
    return finite && counted && within && c.centre > 0.0 && c.scale > 0.0 && c.step > 0.0;
}

// Whether reads of the profile stay among its 2 middle + 1 nodes and mean something.
bool is_readable(const LadderProfile& p) {
    constexpr double kLeastMiddle = 3.0, kMostMiddle = std::numeric_limits<std::uint16_t>::max();
    const bool finite = std::isfinite(p.unit + p.strike + p.rate + p.yield + p.variance);
    const bool ordered = 0.0 < p.low && p.low <= p.spot && p.spot <= p.high && std::isfinite(p.high);
    const bool counted =
        p.middle >= kLeastMiddle && p.middle <= kMostMiddle && p.middle == std::floor(p.middle);
    const bool exercise = !std::isnan(p.exercise_low) && !std::isnan(p.exercise_high);
    return finite && ordered && counted && exercise && p.spacing > 0.0 && std::isfinite(p.spacing) &&
           std::fabs(p.side) == 1.0 && is_readable(p.close_up, p.low, p.high);
}

std::size_t nodes_of(const LadderProfile& profile) {
    return 2 * static_cast<std::size_t>(profile.middle) + 1 +
           kCloseUpNumbers * static_cast<std::size_t>(profile.close_up.nodes);
}

// Of all ladders, and of those that are none.
std::size_t count_nodes(std::span<const LadderProfile> profiles) {
    std::size_t count = kNodesOfNoLadder;
    for (std::size_t row = 0; row < profiles.size(); ++row) {
        if (is_no_ladder(profiles[row])) continue;
        if (!is_readable(profiles[row])) {
            throw std::invalid_argument("row " + std::to_string(row) + " has no profile of a ladder");
        }
        count += nodes_of(profiles[row]);
    }
    return count;
}

std::vector<LadderOption> options_of(const OptionRows& rows, const Terms& terms) {
    std::vector<LadderOption> options(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
    }
    return options;
}

}  // namespace

Ladders::Ladders(const OptionRows& rows, const Terms& terms, int threads)
    : Ladders(options_of(rows, terms), terms.tolerance.cash, threads) {}

Ladders::Ladders(std::vector<LadderOption> options, double tolerance, int threads, Kinks kinks)
    : kernels_(active_kernels().ladder), profiles_(options.size(), kNoLadder), values_(options.size()) {
    for (LadderOption& option : options) option.read_far = true;
    const LadderBatch batch(options, {}, tolerance, *kernels_);
    std::vector<std::size_t> first(size(), kNodesOfNoLadder);
    for (const std::size_t row : batch.others()) first[row] = 0;
    std::size_t nodes = kNodesOfNoLadder;
    for (std::size_t row = 0; row < size(); ++row) {
        if (first[row] == 0) continue;
        first[row] = nodes;
        nodes += kernels_->profile_size(batch.shape(row));
    }
    nodes_.resize(nodes);
    for (std::size_t row = 0; row < size(); ++row) values_[row] = nodes_.data() + first[row];
    batch.for_each_piece(threads, kernels_->solve_doubles,
                         [&](const LadderPiece& piece, double* memory, double*) {
                             LadderBlock block;
                             LadderProfile profiles[kLadderOptions];
                             double* values[kLadderOptions];
                             batch.fill(piece, block);
                             for (std::size_t i = 0; i < piece.count; ++i) {
                                 values[i] = nodes_.data() + first[piece.options[i]];
                             }
                             kernels_->profiles(block, memory, profiles, values);
                             for (std::size_t i = 0; i < piece.count; ++i) {
                                 profiles_[piece.options[i]] = profiles[i];
                             }
                         });
    if (kinks == Kinks::looked_at) look_closely(options, tolerance, threads);
}

void Ladders::look_closely(const std::vector<LadderOption>& options, double tolerance, int threads) {
    const std::vector<FoundCloseUp> found = find_close_ups(*this, options, tolerance, threads);
    if (found.empty()) return;
    std::vector<double> nodes(nodes_.begin(), nodes_.begin() + kNodesOfNoLadder);
    std::vector<std::size_t> first(size(), 0);
    std::size_t next = 0;
    for (std::size_t row = 0; row < size(); ++row) {
        if (is_no_ladder(profiles_[row])) continue;
        first[row] = nodes.size();
        nodes.insert(nodes.end(), values_[row], values_[row] + nodes_of(profiles_[row]));
        if (next == found.size() || found[next].row != row) continue;
        profiles_[row].close_up = found[next].shape;
        nodes.insert(nodes.end(), found[next].values.begin(), found[next].values.end());
        ++next;
    }
    nodes_ = std::move(nodes);
    for (std::size_t row = 0; row < size(); ++row) values_[row] = nodes_.data() + first[row];
}

Ladders::Ladders(std::span<const LadderProfile> profiles, std::span<const double> nodes)
    : kernels_(active_kernels().ladder),
      profiles_(profiles.begin(), profiles.end()),
      values_(profiles.size()),
      nodes_(nodes.begin(), nodes.end()) {
    if (count_nodes(profiles) != nodes.size()) {
        throw std::invalid_argument("its profiles do not fit its " + std::to_string(nodes.size()) + " nodes");
    }
    std::size_t used = kNodesOfNoLadder;
    for (std::size_t row = 0; row < size(); ++row) {
        if (is_no_ladder(profiles_[row])) {
            profiles_[row] = kNoLadder;
            values_[row] = nodes_.data();
        } else {
            values_[row] = nodes_.data() + used;
            used += nodes_of(profiles_[row]);
        }
    }
}

std::size_t Ladders::bytes() const noexcept {
    return sizeof(*this) + size() * (sizeof(LadderProfile) + sizeof(double*)) +
           nodes_.size() * sizeof(double);
}

void Ladders::read(const std::uint32_t* row, const double* spot, std::size_t count,
                   const LadderReadColumns& out) const noexcept {
    kernels_->read(profiles_.data(), values_.data(), row, spot, count, out);
}

void Ladders::read_table(const std::uint32_t* row, std::size_t rows, const double* spot, std::size_t spots,
                         double* price) const noexcept {
    kernels_->read_table(profiles_.data(), values_.data(), row, rows, spot, spots, price);
}

LadderReading Ladders::read(std::uint32_t row, double spot) const noexcept {
    LadderReading reading;
    read(&row, &spot, 1, {&reading.price, &reading.delta, &reading.gamma, &reading.theta});
    return reading;
}

}  // namespace atalanta
