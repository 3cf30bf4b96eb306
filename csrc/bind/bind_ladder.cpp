// Ladders: rows priced over all their spots at once, read at new ones.
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "bind/memory/result_arrays.hpp"
#include "bind/module.hpp"
#include "bind/option_rows.hpp"
#include "bind/terms.hpp"
#include "bind/vectorcall.hpp"
#include "pricing/ladder/ladders.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "pricing.Ladder";

Doubles filled(const Shape& shape, std::size_t size, auto&& value) {
    Doubles column(shape);
    for (std::size_t i = 0; i < size; ++i) column.mutable_data()[i] = value(i);
    return column;
}

py::object number_or(const Doubles& column) {
    if (column.ndim() == 0) return py::float_(*column.data());
    return column;
}

// The ladders of a call and the shape of its rows.
class ShapedLadders {
  public:
    ShapedLadders(Ladders ladders, const Shape& shape)
        : ladders_(std::move(ladders)), shape_(shape), places_(shape) {
        std::iota(places_.mutable_data(), places_.mutable_data() + places_.size(), 0);
    }

    py::tuple shape() const {
        py::tuple extents(shape_.size());
        for (std::size_t i = 0; i < shape_.size(); ++i) extents[i] = shape_[i];
        return extents;
    }
    std::size_t bytes() const { return ladders_.bytes(); }
    py::tuple spots() const { return range(&Ladders::range); }
    py::tuple exercised() const { return range(&Ladders::exercise); }

    // What `restored` takes: (N, 20) profiles and the nodes, read-only views that keep `self` alive.
    static py::tuple state(const py::object& self) {
        const auto& ladders = self.cast<const ShapedLadders&>().ladders_;
        const auto view = [&](const Shape& shape, const double* data) {
            const Doubles array(shape, data, self);
            array.attr("flags").attr("writeable") = false;
            return array;
        };
        const auto* profiles = reinterpret_cast<const double*>(ladders.profiles().data());
        return py::make_tuple(view({extent(ladders.size()), kProfileDoubles}, profiles),
                              view({extent(ladders.nodes().size())}, ladders.nodes().data()));
    }

    // Price, delta, gamma, theta; the spots broadcast with the rows.
    py::tuple at(const py::object& spot) const {
        BroadcastRows inputs(kOrigin);
        inputs.add(spot.ptr(), "spot");
        inputs.add_indices(places_, "the ladder");
        inputs.broadcast();
        const std::size_t size = inputs.size();
        const Column<double> spots = inputs.column(0);
        const Column<std::int32_t> places = inputs.indices();
        const std::vector<double> one_spot(spots.shared ? size : 0, spots.data == nullptr ? 0.0 : spots[0]);
        std::vector<std::uint32_t> rows(size);
        for (std::size_t i = 0; i < size; ++i) rows[i] = static_cast<std::uint32_t>(places[i]);
        std::array<Doubles, 4> columns;
        for (Doubles& column : columns) column = result_array<double>(inputs.shape(), Purpose::ladder);
        const LadderReadColumns out = {columns[0].mutable_data(), columns[1].mutable_data(),
                                       columns[2].mutable_data(), columns[3].mutable_data()};
        {
            const ReleasedGil released(size);
            ladders_.read(rows.data(), spots.shared ? one_spot.data() : spots.data, size, out);
        }
        py::tuple values(4);
        for (std::size_t i = 0; i < 4; ++i) values[i] = number_or(columns[i]);
        return values;
    }

    static constexpr py::ssize_t kProfileDoubles = sizeof(LadderProfile) / sizeof(double);

  private:
    static py::ssize_t extent(std::size_t size) { return static_cast<py::ssize_t>(size); }
    py::tuple range(Ladders::Range (Ladders::*of)(std::size_t) const noexcept) const {
        const auto lowest = [&](std::size_t i) { return (ladders_.*of)(i).lowest; };
        const auto highest = [&](std::size_t i) { return (ladders_.*of)(i).highest; };
        return py::make_tuple(number_or(filled(shape_, ladders_.size(), lowest)),
                              number_or(filled(shape_, ladders_.size(), highest)));
    }

    Ladders ladders_;
    Shape shape_;
    Indices places_;  // 0, 1, 2, ... in the shape of the rows
};

