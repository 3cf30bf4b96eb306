// Ladders of a book at several volatilities, and sums over its positions.
#include <pybind11/stl.h>

#include <mutex>

#include "bind/memory/result_arrays.hpp"
#include "bind/module.hpp"
#include "bind/rows.hpp"
#include "bind/schedules.hpp"
#include "bind/vectorcall.hpp"
#include "risk/book_grid.hpp"
#include "risk/totals.hpp"
#include "risk/vol_ladders.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "risk.VolLadders";

using Bytes = py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast>;

void require_shape(const py::array& array, std::initializer_list<py::ssize_t> shape, const char* name) {
    bool fits = array.ndim() == static_cast<py::ssize_t>(shape.size());
    std::string wanted;
    py::ssize_t axis = 0;
    for (const py::ssize_t extent : shape) {
        fits = fits && array.shape(axis) == extent;
        wanted += (axis == 0 ? "(" : ", ") + std::to_string(extent);
        ++axis;
    }
    if (!fits)
        raise_input_error(kOrigin, std::string(name) + " is not of the shape " + wanted +
                                       "): one value for each contract, spot and volatility");
}

// Contracts as columns that NumPy owns while they are copied.
std::unique_ptr<risk::VolLadders> build(const Rights& right, const Doubles& spot, const Doubles& strike,
                                        const Doubles& years, const Doubles& rate, const Doubles& yield,
                                        const Bytes& american, const Schedules* schedules,
                                        const Indices& schedule, const Doubles& levels,
                                        std::pair<double, double> reach, double tolerance,
                                        const py::object& threads) {
    const py::ssize_t size = right.size();
    const std::pair<const py::array*, const char*> columns[] = {
        {&right, "right"},       {&spot, "spot"},        {&strike, "strike"},
        {&years, "years"},       {&rate, "rate"},        {&yield, "dividend_yield"},
        {&american, "american"}, {&schedule, "schedule"}};
    for (const auto& [column, name] : columns) require_shape(*column, {size}, name);
    if (levels.ndim() != 2 || levels.shape(0) != size)
        raise_input_error(kOrigin, "levels is not of the shape (contracts, levels)");
    const auto count = static_cast<std::size_t>(levels.shape(1));
    if (count < 1 || count > risk::VolLadders::kMostLevels)
        raise_input_error(kOrigin, "there are " + std::to_string(count) +
                                       " levels of volatility; give from 1 to " +
                                       std::to_string(risk::VolLadders::kMostLevels));
    const auto known = static_cast<std::int32_t>(schedules == nullptr ? 0 : schedules->count());
    for (py::ssize_t i = 0; i < size; ++i) {
        if (schedule.data()[i] >= known)
            raise_input_error(kOrigin, "schedule names number " + std::to_string(schedule.data()[i]) +
                                           " of " + std::to_string(known));
    }
    const Column<std::int32_t> of{schedule.data(), false};
    const risk::Contracts contracts = {static_cast<std::size_t>(size),
                                       right.data(),
                                       spot.data(),
                                       strike.data(),
                                       years.data(),
                                       rate.data(),
                                       yield.data(),
                                       american.data(),
                                       schedules == nullptr ? DividendSchedules{} : schedules->columns(of)};
    const int workers = read_threads(threads.ptr(), kOrigin);
    const ReleasedGil released(kRowsToReleaseGil);
    return std::make_unique<risk::VolLadders>(contracts, levels.data(), count,
                                              risk::Reach{reach.first, reach.second},
                                              Tolerance{tolerance, tolerance}, workers);
}

// (contracts, spots, vols) values; spot (contracts, spots), vol (contracts, vols) or (contracts, spots,
// vols).
Doubles values(const risk::VolLadders& ladders, const Doubles& spot, const Doubles& vol,
               const py::object& threads) {
    using VolsFor = risk::VolLadders::VolsFor;
    const auto size = static_cast<py::ssize_t>(ladders.size());
    const py::ssize_t spots = spot.ndim() == 2 ? spot.shape(1) : -1;
    const bool each = vol.ndim() == 3;
    const py::ssize_t vols = each || vol.ndim() == 2 ? vol.shape(vol.ndim() - 1) : -1;
    require_shape(spot, {size, spots}, "spot");
    if (each) {
        require_shape(vol, {size, spots, vols}, "vol");
    } else {
        require_shape(vol, {size, vols}, "vol");
    }
    Doubles result = result_array<double>({size, spots, vols}, Purpose::ladder);
    const int workers = read_threads(threads.ptr(), kOrigin);
    double* const into = result.mutable_data();
    const ReleasedGil released(kRowsToReleaseGil);
    ladders.all_values(spot.data(), static_cast<std::size_t>(spots), vol.data(),
                       each ? VolsFor::each_spot : VolsFor::all_spots, static_cast<std::size_t>(vols), into,
                       workers);
    return result;
}

// (contracts, 5): price, delta, gamma, theta, vega at a spot and a volatility for each contract.
Doubles present(const risk::VolLadders& ladders, const Doubles& spot, const Doubles& vol) {
    const auto size = static_cast<py::ssize_t>(ladders.size());
    require_shape(spot, {size}, "spot");
    require_shape(vol, {size}, "vol");
    Doubles result = result_array<double>({size, 5}, Purpose::ladder);
    double* into = result.mutable_data();
    const ReleasedGil released(kRowsToReleaseGil);
    for (std::size_t c = 0; c < ladders.size(); ++c) {
        const risk::PresentReading reading = ladders.present(c, spot.data()[c], vol.data()[c]);
        for (const double value : {reading.price, reading.delta, reading.gamma, reading.theta, reading.vega})
            *into++ = value;
    }
    return result;
}

