// The universe and the settings of an engine out of Python's dictionaries, whose columns Python has checked.
#include "bind/arguments.hpp"

#include <pybind11/stl.h>

#include <stdexcept>

#include "bind/streaming/engine_core.hpp"

namespace atalanta::bind {
namespace {

template <class T>
std::vector<T> column(const py::dict& columns, const char* name) {
    const auto array = columns[name].cast<py::array_t<T, py::array::c_style | py::array::forcecast>>();
    return std::vector<T>(array.data(), array.data() + array.size());
}

streaming::OnMiss on_miss_of(const std::string& word) {
    if (word == "mark_late") return streaming::OnMiss::mark_late;
    if (word == "drop") return streaming::OnMiss::drop;
    if (word == "conflate") return streaming::OnMiss::conflate;
    if (word == "degrade") return streaming::OnMiss::degrade;
    return streaming::OnMiss::halt;
}

streaming::Conflate conflate_of(const std::string& word) {
    if (word == "never") return streaming::Conflate::never;
    return word == "quotes" ? streaming::Conflate::quotes : streaming::Conflate::unsequenced;
}

}  // namespace

streaming::Universe universe_of(const py::dict& columns) {
    streaming::Universe all;
    all.right = column<std::int8_t>(columns, "right");
    all.strike = column<double>(columns, "strike");
    all.multiplier = column<double>(columns, "multiplier");
    all.vol = column<double>(columns, "vol");
    const auto underlying = column<std::uint32_t>(columns, "group_underlying");
    const auto count = column<std::uint32_t>(columns, "group_count");
    const auto expires = column<std::int64_t>(columns, "group_expires_ns");
    const auto rate = column<double>(columns, "group_rate"), yield = column<double>(columns, "group_yield"),
               scale = column<double>(columns, "group_scale");
    const auto american = column<std::uint8_t>(columns, "group_american");
    std::uint32_t first = 0;
    for (std::size_t g = 0; g < underlying.size(); ++g) {
        all.groups.push_back(
            {underlying[g], first, count[g], expires[g], rate[g], yield[g], american[g] != 0, scale[g]});
        all.group.insert(all.group.end(), count[g], static_cast<std::uint32_t>(g));
        first += count[g];
    }
    const auto spot = column<double>(columns, "spot");
    const auto offsets = column<std::size_t>(columns, "dividend_offsets");
    const auto ex = column<std::int64_t>(columns, "dividend_ex_ns");
    const auto cash = column<double>(columns, "dividend_cash");
    std::uint32_t group = 0;
    for (std::uint32_t u = 0; u < spot.size(); ++u) {
        streaming::Underlying one;
        one.spot = spot[u];
        one.first_group = group;
        while (group < all.groups.size() && all.groups[group].underlying == u) ++group;
        one.groups = group - one.first_group;
        for (std::size_t d = offsets[u]; d < offsets[u + 1]; ++d) {
            one.ex_ns.push_back(ex[d]);
            one.cash.push_back(cash[d]);
        }
        all.underlyings.push_back(std::move(one));
    }
    return all;
}

streaming::Settings settings_of(const py::dict& values) {
    streaming::Settings settings;
    const auto set = [&](const char* name, auto& place) {
        if (values.contains(name)) place = values[name].cast<std::decay_t<decltype(place)>>();
    };
    const auto budgets = values["budgets"].cast<std::vector<std::pair<std::uint64_t, std::string>>>();
    for (std::size_t i = 0; i < streaming::kStages; ++i) {
        settings.budgets[i] = {budgets[i].first, on_miss_of(budgets[i].second)};
    }
    settings.conflate = conflate_of(values["conflate"].cast<std::string>());
    set("conflate_always", settings.conflate_always);
    set("stages", settings.stages);
    set("ring", settings.ring);
    set("batch", settings.batch);
    set("rows", settings.rows);
    set("most_conflated", settings.most_conflated);
    set("stale_after_ns", settings.stale_after_ns);
    set("spin_ns", settings.spin_ns);
    set("stall_ns", settings.stall_ns);
    set("refresh_after_ns", settings.refresh_after_ns);
    set("refresh_vol", settings.refresh_vol);
    set("refresh_spot", settings.refresh_spot);
    set("fit_forwards", settings.fit_forwards);
    set("forward_after_ns", settings.forward_after_ns);
    set("conflate_at", settings.watermarks.conflate);
    set("normal_at", settings.watermarks.normal);
    set("shed_at", settings.watermarks.shed);
    set("unshed_at", settings.watermarks.unshed);
    return settings;
}

streaming::ScenarioTerms scenario_terms_of(const py::dict& values) {
    streaming::ScenarioTerms terms;
    terms.spot_shocks = column<double>(values, "spots");
    terms.vol_shocks = column<double>(values, "vols");
    terms.vol_points = values["points"].cast<bool>();
    terms.vol_tolerance = values["vol_tolerance"].cast<double>();
    terms.spot_drift = values["spot_drift"].cast<double>();
    terms.refresh_after_ns = values["refresh_after_ns"].cast<std::int64_t>();
    terms.reads = values["reads"].cast<std::size_t>();
    terms.tolerance = values["tolerance"].cast<double>();
    return terms;
}

}  // namespace atalanta::bind