std::unique_ptr<ShapedLadders> build(const py::object& right, const py::object& spot,
                                     const py::object& strike, const py::object& years,
                                     const py::object& rate, const py::object& vol,
                                     const py::object& dividend_yield, const py::object& exercise,
                                     const py::object& dividends, const py::object& tolerance,
                                     const py::object& threads) {
    const std::array<PyObject*, 7> option = {right.ptr(), spot.ptr(), strike.ptr(),        years.ptr(),
                                             rate.ptr(),  vol.ptr(),  dividend_yield.ptr()};
    const TermsArguments terms(exercise.ptr(), dividends.ptr(), tolerance.ptr(), kOrigin);
    const int count = read_threads(threads.ptr(), kOrigin);
    BroadcastRows inputs(kOrigin);
    add_option_rows(inputs, option);
    terms.add_to(inputs);
    inputs.broadcast();
    const OptionRows rows = option_rows(inputs);
    require_decimals(rows, kOrigin);
    if (rows.size > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
        raise_input_error(kOrigin, std::to_string(rows.size) + " rows are more than 2147483647");
    }
    std::optional<Ladders> ladders;
    {
        const ReleasedGil released(kRowsToReleaseGil);
        ladders.emplace(rows, terms.over(inputs), count);
    }
    return std::make_unique<ShapedLadders>(std::move(*ladders), inputs.shape());
}

[[noreturn]] void raise_damaged(const std::string& fault) {
    raise_input_error(kOrigin, "the pickled ladder is damaged: " + fault + "; build it again");
}

// The shape that holds so many rows.
Shape shape_of_rows(const py::tuple& extents, py::ssize_t rows) {
    Shape shape;
    py::ssize_t size = 1;
    for (const py::handle value : extents) {
        const Py_ssize_t extent = PyLong_Check(value.ptr()) ? PyLong_AsSsize_t(value.ptr()) : -1;
        if (PyErr_Occurred()) PyErr_Clear();
        if (extent < 0 || (extent > 0 && size > rows / extent))
            raise_damaged("its shape is none of its rows");
        size *= extent;
        shape.push_back(extent);
    }
    if (size != rows) raise_damaged("its shape is none of its rows");
    return shape;
}

// The ladders of a state; anything else is refused.
std::unique_ptr<ShapedLadders> restored(const py::tuple& shape, const Doubles& profiles,
                                        const Doubles& nodes) {
    static_assert(std::is_trivially_copyable_v<LadderProfile>);
    if (profiles.ndim() != 2 || profiles.shape(1) != ShapedLadders::kProfileDoubles || nodes.ndim() != 1) {
        raise_damaged("its columns are not those of a ladder");
    }
    const Shape rows = shape_of_rows(shape, profiles.shape(0));
    std::vector<LadderProfile> own(static_cast<std::size_t>(profiles.shape(0)));
    if (!own.empty()) std::memcpy(own.data(), profiles.data(), own.size() * sizeof(LadderProfile));
    try {
        Ladders ladders(own, {nodes.data(), static_cast<std::size_t>(nodes.size())});
        return std::make_unique<ShapedLadders>(std::move(ladders), rows);
    } catch (const std::invalid_argument& fault) {
        raise_damaged(fault.what());
    }
}

}  // namespace

void bind_ladder(py::module_& module) {
    py::class_<ShapedLadders>(module, "Ladders", "Options priced over all their spots at once.")
        .def(py::init(&build), py::arg("right"), py::arg("spot"), py::arg("strike"), py::arg("years"),
             py::arg("rate"), py::arg("vol"), py::kw_only(), py::arg("dividend_yield"), py::arg("exercise"),
             py::arg("dividends"), py::arg("tolerance"), py::arg("threads"))
        .def_property_readonly("shape", &ShapedLadders::shape)
        .def_property_readonly("nbytes", &ShapedLadders::bytes)
        .def_property_readonly("spots", &ShapedLadders::spots)
        .def_property_readonly("exercised", &ShapedLadders::exercised)
        .def("at", &ShapedLadders::at, py::arg("spot"))
        .def("state", &ShapedLadders::state)
        .def_static("restored", &restored, py::arg("shape"), py::arg("profiles"), py::arg("nodes"));
}

}  // namespace atalanta::bind
