// The GPU kernels: their text, and their emulation on the host.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "bind/option_rows.hpp"
#include "gpu/kernels.hpp"
#include "gpu/parts.hpp"

namespace atalanta::bind {
namespace {

using Floats = py::array_t<float, py::array::c_style>;
using Integers = py::array_t<int, py::array::c_style>;

constexpr const char* kColumns[] = {"right", "spot", "strike", "years", "rate", "dividend_yield"};
constexpr std::size_t kColumnCount = std::size(kColumns) + 1;

int width_of(const gpu::Kernel& kernel, std::size_t column) {
    const bool last_is_price = column == kColumnCount - 1 && kernel.last == "price";
    if (column == 0) return 1;
    return column <= 2 || last_is_price ? kernel.widths.money : kernel.widths.plain;
}

std::string column_name(const gpu::Kernel& kernel, std::size_t column) {
    return column < std::size(kColumns) ? kColumns[column] : std::string(kernel.last);
}

py::dict description(const gpu::Kernel& kernel) {
    py::list inputs, widths;
    inputs.append("layout");
    for (std::size_t c = 0; c < kColumnCount; ++c) {
        inputs.append(column_name(kernel, c));
        widths.append(width_of(kernel, c));
    }
    py::dict row;
    row["name"] = py::str(kernel.name.data(), kernel.name.size());
    row["inputs"] = py::tuple(inputs);
    row["widths"] = py::tuple(widths);
    row["results"] = kernel.results;
    row["result_width"] = kernel.widths.result;
    row["body"] = py::str(kernel.body.data(), kernel.body.size());
    return row;
}

py::list gpu_kernels() {
    py::list rows;
    for (const gpu::Kernel& kernel : gpu::kernels()) rows.append(description(kernel));
    return rows;
}

const gpu::Kernel& kernel_named(const std::string& name) {
    const auto all = gpu::kernels();
    const auto found = std::ranges::find(all, name, &gpu::Kernel::name);
    if (found == all.end()) raise_input_error("emulate_kernel", "there is no kernel '" + name + "'");
    return *found;
}

void require_size(const Floats& array, std::int64_t least, const std::string& name) {
    if (array.size() >= least) return;
    raise_input_error("emulate_kernel", name + " holds " + std::to_string(array.size()) +
                                            " numbers; the kernel reads " + std::to_string(least));
}

Floats emulate_kernel(const std::string& name, const Integers& layout, const std::vector<Floats>& columns) {
    const gpu::Kernel& kernel = kernel_named(name);
    if (layout.size() != gpu::kLayoutSize || columns.size() != kColumnCount) {
        raise_input_error("emulate_kernel", "it takes a layout of " + std::to_string(gpu::kLayoutSize) +
                                                " numbers and " + std::to_string(kColumnCount) + " columns");
    }
    gpu::Arguments arguments{};
    arguments.layout = layout.data();
    const std::int64_t rows = layout.data()[0];
    for (std::size_t c = 0; c < kColumnCount; ++c) {
        const int step = layout.data()[c + 1];
        if (rows < 0 || step < 0 || step > 1) raise_input_error("emulate_kernel", "the layout is not one");
        require_size(columns[c], width_of(kernel, c) * (step == 1 ? rows : 1), column_name(kernel, c));
        arguments.columns[c] = columns[c].data();
    }
    Floats value(static_cast<py::ssize_t>(rows * kernel.results * kernel.widths.result));
    arguments.value = value.mutable_data();
    const py::gil_scoped_release released;
    kernel.emulate(arguments);
    return value;
}

constexpr std::size_t kLeastElements = 8;  // MLX gives shorter arrays another type

Floats split_column(const Doubles& column, int width) {
    if (width < 1 || width > 3) {
        raise_input_error("split_column", "width is " + std::to_string(width) + "; it must be 1, 2 or 3");
    }
    const auto rows = static_cast<std::size_t>(column.size()), used = rows * static_cast<std::size_t>(width);
    Floats parts(static_cast<py::ssize_t>(std::max(used, kLeastElements)));
    float* const data = parts.mutable_data();
    std::fill(data + used, data + parts.size(), 0.0f);
    const double* const values = column.data();
    const py::gil_scoped_release released;
    gpu::split(values, rows, width, data);
    return parts;
}

Doubles join_pairs(const Floats& pairs) {
    Doubles column(pairs.size() / 2);
    double* const data = column.mutable_data();
    const float* const values = pairs.data();
    const py::gil_scoped_release released;
    gpu::join(values, static_cast<std::size_t>(column.size()), data);
    return column;
}

// What the pricing functions refuse about option rows, for callers that run them elsewhere.
void check_options(const std::string& origin, const std::vector<py::object>& options) {
    std::vector<PyObject*> arguments;
    for (const py::object& option : options) arguments.push_back(option.ptr());
    if (arguments.size() != kYield + 1) raise_input_error(origin.c_str(), "an option has seven columns");
    BroadcastRows inputs(origin.c_str());
    add_option_rows(inputs, arguments);
    inputs.broadcast();
    require_decimals(option_rows(inputs), origin.c_str());
}

}  // namespace

void bind_gpu(py::module_& module) {
    module.def(
        "gpu_header", [] { return std::string(gpu::kernel_header()); },
        "The text that stands before every GPU kernel.");
    module.def("gpu_kernels", &gpu_kernels, "The GPU kernels: names, parameters and bodies.");
    module.def("split_column", &split_column, py::arg("column"), py::arg("width"),
               "Each double as `width` floats side by side; eight floats at least.");
    module.def("join_pairs", &join_pairs, py::arg("pairs"), "The sums of pairs of floats.");
    module.def("check_options", &check_options, py::arg("origin"), py::arg("options"),
               "Raise InputError where price would: right, spot, strike, years, rate, vol, dividend_yield.");
    module.def("emulate_kernel", &emulate_kernel, py::arg("name"), py::arg("layout"), py::arg("columns"),
               "Run a GPU kernel compiled for the host; tests only.");
}

}  // namespace atalanta::bind
