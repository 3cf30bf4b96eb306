#include "streaming/scenario_build.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace atalanta::streaming {
namespace {

constexpr double kLeastVol = 1e-4;       // a shocked volatility is not taken below this
constexpr double kLeastVolDrift = 0.05;  // levels stand so far around the shocked volatilities

// Dividends of all underlyings as seen from a moment.
struct Schedules {
    std::vector<std::size_t> offsets = {0};
    std::vector<double> years, cash;
    std::vector<std::int32_t> of;  // of each underlying

    Schedules(const std::vector<Underlying>& underlyings, std::int64_t now_ns) {
        for (const Underlying& one : underlyings) {
            for (std::size_t d = 0; d < one.ex_ns.size(); ++d) {
                if (one.ex_ns[d] <= now_ns) continue;
                years.push_back(static_cast<double>(one.ex_ns[d] - now_ns) / kYearNs);
                cash.push_back(one.cash[d]);
            }
            const bool pays = years.size() > offsets.back();
            of.push_back(pays ? static_cast<std::int32_t>(offsets.size()) - 1 : -1);
            if (pays) offsets.push_back(years.size());
        }
    }
};

// The columns of the contracts that have a row.
struct Columns {
    std::vector<std::int8_t> right;
    std::vector<std::uint8_t> american;
    std::vector<double> strike, years, rate, yield, levels, shocked;
    std::vector<std::int32_t> schedule, group;
};

bool ascends(const std::vector<double>& shocks) {
    return std::adjacent_find(shocks.begin(), shocks.end(), std::greater_equal<>()) == shocks.end();
}

void add_row(ScenarioBuild& build, Columns& columns, std::size_t held, double years,
             const ScenarioRequest& request, const Schedules& schedules, const ScenarioTerms& terms) {
    const ScenarioHoldings& of = *build.of;
    const auto u = static_cast<std::size_t>(of.underlying[held]);
    build.row[held] = static_cast<std::int32_t>(build.rows());
    build.held.push_back(static_cast<std::uint32_t>(held));
    const double vol = request.vol[held], scale = request.scale[held];
    build.row_spot.push_back(build.spot[u] * scale);
    build.row_scale.push_back(scale);
    build.row_vol.push_back(vol);
    build.weight.push_back(of.weight[held]);
    build.next_expiry_ns = std::min(build.next_expiry_ns, of.expires_ns[held]);
    columns.right.push_back(of.right[held]);
    columns.american.push_back(of.american[held]);
    columns.strike.push_back(of.strike[held]);
    columns.years.push_back(years);
    columns.rate.push_back(of.rate[held]);
    columns.yield.push_back(of.yield[held]);
    columns.schedule.push_back(of.american[held] != 0 ? schedules.of[u] : -1);
    columns.group.push_back(of.underlying[held]);
    const std::size_t vols = terms.vol_shocks.size(), at = columns.shocked.size();
    columns.shocked.resize(at + vols);
    shock_vol(terms, vol, columns.shocked.data() + at);
    const double* const shocked = columns.shocked.data() + at;
    const double drift = std::max(kLeastVolDrift, 3.0 * terms.vol_tolerance);
    columns.levels.push_back(shocked[0] * (1.0 - drift));
    columns.levels.insert(columns.levels.end(), shocked, shocked + vols);
    columns.levels.push_back(shocked[vols - 1] * (1.0 + drift));
}

void solve(ScenarioBuild& build, const Columns& columns, const Schedules& schedules,
           const ScenarioTerms& terms) {
    const risk::Contracts contracts = {build.rows(),
                                       columns.right.data(),
                                       build.row_spot.data(),
                                       columns.strike.data(),
                                       columns.years.data(),
                                       columns.rate.data(),
                                       columns.yield.data(),
                                       columns.american.data(),
                                       {schedules.offsets.size() - 1,
                                        schedules.offsets.data(),
                                        schedules.years.data(),
                                        schedules.cash.data(),
                                        {columns.schedule.data(), false}}};
    const risk::Reach reach = {(1.0 + terms.spot_shocks.front()) * (1.0 - terms.spot_drift),
                               (1.0 + terms.spot_shocks.back()) * (1.0 + terms.spot_drift)};
    build.ladders = std::make_unique<const risk::VolLadders>(contracts, columns.levels.data(),
                                                             terms.vol_shocks.size() + 2, reach,
                                                             Tolerance{terms.tolerance, terms.tolerance}, 1);
    const risk::SummedTerms summed = {
        terms.spot_shocks.data(), terms.spot_shocks.size(),     columns.shocked.data(),
        terms.vol_shocks.size(),  build.row_spot.data(),        build.weight.data(),
        columns.group.data(),     build.of->underlyings.size(), terms.spot_drift};
    build.sums = std::make_unique<const risk::BookLadder>(*build.ladders, summed);
}

// Rows that are in no sum begin with what they are worth at the spot of the build.
void read_alone(ScenarioBuild& build, const Columns& columns, const ScenarioTerms& terms) {
    const std::size_t cells = terms.cells(), vols = terms.vol_shocks.size();
    std::vector<double> spots(terms.spot_shocks.size());
    for (std::size_t row = 0; row < build.rows(); ++row) {
        if (build.sums->holds(row)) continue;
        for (std::size_t s = 0; s < spots.size(); ++s)
            spots[s] = build.row_spot[row] * (1.0 + terms.spot_shocks[s]);
        double* const part = build.part.data() + row * cells;
        build.ladders->values(row, spots.data(), spots.size(), columns.shocked.data() + row * vols, 0, vols,
                              part);
        const bool whole = std::all_of(part, part + cells, [](double v) { return std::isfinite(v); });
        double* const parts = build.parts.data() + static_cast<std::size_t>(columns.group[row]) * cells;
        for (std::size_t i = 0; i < cells; ++i)
            parts[i] += part[i] = whole ? build.weight[row] * part[i] : 0.0;
        if (whole) build.read_ratio[row] = 1.0;
    }
}

}  // namespace

