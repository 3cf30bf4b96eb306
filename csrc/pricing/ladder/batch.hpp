// Options grouped by the shape of their grids, and walked in pieces of one shape on several threads.
// Entry: LadderBatch::for_each_piece. How options are grouped does not touch their results.
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "base/thread_pool.hpp"
#include "pricing/american.hpp"
#include "pricing/kernel_set.hpp"

namespace atalanta {

// A row with the entries of its schedule that count for it. Its volatility is not set.
template <class Rows>
LadderOption ladder_option(const Rows& rows, const Terms& terms, std::size_t row);

// Options of one shape, by their index in the batch.
struct LadderPiece {
    const std::size_t* options;
    std::size_t count;
    const LadderShape& shape;
};

// Working memory of one thread, aligned to 64 bytes.
class LadderMemory {
  public:
    double* at_least(std::size_t doubles);

  private:
    struct Free {
        void operator()(double* memory) const noexcept { ::operator delete[](memory, std::align_val_t{64}); }
    };
    std::unique_ptr<double[], Free> memory_;
    std::size_t size_ = 0;
};

class LadderBatch {
  public:
    // `skipped` of an index: not part of the batch. piece: the most options of one piece.
    LadderBatch(std::vector<LadderOption> options, const std::vector<bool>& skipped, double tolerance,
                const LadderKernels& kernels, std::size_t piece = kLadderOptions);

    // Options that need no grid.
    const std::vector<std::size_t>& others() const { return others_; }
    const LadderOption& option(std::size_t index) const { return options_[index]; }
    const LadderShape& shape(std::size_t index) const { return shapes_[index]; }

    // The option at place i of a block; a block that is not full repeats its first option.
    const LadderOption& lane(const LadderPiece& piece, std::size_t i) const {
        return options_[piece.options[i < piece.count ? i : 0]];
    }

    // Calls body(piece, memory, by_cash) for all pieces, with doubles(shape) of memory and room for a number
    // per dividend and lane.
    template <class Body>
    void for_each_piece(int threads, std::size_t (*doubles)(const LadderShape&) noexcept, Body&& body) const {
        std::atomic<bool> out_of_memory{false};
        parallel_ranges(pieces_.size(), 1, threads, [&](std::size_t first, std::size_t count) {
            try {
                LadderMemory memory;
                for (std::size_t p = first; p < first + count; ++p) {
                    const std::size_t* options = order_.data() + pieces_[p].first;
                    const LadderPiece piece = {options, pieces_[p].count, shapes_[*options]};
                    const std::size_t cash = piece.shape.dividends * kLadderOptions;
                    double* const by_cash = memory.at_least(cash + doubles(piece.shape));
                    body(piece, by_cash + cash, by_cash);
                }
            } catch (const std::bad_alloc&) {
                out_of_memory.store(true, std::memory_order_relaxed);
            }
        });
        if (out_of_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
    }

  private:
    struct Range {
        std::size_t first, count;  // of order_
    };

    bool same_shape(std::size_t index, std::size_t other) const;

    std::vector<LadderOption> options_;
    std::vector<LadderShape> shapes_;
    std::vector<std::uint16_t> steps_;
    std::vector<std::size_t> order_, others_;
    std::vector<Range> pieces_;
};

}  // namespace atalanta
