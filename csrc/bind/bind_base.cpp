// What the machine has and what is used of it: instruction sets and threads.
#include <string>

#include "base/thread_pool.hpp"
#include "bind/arguments.hpp"
#include "bind/module.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta::bind {
namespace {

py::dict features() {
    py::dict features;
    for (const auto& [name, present] : detected_cpu_features().named()) {
        features[py::str(name.data(), name.size())] = present;
    }
    return features;
}

std::string select_isa(const std::string& name) {
    try {
        return select_kernels(name).name;
    } catch (const std::invalid_argument& error) {
        raise_input_error("select_isa", error.what());
    }
}

py::dict cpu_info() {
    const KernelSet& active = active_kernels();
    py::list available;
    for (const KernelSet* row : kernel_sets()) {
        py::dict entry;
        entry["name"] = row->name;
        entry["description"] = row->description;
        entry["supported"] = supported(*row);
        entry["chosen"] = row == &active;
        available.append(entry);
    }
    py::dict info;
    info["isa"] = active.name;
    info["available"] = available;
    info["features"] = features();
    info["threads"] = default_threads();
    return info;
}

// Wrong variables are reported here, once, and not from inside some later call.
void check_environment() {
    if (const char* value = invalid_threads_variable()) {
        raise_input_error("threads", "ATALANTA_THREADS='" + std::string(value) +
                                         "' is not a whole number from 1 to 1024; correct it or unset it");
    }
    try {
        active_kernels();
    } catch (const std::invalid_argument& error) {
        raise_input_error("isa", error.what());
    }
}

// None restores the automatic choice.
int set_threads(const py::object& threads) {
    return set_default_threads(read_threads(threads.ptr(), "set_threads"));
}

}  // namespace

void bind_base(py::module_& module) {
    module.attr("VERSION") = ATALANTA_VERSION;
    module.def("check_environment", &check_environment,
               "Raise InputError when ATALANTA_ISA or ATALANTA_THREADS cannot be followed.");
    module.def("cpu_info", &cpu_info,
               "The instruction sets of this build and machine, and the threads in use.");
    module.def("select_isa", &select_isa, py::arg("name"),
               "Put the named instruction set to use; gives the name of the one before.");
    module.def("set_threads", &set_threads, py::arg("threads"),
               "Set the threads of large batches (None: automatic); gives the count before.");
}

}  // namespace atalanta::bind
