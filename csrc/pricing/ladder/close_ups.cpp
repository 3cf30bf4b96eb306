#include "pricing/ladder/close_ups.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <list>
#include <numeric>

#include "pricing/ladder/readings_of_options.hpp"

namespace atalanta {
namespace {

constexpr double kSeenCells = 1.5;  // deviation until the first date from which nodes see what it smooths
// How far nodes feel a kink that they do not see.
constexpr double kReachCells = 8.0, kReachDeviations = 6.0;
constexpr double kStep = 0.5, kLeastScale = 1e-5, kMostCells = 3.5;
constexpr double kNever = std::numeric_limits<double>::infinity();

struct Kink {
    std::size_t row;
    double spot, deviation, cell;  // of ln(spot)
};

constexpr std::uint32_t kMostNearDates = 4;

// So near that the kink of exercise before it lies inside a cell.
bool is_near(const LadderOption& o, const LadderProfile& p, std::uint32_t d) {
    return d < o.dividends && d < kMostNearDates && o.vol * std::sqrt(o.ex_years[d]) < kSeenCells * p.spacing;
}

// Options just after one of their dates, at the strike.
class AfterDates {
  public:
    void add(const LadderOption& before, std::uint32_t d) {
        LadderOption after = before;
        std::vector<double>& years =
            ex_years_.emplace_back(before.ex_years + d + 1, before.ex_years + before.dividends);
        for (double& at : years) at -= before.ex_years[d];
        after.ex_years = years.data();
        after.cash = before.cash + d + 1;
        after.dividends = before.dividends - d - 1;
        after.years = before.years - before.ex_years[d];
        after.spot = before.strike;
        options_.push_back(after);
    }
    Ladders ladders(double tolerance, int threads) const {
        return {options_, tolerance, threads, Ladders::Kinks::as_nodes_see_them};
    }