// (groups, cells) sums of weight * value over the contracts of each group.
Doubles add_up(const Doubles& values, const Doubles& weight, const Indices& group, py::ssize_t groups) {
    const py::ssize_t contracts = weight.size();
    require_shape(weight, {contracts}, "weight");
    require_shape(group, {contracts}, "group");
    const py::ssize_t cells = values.ndim() == 2 ? values.shape(1) : -1;
    require_shape(values, {contracts, cells}, "values");
    if (groups < 0) raise_input_error(kOrigin, "groups is negative");
    Doubles totals = result_array<double>({groups, cells}, Purpose::ladder);
    double* const into = totals.mutable_data();
    const ReleasedGil released(kRowsToReleaseGil);
    risk::add_up(values.data(), static_cast<std::size_t>(contracts), static_cast<std::size_t>(cells),
                 weight.data(), group.data(), static_cast<std::size_t>(groups), into);
    return totals;
}

std::vector<double> copied(const Doubles& column) {
    return std::vector<double>(column.data(), column.data() + column.size());
}

// A grid behind a lock: it has working memory of its own.
class SharedGrid {
  public:
    SharedGrid(const Doubles& spots, const Doubles& vols, bool points, const Doubles& weight,
               const Indices& group, std::size_t groups, const Doubles& dropped, const Doubles& smile)
        : shape_{static_cast<py::ssize_t>(groups), spots.size(), vols.size()},
          grid_({copied(spots), copied(vols), points, copied(weight),
                 std::vector<std::int32_t>(group.data(), group.data() + group.size()), groups,
                 copied(dropped), copied(smile)}) {}

    // So that totals at these volatilities and at spots that move together are reads of sums; whether they
    // are.
    bool add_up(const risk::VolLadders& ladders, const Doubles& spot, const Doubles& vol, double drift) {
        require_fit(ladders, spot, vol);
        const ReleasedGil released(kRowsToReleaseGil);
        const std::lock_guard turn(mutex_);
        return grid_.add_up(ladders, spot.data(), vol.data(), drift);
    }

    // (groups, spots, vols) sums of weight * value at the shocks of (contracts,) spots and volatilities.
    Doubles totals(const risk::VolLadders& ladders, const Doubles& spot, const Doubles& vol) {
        require_fit(ladders, spot, vol);
        Doubles result = result_array<double>(shape_, Purpose::ladder);
        double* const into = result.mutable_data();
        const ReleasedGil released(kRowsToReleaseGil);
        const std::lock_guard turn(mutex_);
        grid_.totals(ladders, spot.data(), vol.data(), into);
        return result;
    }

  private:
    void require_fit(const risk::VolLadders& ladders, const Doubles& spot, const Doubles& vol) const {
        const auto size = static_cast<py::ssize_t>(grid_.contracts());
        if (ladders.size() != grid_.contracts())
            raise_input_error(kOrigin, "ladders of " + std::to_string(ladders.size()) +
                                           " contracts, a grid of " + std::to_string(size));
        require_shape(spot, {size}, "spot");
        require_shape(vol, {size}, "vol");
    }

    Shape shape_;
    std::mutex mutex_;
    risk::BookGrid grid_;
};

}  // namespace

void bind_risk(py::module_& module) {
    py::class_<risk::VolLadders>(module, "VolLadders", "A book's contracts at several volatilities.")
        .def(py::init(&build), py::kw_only(), py::arg("right"), py::arg("spot"), py::arg("strike"),
             py::arg("years"), py::arg("rate"), py::arg("dividend_yield"), py::arg("american"),
             py::arg("schedules"), py::arg("schedule"), py::arg("levels"), py::arg("reach"),
             py::arg("tolerance"), py::arg("threads"))
        .def_property_readonly("solves", &risk::VolLadders::solves)
        .def_property_readonly("nbytes", &risk::VolLadders::bytes)
        .def("values", &values, py::arg("spot"), py::arg("vol"), py::arg("threads") = 1)
        .def("present", &present, py::arg("spot"), py::arg("vol"))
        .def("__len__", &risk::VolLadders::size)
        .def("__reduce_ex__", &refuse_pickling);  // object's own would end the process
    py::class_<SharedGrid>(module, "BookGrid", "The scenario grid of a book.")
        .def(py::init<const Doubles&, const Doubles&, bool, const Doubles&, const Indices&, std::size_t,
                      const Doubles&, const Doubles&>(),
             py::kw_only(), py::arg("spots"), py::arg("vols"), py::arg("points"), py::arg("weight"),
             py::arg("group"), py::arg("groups"), py::arg("dropped"), py::arg("smile"))
        .def("add_up", &SharedGrid::add_up, py::arg("ladders"), py::arg("spot"), py::arg("vol"),
             py::arg("drift"), py::keep_alive<1, 2>())
        .def("totals", &SharedGrid::totals, py::arg("ladders"), py::arg("spot"), py::arg("vol"))
        .def("__reduce_ex__", &refuse_pickling);  // object's own would end the process
    module.attr("MOST_VOL_LEVELS") = risk::VolLadders::kMostLevels;
    module.def("add_up", &add_up, py::arg("values"), py::arg("weight"), py::arg("group"), py::arg("groups"));
}

}  // namespace atalanta::bind
