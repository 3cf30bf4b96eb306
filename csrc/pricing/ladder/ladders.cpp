#include "pricing/ladder/ladders.hpp"

#include <limits>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"

namespace atalanta {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// A ladder that covers no spot; six nodes to read and discard.
constexpr LadderProfile kNoLadder = {kNotANumber, kNotANumber, 1.0, 1.0,
                                     3.0,         1.0,         1.0, 1.0,
                                     0.0,         0.0,         0.0, std::numeric_limits<double>::infinity(),
                                     0.0};
constexpr std::size_t kNodesOfNoLadder = 7;

}  // namespace

Ladders::Ladders(const OptionRows& rows, const Terms& terms, int threads)
    : kernels_(active_kernels().ladder), profiles_(rows.size, kNoLadder), values_(rows.size) {
    std::vector<LadderOption> options(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
        options[row].read_far = true;
    }
    const LadderBatch batch(std::move(options), {}, terms.tolerance.cash, *kernels_);
    std::vector<std::size_t> first(rows.size, kNodesOfNoLadder);
    for (const std::size_t row : batch.others()) first[row] = 0;
    std::size_t size = kNodesOfNoLadder;
    for (std::size_t row = 0; row < rows.size; ++row) {
        if (first[row] == 0) continue;
        first[row] = size;
        size += kernels_->profile_size(batch.shape(row));
    }
    nodes_.resize(size);
    for (std::size_t row = 0; row < rows.size; ++row) values_[row] = nodes_.data() + first[row];
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
}

std::size_t Ladders::bytes() const noexcept {
    return sizeof(*this) + size() * (sizeof(LadderProfile) + sizeof(double*)) +
           nodes_.size() * sizeof(double);
}

void Ladders::read(const std::uint32_t* row, const double* spot, std::size_t count,
                   const LadderReadColumns& out) const noexcept {
    kernels_->read(profiles_.data(), values_.data(), row, spot, count, out);
}

LadderReading Ladders::read(std::uint32_t row, double spot) const noexcept {
    LadderReading reading;
    read(&row, &spot, 1, {&reading.price, &reading.delta, &reading.gamma, &reading.theta});
    return reading;
}

}  // namespace atalanta
