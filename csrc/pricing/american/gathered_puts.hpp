// Rows of one class gathered as puts on a unit strike, whole vectors of them, as the kernels want them.
#pragma once

#include <algorithm>

#include "pricing/american/collocation_piece.hpp"
#include "pricing/american/collocation_regime.hpp"
#include "pricing/american/unit_puts.hpp"

namespace atalanta {

class GatheredPuts {
  public:
    static constexpr std::size_t kVector = 8, kCapacity = kPieceRows + kVector;

    std::size_t size() const { return size_; }
    // Size rounded up to whole vectors.
    std::size_t padded_size() const { return (size_ + kVector - 1) / kVector * kVector; }
    // Which row of the piece the put is.
    std::size_t row(std::size_t put) const { return row_[put]; }
    void clear() { size_ = 0; }

    void add(const AmericanRow& row, std::size_t index) {
        const double columns[] = {row.put_spot() / row.put_strike(), row.years, row.put_rate(),
                                  row.put_yield(), row.vol};
        for (std::size_t c = 0; c < kColumns; ++c) columns_[c][size_] = columns[c];
        row_[size_++] = index;
    }

    // Repeats the last one to fill its vector. Requires one.
    UnitPuts puts() {
        for (auto& column : columns_) std::fill(column + size_, column + padded_size(), column[size_ - 1]);
        return {padded_size(), columns_[0], columns_[1], columns_[2], columns_[3], columns_[4]};
    }

  private:
    static constexpr std::size_t kColumns = 5;
    std::size_t size_ = 0;
    std::size_t row_[kPieceRows];
    alignas(64) double columns_[kColumns][kCapacity];
};

}  // namespace atalanta
