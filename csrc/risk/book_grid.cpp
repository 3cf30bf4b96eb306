#include "risk/book_grid.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace atalanta::risk {
namespace {

void require(bool fits, const char* what) {
    if (!fits)
        throw std::invalid_argument(std::string(what) + " of a scenario grid does not fit its contracts");
}

// By how much spots that have moved together may differ, as a share: rounding.
constexpr double kTogether = 1e-12;

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

bool BookGrid::add_up(const VolLadders& ladders, const double* spot, const double* vol, double drift) {
    summed_ = nullptr;
    const bool apart =
        std::any_of(terms_.dropped.begin(), terms_.dropped.end(), [](double d) { return d != 0.0; });
    if (!terms_.smile.empty() || apart) return false;
    const std::size_t size = contracts(), vols = terms_.vol_shocks.size();
    std::vector<double> shifted(size * vols);
    for (std::size_t c = 0; c < size; ++c) shift(vol[c], nullptr, shifted.data() + c * vols);
    const SummedTerms terms = {terms_.spot_shocks.data(), spots_.size(),       shifted.data(), vols, spot,
                               terms_.weight.data(),      terms_.group.data(), groups(),       drift};
    if (!BookLadder::fits(terms)) return false;
    sums_ = std::make_unique<const BookLadder>(ladders, terms);
    summed_spot_.assign(spot, spot + size);
    summed_vol_.assign(vol, vol + size);
    ratio_.resize(groups());
    summed_ = &ladders;
    return true;
}

void BookGrid::totals(const VolLadders& ladders, const double* spot, const double* vol,
                      double* totals) noexcept {
    if (!from_sums(ladders, spot, vol, totals)) each_contract(ladders, spot, vol, totals);
}

// Ratios of the groups, where all of a group's spots have moved by the same and not too far.
bool BookGrid::moves_together(const double* spot) noexcept {
    std::fill(ratio_.begin(), ratio_.end(), 0.0);
    for (std::size_t c = 0; c < contracts(); ++c) {
        if (!counts(c)) continue;
        double& ratio = ratio_[static_cast<std::size_t>(terms_.group[c])];
        if (ratio == 0.0) {
            ratio = spot[c] / summed_spot_[c];
            if (!sums_->reaches(ratio)) return false;
        }
        if (!(std::fabs(spot[c] - ratio * summed_spot_[c]) <= kTogether * spot[c])) return false;
    }
    return true;
}

bool BookGrid::from_sums(const VolLadders& ladders, const double* spot, const double* vol,
                         double* totals) noexcept {
    if (summed_ != &ladders || !moves_together(spot)) return false;
    std::size_t apart = 0;
    for (std::size_t c = 0; c < contracts(); ++c)
        apart += counts(c) && (vol[c] != summed_vol_[c] || !sums_->holds(c));
    if (2 * apart > contracts()) return false;  // two reads each
    for (std::size_t g = 0; g < groups(); ++g) {
        double* const into = totals + g * cells();
        if (ratio_[g] == 0.0) {
            std::fill(into, into + cells(), 0.0);
        } else {
            sums_->read(g, ratio_[g], into);
        }
    }
    for (std::size_t c = 0; apart > 0 && c < contracts(); ++c) {
        if (counts(c) && (vol[c] != summed_vol_[c] || !sums_->holds(c))) {
            add_moved(ladders, c, spot[c], vol[c], totals);
            --apart;
        }
    }
    return true;
}

// What a contract is worth now in the place of what is in the sums.
void BookGrid::add_moved(const VolLadders& ladders, std::size_t c, double spot, double vol,
                         double* totals) noexcept {
    double* const into = totals + static_cast<std::size_t>(terms_.group[c]) * cells();
    for (std::size_t s = 0; s < spots_.size(); ++s) spots_[s] = spot * (1.0 + terms_.spot_shocks[s]);
    const auto add = [&](double at, double weight) {
        shift(at, nullptr, vols_.data());
        ladders.values(c, spots_.data(), spots_.size(), vols_.data(), 0, terms_.vol_shocks.size(),
                       values_.data());
        for (std::size_t i = 0; i < cells(); ++i) into[i] += weight * values_[i];
    };
    add(vol, terms_.weight[c]);
    if (sums_->holds(c)) add(summed_vol_[c], -terms_.weight[c]);
}

void BookGrid::each_contract(const VolLadders& ladders, const double* spot, const double* vol,
                             double* totals) noexcept {
    const std::size_t size = cells(), vols = terms_.vol_shocks.size();
    std::fill(totals, totals + groups() * size, 0.0);
    const bool each = !terms_.smile.empty();
    for (std::size_t c = 0; c < contracts(); ++c) {
        if (!counts(c)) continue;
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
        if (!counts(c)) continue;
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
