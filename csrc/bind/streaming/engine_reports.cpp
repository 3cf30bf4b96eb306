// What Python reads of an engine: the account, the book, latencies, and the state of all instruments.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/monotonic.hpp"
#include "bind/streaming/engine_core.hpp"

namespace atalanta::bind {
namespace {

const char* const kDropNames[] = {"full",         "unknown_key", "bad_record", "duplicate",
                                  "out_of_order", "shed",        "late",       "halted"};
const char* const kModeNames[] = {"normal", "conflating", "shedding"};
const char* const kStageNames[] = {"market_data", "pricing", "risk"};

}  // namespace

py::dict EngineCore::account() const {
    const streaming::Account now = engine_.account();
    const streaming::Tally& tally = now.tally;
    py::dict dropped, late, by_stall, all, seen;
    for (std::size_t i = 0; i < streaming::kDrops; ++i) dropped[kDropNames[i]] = now.dropped[i];
    for (std::size_t i = 0; i < streaming::kStages; ++i) {
        late[kStageNames[i]] = tally.late[i];
        by_stall[kStageNames[i]] = tally.late_by_stall[i];
    }
    all["in"] = now.in;
    all["out"] = now.out;
    all["conflated"] = now.conflated;
    all["dropped"] = dropped;
    all["expired"] = now.expired;
    all["in_flight"] = now.in_flight;
    all["late"] = late;
    all["late_by_stall"] = by_stall;
    all["mode"] = kModeNames[tally.mode];
    all["halted"] = tally.halted_stage == 0 ? py::object(py::none())
                                            : py::object(py::str(kStageNames[tally.halted_stage - 1]));
    const std::pair<const char*, std::uint64_t> counts[] = {{"batches", tally.batches},
                                                            {"gaps", tally.gaps},
                                                            {"missing", tally.missing},
                                                            {"recovered", tally.recovered},
                                                            {"clock_backwards", tally.clock_backwards},
                                                            {"early", tally.early},
                                                            {"crossed", tally.crossed},
                                                            {"locked", tally.locked},
                                                            {"one_sided", tally.one_sided},
                                                            {"stale", tally.stale},
                                                            {"no_vol", tally.no_vol},
                                                            {"degraded", tally.degraded},
                                                            {"repriced", tally.repriced},
                                                            {"first_order", tally.first_order},
                                                            {"refreshes", tally.refreshes},
                                                            {"forwards_fitted", tally.forwards_fitted},
                                                            {"forwards_kept", tally.forwards_kept},
                                                            {"stalls", tally.stalls},
                                                            {"stalled_ns", tally.stalled_ns},
                                                            {"longest_stall_ns", tally.longest_stall_ns},
                                                            {"parks", tally.parks},
                                                            {"mode_changes", tally.mode_changes}};
    for (const auto& [name, count] : counts) seen[name] = count;
    all["seen"] = seen;
    return all;
}

py::dict EngineCore::book() const {
    const streaming::BookTotals now = engine_.book();
    py::dict all;
    all["value"] = now.value;
    all["pnl"] = now.pnl;
    all["delta"] = now.delta;
    all["gamma"] = now.gamma;
    all["vega"] = now.vega;
    all["theta"] = now.theta;
    all["delta_cash"] = now.delta_cash;
    all["positions"] = now.positions;
    all["priced"] = now.priced;
    return all;
}

py::array_t<double> EngineCore::books() {
    const std::size_t count = engine_.universe().underlyings.size();
    py::array_t<double> all({static_cast<py::ssize_t>(count), py::ssize_t{9}});
    double* out = all.mutable_data();
    between([&] {
        for (std::uint32_t u = 0; u < count; ++u) {
            const streaming::BookTotals& one = engine_.positions().of(u);
            const double row[] = {one.value,
                                  one.pnl,
                                  one.delta,
                                  one.gamma,
                                  one.vega,
                                  one.theta,
                                  one.delta_cash,
                                  static_cast<double>(one.positions),
                                  static_cast<double>(one.priced)};
            std::copy_n(row, 9, out + 9 * u);
        }
    });
    return all;
}

py::dict EngineCore::scenarios() {
    py::dict all;
    if (scenarios_ == nullptr) return all;
    const streaming::ScenarioTerms& terms = scenarios_->terms();
    const auto count = static_cast<py::ssize_t>(engine_.universe().underlyings.size());
    py::array_t<double> pnl({count, static_cast<py::ssize_t>(terms.spot_shocks.size()),
                             static_cast<py::ssize_t>(terms.vol_shocks.size())}),
        value(count);
    double *const cells = pnl.mutable_data(), *const values = value.mutable_data();
    streaming::ScenarioView now{};
    between([&] {
        now = scenarios_->view();
        std::copy_n(now.pnl, static_cast<std::size_t>(count) * terms.cells(), cells);
        std::copy_n(now.value, static_cast<std::size_t>(count), values);
    });
    all["pnl"] = pnl;
    all["value"] = value;
    all["builds"] = now.builds;
    all["time_ns"] = now.time_ns;
    all["age_ns"] = now.builds == 0 ? 0 : static_cast<std::int64_t>(monotonic_ns()) - now.asked_ns;
    all["positions"] = now.positions;
    all["left_out"] = now.left_out;
    all["pending"] = now.pending;
    all["failures"] = now.failures;
    return all;
}

py::dict histogram_dict(const HistogramCounts& counts) {
    py::array_t<std::uint64_t> buckets(static_cast<py::ssize_t>(kHistogramBuckets));
    std::copy(counts.buckets.begin(), counts.buckets.end(), buckets.mutable_data());
    py::dict one;
    one["buckets"] = buckets;
    one["most"] = counts.most;
    return one;
}

py::dict EngineCore::histograms() const {
    py::dict all;
    all["queue_wait"] = histogram_dict(engine_.queue_wait().snapshot());
    for (std::size_t i = 0; i < engine_.settings().stages; ++i) {
        const std::string name = kStageNames[i];
        all[py::str(name + ".service")] = histogram_dict(engine_.latency(i).service.snapshot());
        all[py::str(name + ".total")] = histogram_dict(engine_.latency(i).total.snapshot());
    }
    return all;
}

py::array_t<double> EngineCore::contracts() {
    const std::size_t count = engine_.universe().contracts(), first = engine_.universe().underlyings.size();
    py::array_t<double> all({py::ssize_t{9}, static_cast<py::ssize_t>(count)});
    double* out = all.mutable_data();
    between([&] {
        const streaming::ContractColumns state = engine_.pricing().columns();
        const double* const columns[] = {state.vol,   state.price, state.delta,
                                         state.gamma, state.vega,  state.theta};
        for (std::size_t i = 0; i < 6; ++i) std::copy_n(columns[i], count, out + (i + 2) * count);
        for (std::uint32_t c = 0; c < count; ++c) {
            const streaming::Quote& quote = engine_.market().quote(static_cast<std::uint32_t>(first) + c);
            out[c] = quote.bid;
            out[count + c] = quote.ask;
            out[8 * count + c] = engine_.pricing().contract_flags(c);
        }
    });
    return all;
}

py::dict EngineCore::forwards() {
    const auto count = static_cast<py::ssize_t>(engine_.universe().groups.size());
    py::array_t<double> scale(count), forward(count), error(count);
    py::array_t<std::uint32_t> pairs(count);
    py::array_t<std::int64_t> fitted(count), latest(count);
    double *const scales = scale.mutable_data(), *const forwards = forward.mutable_data(),
                  *const errors = error.mutable_data();
    std::uint32_t* const used = pairs.mutable_data();
    std::int64_t *const times = fitted.mutable_data(), *const now = latest.mutable_data();
    between([&] {
        for (std::uint32_t g = 0; g < engine_.universe().groups.size(); ++g) {
            const streaming::Group& group = engine_.universe().groups[g];
            const streaming::Forward& one = engine_.market().forwards().of(g);
            now[g] = engine_.pricing().latest_ns(g);
            const bool begun = now[g] != std::numeric_limits<std::int64_t>::min();
            const double years = begun ? static_cast<double>(group.expires_ns - now[g]) / streaming::kYearNs
                                       : std::numeric_limits<double>::quiet_NaN();
            scales[g] = one.scale;
            forwards[g] = engine_.market().spot(group.underlying) * one.scale *
                          std::exp((group.rate - group.yield) * years);
            errors[g] = one.error * forwards[g];
            used[g] = one.pairs;
            times[g] = one.time_ns;
        }
    });
    py::dict all;
    all["scale"] = scale;
    all["forward"] = forward;
    all["error"] = error;
    all["pairs"] = pairs;
    all["fitted_ns"] = fitted;
    all["now_ns"] = latest;
    return all;
}

py::array_t<double> EngineCore::underlyings() {
    const std::size_t count = engine_.universe().underlyings.size();
    py::array_t<double> all({py::ssize_t{3}, static_cast<py::ssize_t>(count)});
    double* out = all.mutable_data();
    between([&] {
        for (std::uint32_t u = 0; u < count; ++u) {
            out[u] = engine_.market().quote(u).bid;
            out[count + u] = engine_.market().quote(u).ask;
            out[2 * count + u] = engine_.market().spot(u);
        }
    });
    return all;
}

py::array_t<std::int64_t> EngineCore::gaps() {
    std::vector<streaming::Gap> found;
    between([&] { found = engine_.market().gaps(); });
    py::array_t<std::int64_t> all({static_cast<py::ssize_t>(found.size()), py::ssize_t{4}});
    for (std::size_t i = 0; i < found.size(); ++i) {
        const streaming::Gap& gap = found[i];
        const std::int64_t row[] = {static_cast<std::int64_t>(gap.source),
                                    static_cast<std::int64_t>(gap.first), static_cast<std::int64_t>(gap.last),
                                    gap.time_ns};
        std::copy_n(row, 4, all.mutable_data() + 4 * i);
    }
    return all;
}

}  // namespace atalanta::bind
