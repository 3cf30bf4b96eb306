// Options grouped by the size of their grids and the length of their marches, and walked in pieces on several
// threads. Entry: LadderBatch::for_each_piece. How options are grouped does not touch their results.
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

// Options whose grids have the same number of nodes, by their index in the batch.
struct LadderPiece {
    const std::size_t* options;
    std::size_t count;
    LadderExtent extent;
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

    // A piece of at most kLadderOptions options as a block.
    void fill(const LadderPiece& piece, LadderBlock& block) const {
        block.count = piece.count;
        for (std::size_t i = 0; i < piece.count; ++i) {
            block.options[i] = options_[piece.options[i]];
            block.shapes[i] = shapes_[piece.options[i]];
        }
    }

    // Calls body(piece, memory, by_cash) for all pieces, with doubles(extent) of memory and room for a number
    // per dividend and lane.
    template <class Body>
    void for_each_piece(int threads, std::size_t (*doubles)(const LadderExtent&) noexcept,
                        Body&& body) const {
        std::atomic<bool> out_of_memory{false};
        parallel_ranges(pieces_.size(), 1, threads, [&](std::size_t first, std::size_t count) {
            try {
                LadderMemory memory;
                for (std::size_t p = first; p < first + count; ++p) {
                    LadderPiece piece = {order_.data() + pieces_[p].first, pieces_[p].count, {0, 0, 0}};
                    for (std::size_t i = 0; i < piece.count; ++i) {
                        piece.extent.include(shapes_[piece.options[i]]);
                    }
                    const std::size_t cash = piece.extent.dividends * kLadderOptions;
                    double* const by_cash = memory.at_least(cash + doubles(piece.extent));
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

    std::vector<LadderOption> options_;
    std::vector<LadderShape> shapes_;
    std::vector<std::uint16_t> steps_;
    std::vector<std::size_t> order_, others_;
    std::vector<Range> pieces_;
};

}  // namespace atalanta
