#include "risk/book_grid.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace atalanta::risk {
namespace {

void require(bool fits, const char* what) {
    if (!fits)
        throw std::invalid_argument(std::string(what) + " of a scenario grid does not fit its contracts");
}

}  // namespace

BookGrid::BookGrid(GridTerms terms)
    : terms_(std::move(terms)),
      spots_(terms_.spot_shocks.size()),
      vols_(terms_.vol_shocks.size() * (terms_.smile.empty() ? 1 : spots_.size())),
      values_(cells()) {
    require(terms_.group.size() == contracts(), "group");
    require(terms_.dropped.empty() || terms_.dropped.size() == contracts(), "dropped");
    require(terms_.smile.empty() || terms_.smile.size() == contracts() * spots_.size(), "smile");
}

void BookGrid::shift(double vol, const double* factor, double* out) const noexcept {
    const double present = factor == nullptr ? vol : vol * *factor;
    for (std::size_t v = 0; v < terms_.vol_shocks.size(); ++v) {
        const double shock = terms_.vol_shocks[v];
        const double moved = terms_.vol_points ? present + shock : present * (1.0 + shock);
        out[v] = moved < kLeastVol ? kLeastVol : moved;
    }
}

void BookGrid::totals(const VolLadders& ladders, const double* spot, const double* vol,
                      double* totals) noexcept {
    const std::size_t size = cells(), vols = terms_.vol_shocks.size();
    std::fill(totals, totals + groups() * size, 0.0);
    const bool each = !terms_.smile.empty();
    for (std::size_t c = 0; c < contracts(); ++c) {
        if (terms_.group[c] < 0 || static_cast<std::size_t>(terms_.group[c]) >= groups()) continue;
        const double present = spot[c] - (terms_.dropped.empty() ? 0.0 : terms_.dropped[c]);
        for (std::size_t s = 0; s < spots_.size(); ++s) {
            spots_[s] = present * (1.0 + terms_.spot_shocks[s]);
            if (each) shift(vol[c], &terms_.smile[c * spots_.size() + s], vols_.data() + s * vols);
        }
        if (!each) shift(vol[c], nullptr, vols_.data());
        ladders.values(c, spots_.data(), spots_.size(), vols_.data(), each ? vols : 0, vols, values_.data());
        double* const into = totals + static_cast<std::size_t>(terms_.group[c]) * size;
        const double weight = terms_.weight[c];
        for (std::size_t i = 0; i < size; ++i) into[i] += weight * values_[i];
    }
}

void BookGrid::greeks(const VolLadders& ladders, const double* spot, const double* vol,
                      BookGreeks* out) const noexcept {
    std::fill(out, out + groups(), BookGreeks{});
    for (std::size_t c = 0; c < contracts(); ++c) {
        if (terms_.group[c] < 0 || static_cast<std::size_t>(terms_.group[c]) >= groups()) continue;
        const PresentReading one = ladders.present(c, spot[c], vol[c]);
        BookGreeks& sum = out[terms_.group[c]];
        const double weight = terms_.weight[c];
        sum.value += weight * one.price;
        sum.delta += weight * one.delta;
        sum.gamma += weight * one.gamma;
        sum.theta += weight * one.theta;
        sum.vega += weight * one.vega;
    }
}

}  // namespace atalanta::risk
