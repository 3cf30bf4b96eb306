// The router as Python holds it: its names beside the native indices. Entry: RouterCore.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bind/arguments.hpp"
#include "routing/router.hpp"

namespace atalanta::bind {

class RouterCore {
  public:
    // decision_type: a tuple type of three fields: target, seconds, reason.
    RouterCore(py::type decision_type, std::uint64_t seed);

    std::size_t add_target(const std::string& name, const std::string& tier, bool on_device,
                           double transfer_ns_per_byte);
    std::size_t add_operation(const std::string& name, const std::string& kind, double bytes_per_element);
    void add_alias(const std::string& name, std::size_t operation);
    void name_device(const std::string& name, routing::TargetMask targets);
    // The error that a call without a tolerance accepts.
    void set_default_tolerance(std::size_t operation, double error) {
        default_tolerances_[operation] = error;
    }

    routing::Router& router() { return *router_; }
    const routing::Router& router() const { return *router_; }
    double default_tolerance(std::size_t operation) const { return default_tolerances_[operation]; }
    const std::string& target_name(std::size_t target) const { return target_names_[target]; }

    // The operation of that name; raises InputError.
    std::size_t operation_of(PyObject* name, const char* origin) const;
    // The targets of a device by name; None, null and "auto" are all of them. Raises InputError.
    routing::TargetMask device_of(PyObject* name, const char* origin) const;

    // A new decision; seconds is NaN where nothing was measured.
    py::object decision(std::size_t operation, std::uint64_t work, const routing::Choice& choice,
                        routing::Memory where) const;
    // Says why there is no target: who does the operation, what each guarantees.
    [[noreturn]] void raise_nowhere(std::size_t operation, double tolerance, routing::TargetMask among,
                                    const char* origin) const;

    // Raises DeviceError where a target would do and is only left alone for a while.
    void raise_left_alone(std::size_t operation, double tolerance, routing::TargetMask among,
                          const char* origin) const;

  private:
    struct Named {
        py::object name;  // interned
        std::size_t index;
    };
    struct Device {
        py::object name;
        routing::TargetMask targets;
    };

    std::unique_ptr<routing::Router> router_;
    py::type decision_type_;
    std::vector<std::string> target_names_;
    std::vector<py::object> target_objects_, reason_objects_;
    std::vector<std::string> operation_names_;
    std::vector<Named> operations_;
    std::vector<Device> devices_;
    std::array<double, routing::kMostOperations> default_tolerances_{};
};

}  // namespace atalanta::bind
