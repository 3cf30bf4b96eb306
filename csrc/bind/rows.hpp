// Arrays in: any mix of numbers and NumPy-like arrays becomes columns of one shape. Arrays out: new, or the
// caller's own.
#pragma once

#include <pybind11/numpy.h>

#include <optional>
#include <vector>

#include "bind/arguments.hpp"
#include "bind/memory/process_pool.hpp"
#include "memory/first_touch.hpp"
#include "pricing/columns.hpp"

namespace atalanta::bind {

using Doubles = py::array_t<double, py::array::c_style | py::array::forcecast>;
using Rights = py::array_t<std::int8_t, py::array::c_style | py::array::forcecast>;
using Indices = py::array_t<std::int32_t, py::array::c_style | py::array::forcecast>;
using Shape = std::vector<py::ssize_t>;

// The arguments of one call as columns. Owns what it converted; columns stay valid as long as it lives.
class BroadcastRows {
  public:
    explicit BroadcastRows(const char* origin) : origin_(origin) {}

    // Each adds an argument; they must all be added before the first column is taken.
    void add_right(PyObject* value);
    void add(PyObject* value, const char* name);
    void add_indices(const Indices& indices, const char* name);
    void broadcast();

    bool is_scalar() const { return shape_.empty(); }
    const Shape& shape() const { return shape_; }
    std::size_t size() const { return size_; }
    Column<std::int8_t> right() const;
    Column<double> column(std::size_t index) const;
    Column<std::int32_t> indices() const;  // 0 for every row when none were added

    // The right and the first `count` columns as Python objects: numbers, or arrays of (...).
    py::tuple objects(std::size_t right_place, std::size_t count) const;

    // True when the memory of `array` touches that of an argument.
    bool overlaps(const py::array& array) const;

  private:
    [[noreturn]] void raise_shapes() const;

    static constexpr std::size_t kMostValues = 7;

    // A plain number stays one: an array without dimensions would cost more than it holds.
    struct Value {
        const char* name;
        double number;
        std::optional<Doubles> array;
    };

    const char* origin_;
    std::int8_t right_ = 0;
    std::optional<Rights> rights_;
    std::optional<Indices> indices_;
    const char* indices_name_ = nullptr;
    std::array<Value, kMostValues> values_;
    std::size_t count_ = 0;
    Shape shape_;
    std::size_t size_ = 1;
};

// Refuses a rate or yield of which every row is beyond +-1 (100 % a year): per cent was meant.
void require_decimal_rates(const Column<double>& rates, std::size_t size, const char* name,
                           const char* origin);

// The caller's `out`, or a new array; kernels write to data(), and finish() gives what to return.
class OutputColumn {
  public:
    enum class Layout { one_column, column_per_first_axis };
    OutputColumn(PyObject* out, const Shape& shape, const BroadcastRows& rows, const char* origin,
                 Purpose purpose, Layout layout = Layout::one_column);
    double* data() { return target_.mutable_data(); }
    // From one column to the next along the first axis, in doubles.
    std::size_t stride() const { return static_cast<std::size_t>(target_.strides(0)) / sizeof(double); }
    // Before a kernel of so many threads, which is timed: see csrc/memory/first_touch.hpp.
    void touch_first(int threads) {
        if (fetched_ >= kBytesToTouch) memory::touch_first(data(), bytes(), threads);
    }
    py::object finish();

  private:
    static constexpr std::uint64_t kBytesToTouch = 64 << 10;

    std::size_t bytes() const {
        const bool columns = target_.ndim() > 1;
        return static_cast<std::size_t>(columns ? target_.strides(0) * target_.shape(0) : target_.nbytes());
    }

    Doubles target_;
    std::uint64_t fetched_ = 0;  // of its memory
    py::object copy_to_;         // set when the kernel cannot write to `out` itself
};

}  // namespace atalanta::bind
