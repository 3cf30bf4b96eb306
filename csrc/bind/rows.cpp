#include "bind/rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bind/memory/result_arrays.hpp"

namespace atalanta::bind {
namespace {

std::string text_of(const Shape& shape) {
    std::string text = "(";
    for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

Shape shape_of(const py::array& array) {
    return Shape(array.shape(), array.shape() + array.ndim());
}

// An ndarray and not a subclass of it: nothing about it needs a second look.
bool is_plain_array(PyObject* object) {
    return Py_TYPE(object) == py::detail::npy_api::get().PyArray_Type_;
}

// A masked value is no value: it becomes NaN instead of what lies under the mask.
py::object without_mask(const py::object& object) {
    if (is_plain_array(object.ptr())) return object;
    if (!py::hasattr(object, "mask") || !py::hasattr(object, "filled")) return object;
    return object.attr("astype")("float64").attr("filled")(std::numeric_limits<double>::quiet_NaN());
}

[[noreturn]] void raise_not_numeric(const char* origin, const std::string& name, const py::array& array) {
    raise_input_error(origin, name + " has dtype " + py::cast<std::string>(py::str(array.dtype())) +
                                  "; it must hold real numbers");
}

// What the object itself raises (an interrupt, say) passes; a shape that is none becomes our error.
py::array as_array(const py::object& object, const char* origin, const std::string& name) {
    try {
        return py::module_::import("numpy").attr("asarray")(object);
    } catch (py::error_already_set& error) {
        if (!error.matches(PyExc_ValueError) && !error.matches(PyExc_TypeError)) throw;
        raise_input_error(origin, name + " cannot be converted to an array (rows of different lengths?)");
    }
}

Doubles to_doubles(PyObject* value, const char* origin, const char* name) {
    if (is_plain_array(value) && py::isinstance<Doubles>(py::handle(value))) {
        return py::reinterpret_borrow<Doubles>(value);
    }
    const py::object object = without_mask(py::reinterpret_borrow<py::object>(value));
    const py::array array = as_array(object, origin, name);
    const char kind = array.dtype().kind();
    if (kind != 'f' && kind != 'i' && kind != 'u') raise_not_numeric(origin, name, array);
    Doubles doubles = Doubles::ensure(array);
    if (!doubles) throw std::bad_alloc();
    return doubles;
}

[[noreturn]] void raise_bad_right(const char* origin, const std::string& value, py::ssize_t row) {
    raise_input_error(origin, "right is " + value + " in row " + std::to_string(row) +
                                  "; it must be +1 or 'call' or 'C', -1 or 'put' or 'P'");
}

// Fixed-width Unicode: each row is `width` code points, padded with zeros.
Rights rights_from_text(const py::array& text, const char* origin) {
    const py::array contiguous = py::module_::import("numpy").attr("ascontiguousarray")(text);
    const auto width = static_cast<std::size_t>(contiguous.itemsize()) / sizeof(char32_t);
    Rights rights(shape_of(text));
    const auto* row = static_cast<const char32_t*>(contiguous.data());
    const py::ssize_t size = rights.size();
    for (py::ssize_t i = 0; i < size; ++i, row += width) {
        const auto length = static_cast<std::size_t>(std::find(row, row + width, U'\0') - row);
        const int right = parse_right(row, length);
        if (right == 0) {
            const auto flat = py::array(contiguous.attr("reshape")(-1));
            raise_bad_right(origin, py::cast<std::string>(py::repr(flat.attr("item")(i))), i);
        }
        rights.mutable_data()[i] = static_cast<std::int8_t>(right);
    }
    return rights;
}

Rights rights_from_numbers(const py::array& numbers, const char* origin) {
    const Doubles doubles = Doubles::ensure(numbers);
    if (!doubles) throw std::bad_alloc();
    Rights rights(shape_of(numbers));
    const py::ssize_t size = rights.size();
    for (py::ssize_t i = 0; i < size; ++i) {
        const double number = doubles.data()[i];
        if (number != 1.0 && number != -1.0)
            raise_bad_right(origin, py::cast<std::string>(py::str(py::float_(number))), i);
        rights.mutable_data()[i] = static_cast<std::int8_t>(number);
    }
    return rights;
}

void require_signs(const Rights& rights, const char* origin) {
    const std::int8_t* const begin = rights.data();
    const std::int8_t* const end = begin + rights.size();
    std::uint8_t bad = 0;
    for (const std::int8_t* right = begin; right != end; ++right) {
        bad |= static_cast<std::uint8_t>(*right != 1) & static_cast<std::uint8_t>(*right != -1);
    }
    if (bad == 0) return;
    const auto* first = std::find_if(begin, end, [](std::int8_t x) { return x != 1 && x != -1; });
    raise_bad_right(origin, std::to_string(*first), first - begin);
}

// Objects one by one: strings and integers may be mixed.
Rights rights_from_objects(const py::array& objects, const char* origin) {
    Rights rights(shape_of(objects));
    py::ssize_t i = 0;
    for (const py::handle item : objects.attr("ravel")().attr("tolist")()) {
        const int right = read_scalar_right(item.ptr(), origin);
        if (right == 0) raise_bad_right(origin, py::cast<std::string>(py::repr(item)), i);
        rights.mutable_data()[i++] = static_cast<std::int8_t>(right);
    }
    return rights;
}

void refuse_mask(const py::object& object, const char* origin) {
    if (is_plain_array(object.ptr()) || !py::hasattr(object, "mask") || !py::hasattr(object, "filled"))
        return;
    const py::object masked = py::module_::import("numpy").attr("ma").attr("is_masked")(object);
    if (py::cast<bool>(masked)) raise_input_error(origin, "right has masked rows; every row needs a right");
}

Rights to_rights(PyObject* value, const char* origin) {
    if (is_plain_array(value) && py::isinstance<Rights>(py::handle(value))) {
        const Rights rights = py::reinterpret_borrow<Rights>(value);
        require_signs(rights, origin);
        return rights;
    }
    const py::object object = py::reinterpret_borrow<py::object>(value);
    refuse_mask(object, origin);
    const py::array array = as_array(object, origin, "right");
    switch (array.dtype().kind()) {
        case 'i':
        case 'u':
        case 'f':
            return rights_from_numbers(array, origin);
        case 'S':
            return rights_from_text(py::array(array.attr("astype")("U")), origin);
        case 'U':
            return rights_from_text(py::array(array.attr("astype")(array.dtype().attr("newbyteorder")("="))),
                                    origin);
        case 'O':
        case 'T':
            return rights_from_objects(py::array(array.attr("astype")("O")), origin);
        default:
            raise_input_error(origin, "right has dtype " + py::cast<std::string>(py::str(array.dtype())) +
                                          "; it must hold +1 and -1, or strings such as 'call' and 'P'");
    }
}

// NumPy's rule; false when the shapes do not fit.
bool widen(Shape& shape, const py::array& array) {
    const auto dimensions = static_cast<std::size_t>(array.ndim());
    if (dimensions > shape.size()) shape.insert(shape.begin(), dimensions - shape.size(), 1);
    const std::size_t offset = shape.size() - dimensions;
    for (std::size_t i = 0; i < dimensions; ++i) {
        const py::ssize_t extent = array.shape(static_cast<py::ssize_t>(i));
        if (shape[offset + i] == 1)
            shape[offset + i] = extent;
        else if (extent != 1 && extent != shape[offset + i])
            return false;
    }
    return true;
}

py::tuple tuple_of(const Shape& shape) {
    py::tuple tuple(shape.size());
    for (std::size_t i = 0; i < shape.size(); ++i) tuple[i] = shape[i];
    return tuple;
}

template <class Array>
void expand(Array& array, const Shape& shape) {
    if (array.size() == 1 || shape_of(array) == shape) return;
    const py::module_ numpy = py::module_::import("numpy");
    array =
        Array::ensure(numpy.attr("ascontiguousarray")(numpy.attr("broadcast_to")(array, tuple_of(shape))));
}

}  // namespace

void BroadcastRows::add_right(PyObject* value) {
    right_ = static_cast<std::int8_t>(read_scalar_right(value, origin_));
    if (right_ == 0) rights_ = to_rights(value, origin_);
}

void BroadcastRows::add(PyObject* value, const char* name) {
    Value& slot = values_[count_++];
    slot.name = name;
    if (!read_scalar(value, slot.number, origin_, name)) slot.array = to_doubles(value, origin_, name);
}

void BroadcastRows::add_indices(const Indices& indices, const char* name) {
    indices_ = indices;
    indices_name_ = name;
}

void BroadcastRows::broadcast() {
    bool fits = !rights_ || widen(shape_, *rights_);
    fits = fits && (!indices_ || widen(shape_, *indices_));
    for (std::size_t i = 0; i < count_; ++i)
        fits = fits && (!values_[i].array || widen(shape_, *values_[i].array));
    if (!fits) raise_shapes();
    for (const py::ssize_t extent : shape_) size_ *= static_cast<std::size_t>(extent);
    if (size_ == 0) return;
    if (rights_) expand(*rights_, shape_);
    if (indices_) expand(*indices_, shape_);
    for (std::size_t i = 0; i < count_; ++i) {
        if (values_[i].array) expand(*values_[i].array, shape_);
    }
}

void BroadcastRows::raise_shapes() const {
    std::string shapes;
    const auto list = [&](const char* name, const py::array& array) {
        if (array.ndim() == 0) return;
        shapes += std::string(shapes.empty() ? "" : ", ") + name + " " + text_of(shape_of(array));
    };
    if (rights_) list("right", *rights_);
    for (std::size_t i = 0; i < count_; ++i) {
        if (values_[i].array) list(values_[i].name, *values_[i].array);
    }
    if (indices_) list(indices_name_, *indices_);
    raise_input_error(origin_, "arguments do not broadcast to one shape: " + shapes);
}

Column<std::int8_t> BroadcastRows::right() const {
    if (!rights_) return {&right_, true};
    return {rights_->data(), rights_->size() == 1};
}

Column<double> BroadcastRows::column(std::size_t index) const {
    const Value& value = values_[index];
    if (!value.array) return {&value.number, true};
    return {value.array->data(), value.array->size() == 1};
}

Column<std::int32_t> BroadcastRows::indices() const {
    static constexpr std::int32_t kFirst = 0;
    if (!indices_) return {&kFirst, true};
    return {indices_->data(), indices_->size() == 1};
}

py::tuple BroadcastRows::objects(std::size_t right_place, std::size_t count) const {
    py::tuple columns(count + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const Value& value = values_[i];
        columns[i + (i >= right_place)] = value.array ? py::object(*value.array) : py::float_(value.number);
    }
    columns[right_place] = rights_ ? py::object(*rights_) : py::int_(right_);
    return columns;
}

bool BroadcastRows::overlaps(const py::array& array) const {
    const auto* begin = static_cast<const char*>(array.data());
    const auto* end = begin + array.nbytes();
    const auto touches = [&](const py::array& other) {
        const auto* first = static_cast<const char*>(other.data());
        return first < end && begin < first + other.nbytes();
    };
    bool any = (rights_ && touches(*rights_)) || (indices_ && touches(*indices_));
    for (std::size_t i = 0; i < count_; ++i) any = any || (values_[i].array && touches(*values_[i].array));
    return any;
}

void require_decimal_rates(const Column<double>& rates, std::size_t size, const char* name,
                           const char* origin) {
    constexpr double kLargestPlausibleRate = 1.0;
    const std::size_t distinct = rates.shared ? std::min<std::size_t>(size, 1) : size;
    std::size_t suspect = distinct;
    for (std::size_t i = 0; i < distinct; ++i) {
        const double rate = std::fabs(rates[i]);
        if (rate <= kLargestPlausibleRate) return;
        if (rate > kLargestPlausibleRate && std::isfinite(rate)) suspect = i;  // NaN does not speak for it
    }
    if (suspect == distinct) return;
    raise_input_error(
        origin, std::string(name) + " is " + py::cast<std::string>(py::str(py::float_(rates[suspect]))) +
                    " and looks like per cent; it must be a decimal (0.05 for 5 %): divide by 100");
}

OutputColumn::OutputColumn(PyObject* out, const Shape& shape, const BroadcastRows& rows, const char* origin,
                           Purpose purpose, Layout layout) {
    if (out == nullptr || out == Py_None) {
        const std::uint64_t before = memory::fetched_by_this_thread();
        target_ = layout == Layout::one_column ? result_array<double>(shape, purpose)
                                               : result_columns(shape, purpose);
        fetched_ = memory::fetched_by_this_thread() - before;
        return;
    }
    if (!py::isinstance<py::array_t<double>>(py::handle(out))) {
        raise_input_error(origin, "out must be a NumPy array of float64");
    }
    const auto array = py::reinterpret_borrow<py::array>(py::handle(out));
    if (shape_of(array) != shape) {
        raise_input_error(
            origin, "out has shape " + text_of(shape_of(array)) + "; the result has shape " + text_of(shape));
    }
    if (!array.writeable()) raise_input_error(origin, "out is read-only");
    const bool contiguous = (array.flags() & py::array::c_style) != 0;
    if (contiguous && !rows.overlaps(array)) {
        target_ = py::reinterpret_borrow<Doubles>(array);
    } else {
        target_ = Doubles(shape);
        copy_to_ = array;
    }
}

py::object OutputColumn::finish() {
    if (!copy_to_) return target_;
    py::module_::import("numpy").attr("copyto")(copy_to_, target_);
    return copy_to_;
}

}  // namespace atalanta::bind
