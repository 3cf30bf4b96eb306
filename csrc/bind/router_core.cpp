#include "bind/router_core.hpp"

#include <algorithm>
#include <cstdio>

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "compute.router";

py::object interned(std::string_view text) {
    PyObject* object = PyUnicode_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size()));
    if (object == nullptr) throw py::error_already_set();
    PyUnicode_InternInPlace(&object);
    return py::reinterpret_steal<py::object>(object);
}

std::size_t position_of(std::string_view name, std::span<const std::string_view> names, const char* what) {
    const auto place = std::find(names.begin(), names.end(), name);
    if (place == names.end())
        raise_input_error(kOrigin, std::string(what) + " is '" + std::string(name) + "'");
    return static_cast<std::size_t>(place - names.begin());
}

// Identity nearly always decides: names are interned.
template <class Entry>
const Entry* find(const std::vector<Entry>& entries, PyObject* name) {
    for (const Entry& entry : entries) {
        if (entry.name.ptr() == name) return &entry;
    }
    if (!PyUnicode_Check(name)) return nullptr;
    for (const Entry& entry : entries) {
        if (PyUnicode_Compare(entry.name.ptr(), name) == 0) return &entry;
    }
    return nullptr;
}

template <class Entry>
std::string list_of(const std::vector<Entry>& entries) {
    std::string text;
    for (const Entry& entry : entries)
        text.append(text.empty() ? "" : ", ").append(text_of(entry.name.ptr()));
    return text;
}

std::string short_text(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

}  // namespace

RouterCore::RouterCore(py::type decision_type, std::uint64_t seed)
    : router_(std::make_unique<routing::Router>(seed)), decision_type_(std::move(decision_type)) {
    for (const std::string_view name : routing::kReasonNames) reason_objects_.push_back(interned(name));
}

std::size_t RouterCore::add_target(const std::string& name, const std::string& tier, bool on_device,
                                   double transfer_ns_per_byte) {
    constexpr std::string_view tiers[] = {"baseline", "wide", "accelerator"};
    const std::size_t index = router_->add_target(
        static_cast<routing::Tier>(position_of(tier, tiers, "tier")),
        on_device ? routing::Memory::device : routing::Memory::host, transfer_ns_per_byte);
    if (index == routing::kNowhere) {
        raise_input_error(kOrigin, "there are more than " + std::to_string(routing::kMostTargets) +
                                       " targets; leave out devices that are not used");
    }
    target_names_.push_back(name);
    target_objects_.push_back(interned(name));
    return index;
}

std::size_t RouterCore::add_operation(const std::string& name, const std::string& kind,
                                      double bytes_per_element) {
    const auto class_index = position_of(kind, routing::kClassNames, "class");
    const std::size_t index =
        router_->add_operation(static_cast<routing::OperationClass>(class_index), bytes_per_element);
    if (index == routing::kNowhere) {
        raise_input_error(kOrigin,
                          "there are more than " + std::to_string(routing::kMostOperations) + " operations");
    }
    operation_names_.push_back(name);
    add_alias(name, index);
    return index;
}

void RouterCore::add_alias(const std::string& name, std::size_t operation) {
    operations_.push_back({interned(name), operation});
}

void RouterCore::name_device(const std::string& name, routing::TargetMask targets) {
    devices_.push_back({interned(name), targets});
}

std::size_t RouterCore::operation_of(PyObject* name, const char* origin) const {
    const Named* entry = find(operations_, name);
    if (entry == nullptr) {
        raise_input_error(origin,
                          "operation is " + repr_of(name) + "; it must be one of " + list_of(operations_));
    }
    return entry->index;
}

routing::TargetMask RouterCore::device_of(PyObject* name, const char* origin) const {
    if (name == nullptr || name == Py_None) return routing::kAnyTarget;
    const Device* entry = find(devices_, name);
    if (entry == nullptr) {
        raise_input_error(origin, "device is " + repr_of(name) + "; it must be one of " + list_of(devices_));
    }
    return entry->targets;
}

py::object RouterCore::decision(std::size_t operation, std::uint64_t work, const routing::Choice& choice,
                                routing::Memory where) const {
    const double ns = router_->predict(operation, choice.target, work, where).ns;
    auto* const type = reinterpret_cast<PyTypeObject*>(decision_type_.ptr());
    PyObject* const made = type->tp_alloc(type, 3);
    if (made == nullptr) throw py::error_already_set();
    const py::object result = py::reinterpret_steal<py::object>(made);
    PyTuple_SET_ITEM(made, 0, py::object(target_objects_[choice.target]).release().ptr());
    PyTuple_SET_ITEM(made, 1, py::float_(1e-9 * ns).release().ptr());
    PyTuple_SET_ITEM(made, 2,
                     py::object(reason_objects_[static_cast<std::size_t>(choice.reason)]).release().ptr());
    return result;
}

void RouterCore::raise_nowhere(std::size_t operation, double tolerance, routing::TargetMask among,
                               const char* origin) const {
    std::string guarantees;
    for (std::size_t target = 0; target < router_->targets(); ++target) {
        if (!router_->runs(operation, target)) continue;
        const routing::Prediction known = router_->predict(operation, target, 1);
        guarantees.append(guarantees.empty() ? "" : "; ").append(target_names_[target]).append(" ");
        guarantees.append(short_text(known.error)).append(known.usable ? "" : " (in quarantine)");
        if ((among >> target & 1) == 0) guarantees.append(" (another device)");
    }
    const std::string& name = operation_names_[operation];
    if (guarantees.empty()) {
        raise_input_error(origin, "no device here does '" + name +
                                      "'; `atalanta doctor` says which devices are missing and why");
    }
    raise_input_error(origin, "no device that was asked for does '" + name + "' within a tolerance of " +
                                  short_text(tolerance) + "; guaranteed are: " + guarantees +
                                  ". Ask for one of these or more, or for another device");
}

void RouterCore::raise_left_alone(std::size_t operation, double tolerance, routing::TargetMask among,
                                  const char* origin) const {
    std::string names;
    for (std::size_t target = 0; target < router_->targets(); ++target) {
        if ((among >> target & 1) == 0 || !router_->runs(operation, target)) continue;
        const routing::Prediction known = router_->predict(operation, target, 1);
        if (known.usable || known.error > tolerance) continue;
        names.append(names.empty() ? "" : ", ").append(target_names_[target]);
    }
    if (names.empty()) return;
    const std::string message =
        "[" + std::string(origin) + "] " + names +
        " failed and is in quarantine for up to half a second; ask again later, or leave "
        "device out";
    PyErr_SetString(py::module_::import("atalanta.errors").attr("DeviceError").ptr(), message.c_str());
    throw py::error_already_set();
}

}  // namespace atalanta::bind
