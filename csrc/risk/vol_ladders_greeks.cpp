// Price and Greeks of a contract now, from the ladders that a build has solved.
#include <cmath>

#include "pricing/dispatch.hpp"
#include "risk/vol_ladders.hpp"

namespace atalanta::risk {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

}  // namespace

PresentReading VolLadders::present_in_closed_form(std::size_t c, double spot, double vol) const noexcept {
    double column[7];
    const OptionRows row = {1,
                            {&right_[c], true},
                            {&spot, true},
                            {&strike_[c], true},
                            {&years_[c], true},
                            {&rate_[c], true},
                            {&yield_[c], true},
                            {&vol, true}};
    GreekColumns out = {};
    for (std::size_t i = 0; i < std::size(column); ++i) out.data[i] = column + i;
    kernels_.european->greeks_order_1(row, out);
    const auto at = [&](Greek greek) { return column[static_cast<std::size_t>(greek)]; };
    return {at(Greek::price), at(Greek::delta), at(Greek::gamma), at(Greek::theta), at(Greek::vega)};
}

PresentReading VolLadders::present(std::size_t c, double spot, double vol) const noexcept {
    if (in_closed_form(c)) return present_in_closed_form(c, spot, vol);
    constexpr std::size_t kColumns = 4;
    std::uint32_t row[kMostLevels];
    double at[kMostLevels], column[kColumns][kMostLevels];
    const Ladders& ladders = *ladders_of(c);
    for (std::size_t l = 0; l < count_; ++l) {
        row[l] = row_at(ladders, c * count_ + l, spot);
        at[l] = spot;
    }
    ladders.read(row, at, count_, {column[0], column[1], column[2], column[3]});
    PresentReading reading = {between(c, column[0], 1, vol), between(c, column[1], 1, vol),
                              between(c, column[2], 1, vol), between(c, column[3], 1, vol), kNotANumber};
    if (std::isnan(reading.price)) return reading;
    const Window near = window(c, vol);
    const double* x = level_.data() + c * count_ + near.first;
    const double* w = near.weight;
    const double* price = column[0] + near.first;
    double slope = 0.0, whole = 0.0;
    for (std::size_t i = 0; i < near.count; ++i) {
        if (vol != x[i]) continue;
        for (std::size_t l = 0; l < near.count; ++l) {
            if (l != i) slope += w[l] / w[i] * (price[l] - price[i]) / (x[i] - x[l]);
        }
        reading.vega = slope;
        return reading;
    }
    for (std::size_t l = 0; l < near.count; ++l) {
        const double part = w[l] / (vol - x[l]);
        slope += part * (reading.price - price[l]) / (vol - x[l]);
        whole += part;
    }
    reading.vega = slope / whole;
    return reading;
}

}  // namespace atalanta::risk