  private:
    std::list<std::vector<double>> ex_years_;
    std::vector<LadderOption> options_;
};

// At the lowest spot from which the call is exercised before one of its near dates.
std::vector<Kink> unseen_kinks(const Ladders& ladders, const std::vector<LadderOption>& options,
                               double tolerance, int threads) {
    struct Near {
        std::size_t kink;
        std::uint32_t date;
    };
    std::vector<Kink> kinks;
    std::vector<Near> dates;
    AfterDates after;
    for (std::size_t row = 0; row < options.size(); ++row) {
        const LadderOption& o = options[row];
        const LadderProfile& p = ladders.profiles()[row];
        if (!o.american || o.right < 0.0 || !(p.low < p.high) || !is_near(o, p, 0)) continue;
        for (std::uint32_t d = 0; is_near(o, p, d); ++d) {
            if (!(o.cash[d] > 0.0)) continue;
            dates.push_back({kinks.size(), d});
            after.add(o, d);
        }
        kinks.push_back({row, kNever, o.vol * std::sqrt(o.ex_years[0]), p.spacing});
    }
    if (dates.empty()) return {};
    const Ladders later = after.ladders(tolerance, threads);
    for (std::size_t k = 0; k < dates.size(); ++k) {
        Kink& kink = kinks[dates[k].kink];
        const LadderOption& o = options[kink.row];
        const std::uint32_t date = dates[k].date;
        const double boundary =
            call_boundary_before(later, static_cast<std::uint32_t>(k), o.strike, o.cash[date]);
        const double spot = std::accumulate(o.cash, o.cash + date, boundary);
        if (spot < kink.spot) kink = {kink.row, spot, o.vol * std::sqrt(o.ex_years[date]), kink.cell};
    }
    std::erase_if(kinks, [](const Kink& kink) { return !(kink.spot < kNever); });
    return kinks;
}

// No nodes where the ladder does not reach the kink.
LadderCloseUp shape_about(const Kink& kink, const Ladders::Range& range) {
    const double reach = kReachCells * kink.cell + kReachDeviations * kink.deviation;
    // Of a call, from spots above to those below.
    const double from = std::max(-reach, std::log(kink.spot / range.highest));
    const double to = std::min(reach, std::log(kink.spot / range.lowest));
    if (!(from < to)) return kNoCloseUp;
    const double scale = std::max(kink.deviation, kLeastScale);
    const double first = std::asinh(from / scale), last = std::asinh(to / scale);
    // The outer nodes are no further apart than quintics carry.
    const double widest = std::hypot(scale, std::max(std::fabs(from), std::fabs(to)));
    const double cells = std::ceil((last - first) / std::min(kStep, kMostCells * kink.cell / widest));
    return {std::max(range.lowest, kink.spot * std::exp(-to)),
            std::min(range.highest, kink.spot * std::exp(-from)),
            kink.spot,
            scale,
            first,
            (last - first) / cells,
            cells + 1.0};
}

std::vector<double> spots_of(const LadderCloseUp& shape) {
    std::vector<double> spots(static_cast<std::size_t>(shape.nodes));
    for (std::size_t i = 0; i < spots.size(); ++i) {
        const double place = shape.first + static_cast<double>(i) * shape.step;
        spots[i] = shape.centre * std::exp(-shape.scale * std::sinh(place));
    }
    if (spots.empty()) return spots;
    spots.front() = shape.high;
    spots.back() = shape.low;
    return spots;
}

// u of a call and its derivatives by y, and then by the place, in nodes: y = scale sinh(place).
void append_node(const LadderCloseUp& shape, double unit, double spot, const LadderReading& at,
                 std::vector<double>& values) {
    const double u = at.price / (unit * spot), uy = u - at.delta / unit, uyy = at.gamma * spot / unit + uy;
    const double y = std::log(shape.centre / spot);
    const double by_place = std::hypot(shape.scale, y) * shape.step, bend = y * shape.step * shape.step;
    values.insert(values.end(), {u, uy * by_place, std::fma(uyy * by_place, by_place, uy * bend)});
}

}  // namespace

double call_boundary_before(const Ladders& after, std::uint32_t row, double strike, double cash) {
    const Ladders::Range range = after.range(row);
    if (std::isnan(range.highest)) return std::numeric_limits<double>::quiet_NaN();
    const auto exercised = [&](double spot) {
        const double alive = spot - cash < range.lowest ? 0.0 : after.read(row, spot - cash).price;
        return spot - strike > alive;
    };
    double low = strike, high = range.highest + cash;
    if (!exercised(high * (1.0 - 1e-9))) return std::numeric_limits<double>::infinity();
    while (high - low > 1e-10 * high) {
        const double middle = 0.5 * (low + high);
        (exercised(middle) ? high : low) = middle;
    }
    return high;
}

std::vector<FoundCloseUp> find_close_ups(const Ladders& ladders, const std::vector<LadderOption>& options,
                                         double tolerance, int threads) {
    std::vector<FoundCloseUp> found;
    std::vector<LadderOption> nodes;
    for (const Kink& kink : unseen_kinks(ladders, options, tolerance, threads)) {
        const LadderCloseUp shape = shape_about(kink, ladders.range(kink.row));
        if (shape.nodes == 0.0) continue;
        found.push_back({kink.row, shape, {}});
        for (const double spot : spots_of(shape)) {
            nodes.push_back(options[kink.row]);
            nodes.back().spot = spot;
            nodes.back().read_far = false;
        }
    }
    if (found.empty()) return found;
    const std::vector<LadderReading> readings = readings_of_options(nodes, tolerance, threads);
    std::size_t node = 0;
    for (FoundCloseUp& close_up : found) {
        const auto row = static_cast<std::uint32_t>(close_up.row);
        const double unit = ladders.profiles()[row].unit, last = close_up.shape.nodes - 1.0;
        for (double i = 0.0; i <= last; i += 1.0, ++node) {
            const double spot = nodes[node].spot;
            const bool outer = i == 0.0 || i == last;
            append_node(close_up.shape, unit, spot, outer ? ladders.read(row, spot) : readings[node],
                        close_up.values);
        }
    }
    std::erase_if(found, [](const FoundCloseUp& close_up) {
        return std::any_of(close_up.values.begin(), close_up.values.end(),
                           [](double value) { return !std::isfinite(value); });
    });
    return found;
}

}  // namespace atalanta
