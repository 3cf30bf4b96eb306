// The rows of a call as options with their dividends, grouped by the shape of their grids into blocks of
// kLadderOptions. Entry: LadderBatch::for_each_block. A block that is not full repeats its first option.
#pragma once

#include <atomic>
#include <memory>
#include <new>
#include <vector>

#include "base/thread_pool.hpp"
#include "pricing/american.hpp"
#include "pricing/kernel_set.hpp"

namespace atalanta {

// A row with the entries of its schedule that count for it.
LadderOption ladder_option(const OptionRows& rows, const Terms& terms, std::size_t row);

struct LadderBlock {
    LadderOption options[kLadderOptions];
    std::size_t rows[kLadderOptions];
    std::size_t count;  // options that are not repetitions
    LadderShape shape;
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
    LadderBatch(const OptionRows& rows, const Terms& terms, const LadderKernels& kernels);

    // Rows that need no grid.
    const std::vector<std::size_t>& others() const { return others_; }
    const LadderOption& option(std::size_t row) const { return options_[row]; }

    // Calls body(block, memory, by_cash) for all blocks, with doubles(shape) of memory and room for a number per
    // dividend and option.
    template <class Body>
    void for_each_block(int threads, std::size_t (*doubles)(const LadderShape&) noexcept, Body&& body) const {
        std::atomic<bool> out_of_memory{false};
        parallel_ranges(blocks_.size(), 1, threads, [&](std::size_t first, std::size_t count) {
            try {
                LadderMemory memory;
                for (std::size_t b = first; b < first + count; ++b) {
                    const LadderBlock block = this->block(b);
                    const std::size_t cash = block.shape.dividends * kLadderOptions;
                    double* const by_cash = memory.at_least(cash + doubles(block.shape));
                    body(block, by_cash + cash, by_cash);
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

    LadderBlock block(std::size_t index) const;
    bool same_shape(std::size_t row, std::size_t other) const;
    void split(std::size_t first, std::size_t last);

    std::vector<LadderOption> options_;
    std::vector<LadderShape> shapes_;
    std::vector<std::uint16_t> steps_;
    std::vector<std::size_t> order_, others_;
    std::vector<Range> blocks_;
};

}  // namespace atalanta
