#include "risk/book_ladder.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::risk {
namespace {

constexpr std::size_t kStencil = 6, kBefore = 2;

double lowest_place(const SummedTerms& terms) noexcept {
    return std::log1p(terms.spot_shocks[0]) + std::log1p(-terms.drift);
}

double highest_place(const SummedTerms& terms) noexcept {
    return std::log1p(terms.spot_shocks[terms.spots - 1]) + std::log1p(terms.drift);
}

std::size_t nodes_of(const SummedTerms& terms) noexcept {
    const double cells = (highest_place(terms) - lowest_place(terms)) / BookLadder::kSpacing;
    if (!(cells >= 0.0 && cells < 1e6)) return BookLadder::kMostNodes + 1;
    return static_cast<std::size_t>(cells) + 1 + kStencil;
}

// Lagrange's weights of the nodes -2 to 3 at f between 0 and 1.
void stencil(double f, double* weight) noexcept {
    const double a = f + 2.0, b = f + 1.0, d = f - 1.0, e = f - 2.0, g = f - 3.0;
    weight[0] = b * f * d * e * g / -120.0;
    weight[1] = a * f * d * e * g / 24.0;
    weight[2] = a * b * d * e * g / -12.0;
    weight[3] = a * b * f * e * g / 12.0;
    weight[4] = a * b * f * d * g / -24.0;
    weight[5] = a * b * f * d * e / 120.0;
}

}  // namespace

bool BookLadder::fits(const SummedTerms& terms) noexcept {
    return terms.spots > 0 && terms.vol_count > 0 && terms.drift >= 0.0 && terms.drift < 1.0 &&
           nodes_of(terms) <= kMostNodes;
}

BookLadder::BookLadder(const VolLadders& ladders, const SummedTerms& terms)
    : vols_(terms.vol_count),
      nodes_(nodes_of(terms)),
      first_(lowest_place(terms) - static_cast<double>(kBefore) * kSpacing),
      lowest_(1.0 - terms.drift),
      highest_(1.0 + terms.drift),
      shock_(terms.spots),
      sum_(terms.groups * nodes_ * vols_),
      held_(ladders.size()) {
    for (std::size_t s = 0; s < terms.spots; ++s) shock_[s] = std::log1p(terms.spot_shocks[s]);
    std::vector<double> ratio(nodes_), spot(nodes_), value(nodes_ * vols_);
    for (std::size_t j = 0; j < nodes_; ++j) ratio[j] = std::exp(first_ + static_cast<double>(j) * kSpacing);
    for (std::size_t c = 0; c < ladders.size(); ++c) {
        if (terms.group[c] < 0 || static_cast<std::size_t>(terms.group[c]) >= terms.groups) continue;
        const double* const vol = terms.vols + c * vols_;
        if (!(vol[0] * std::sqrt(ladders.smooth_years(c)) >= kNarrowest * kSpacing)) continue;
        for (std::size_t j = 0; j < nodes_; ++j) spot[j] = terms.spot[c] * ratio[j];
        ladders.values(c, spot.data(), nodes_, vol, 0, vols_, value.data());
        if (!std::all_of(value.begin(), value.end(), [](double v) { return std::isfinite(v); })) continue;
        double* const into = sum_.data() + static_cast<std::size_t>(terms.group[c]) * nodes_ * vols_;
        for (std::size_t i = 0; i < value.size(); ++i) into[i] += terms.weight[c] * value[i];
        held_[c] = 1;
    }
}

void BookLadder::read(std::size_t group, double ratio, double* out) const noexcept {
    const double moved = std::log(ratio) - first_;
    const double* const sums = sum_.data() + group * nodes_ * vols_;
    for (std::size_t s = 0; s < shock_.size(); ++s) {
        const double place = (moved + shock_[s]) / kSpacing;
        const double last = static_cast<double>(nodes_ - kStencil);
        const double cell = std::clamp(std::floor(place) - static_cast<double>(kBefore), 0.0, last);
        double weight[kStencil];
        stencil(place - cell - static_cast<double>(kBefore), weight);
        const double* const from = sums + static_cast<std::size_t>(cell) * vols_;
        double* const into = out + s * vols_;
        for (std::size_t v = 0; v < vols_; ++v) {
            double sum = 0.0;
            for (std::size_t k = 0; k < kStencil; ++k) sum += weight[k] * from[k * vols_ + v];
            into[v] = sum;
        }
    }
}

}  // namespace atalanta::risk