std::size_t ScenarioTerms::still() const noexcept {
    const auto zero = [](const std::vector<double>& shocks) {
        return static_cast<std::size_t>(std::find(shocks.begin(), shocks.end(), 0.0) - shocks.begin());
    };
    return zero(spot_shocks) * vol_shocks.size() + zero(vol_shocks);
}

void ScenarioTerms::check() const {
    const auto require = [](bool holds, const char* message) {
        if (!holds) throw std::invalid_argument(message);
    };
    for (const auto* shocks : {&spot_shocks, &vol_shocks}) {
        require(!shocks->empty() && ascends(*shocks), "shocks of the scenarios do not ascend");
        require(std::isfinite(shocks->front()) && std::isfinite(shocks->back()) && shocks->front() > -1.0,
                "shocks of the scenarios are not above -1");
        require(std::find(shocks->begin(), shocks->end(), 0.0) != shocks->end(),
                "shocks of the scenarios do not hold 0");
    }
    require(vol_shocks.size() + 2 <= risk::VolLadders::kMostLevels, "there are too many vol shocks");
    require(vol_tolerance > 0.0 && spot_drift > 0.0 && spot_drift <= 0.5 && refresh_after_ns > 0 &&
                reads > 0 && tolerance > 0.0,
            "tolerances of the scenarios must be above 0, spot_drift at most 0.5");
    risk::SummedTerms summed{};
    summed.spot_shocks = spot_shocks.data();
    summed.spots = spot_shocks.size();
    summed.vol_count = vol_shocks.size();
    summed.drift = spot_drift;
    require(risk::BookLadder::fits(summed),
            "spot shocks of the scenarios lie too far apart: the highest spot may be 12 times the lowest");
}

ScenarioHoldings::ScenarioHoldings(const Universe& universe, const std::vector<double>& quantities)
    : place(universe.contracts(), -1),
      shares(quantities.begin(),
             quantities.begin() + static_cast<std::ptrdiff_t>(universe.underlyings.size())),
      underlyings(universe.underlyings) {
    for (std::uint32_t u = 0; u < universe.underlyings.size(); ++u) {
        first.push_back(contract.size());
        const Underlying& one = universe.underlyings[u];
        for (std::uint32_t g = one.first_group; g < one.first_group + one.groups; ++g) {
            const Group& group = universe.groups[g];
            for (std::uint32_t c = group.first; c < group.first + group.count; ++c) {
                const double quantity = quantities[universe.underlyings.size() + c];
                if (quantity == 0.0) continue;
                place[c] = static_cast<std::int32_t>(contract.size());
                contract.push_back(c);
                weight.push_back(quantity * universe.multiplier[c]);
                underlying.push_back(static_cast<std::int32_t>(u));
                right.push_back(universe.right[c]);
                american.push_back(group.american ? 1 : 0);
                strike.push_back(universe.strike[c]);
                rate.push_back(group.rate);
                yield.push_back(group.yield);
                expires_ns.push_back(group.expires_ns);
            }
        }
    }
    first.push_back(contract.size());
}

void shock_vol(const ScenarioTerms& terms, double vol, double* out) noexcept {
    for (std::size_t v = 0; v < terms.vol_shocks.size(); ++v) {
        const double shock = terms.vol_shocks[v];
        const double moved = terms.vol_points ? vol + shock : vol * (1.0 + shock);
        out[v] = moved < kLeastVol ? kLeastVol : moved;
    }
}

std::unique_ptr<ScenarioBuild> solve_scenarios(const ScenarioRequest& request, const ScenarioTerms& terms) {
    auto build = std::make_unique<ScenarioBuild>();
    const ScenarioHoldings& of = *request.of;
    build->of = request.of;
    build->time_ns = request.time_ns;
    build->asked_ns = static_cast<std::int64_t>(request.asked_ns);
    build->next_expiry_ns = std::numeric_limits<std::int64_t>::max();
    build->spot = request.spot;
    build->row.assign(of.size(), -1);
    const Schedules schedules(of.underlyings, request.time_ns);
    Columns columns;
    for (std::size_t u = 0; u + 1 < of.first.size(); ++u) {
        build->first.push_back(build->rows());
        for (std::size_t i = of.first[u]; i < of.first[u + 1]; ++i) {
            const double years = static_cast<double>(of.expires_ns[i] - request.time_ns) / kYearNs;
            const double vol = request.vol[i], spot = request.spot[u];
            if (years > 0.0 && vol > 0.0 && std::isfinite(vol) && spot > 0.0 && std::isfinite(spot))
                add_row(*build, columns, i, years, request, schedules, terms);
        }
    }
    build->first.push_back(build->rows());
    solve(*build, columns, schedules, terms);
    const std::size_t rows = build->rows(), cells = terms.cells();
    build->vol = build->row_vol;
    build->scale = build->row_scale;
    build->read_ratio.assign(rows, std::numeric_limits<double>::quiet_NaN());
    build->part.assign(rows * cells, 0.0);
    build->parts.assign(of.underlyings.size() * cells, 0.0);
    build->queue.resize(rows);
    build->queued.assign(rows, 0);
    build->unread.assign(rows, 0);
    read_alone(*build, columns, terms);
    return build;
}

}  // namespace atalanta::streaming
