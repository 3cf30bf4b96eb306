#include "bind/routed_call.hpp"

#include <atomic>
#include <cmath>
#include <limits>

#include "bind/ending.hpp"
#include "bind/terms.hpp"

namespace atalanta::bind {
namespace {

using routing::Choice;
using routing::TargetMask;

// From here on a call may go elsewhere; from the first use on, for which the larger size stands: below it a
// kernel uses one thread in any case.
constexpr std::size_t kRowsToRoute = 1024, kRowsToBegin = 8192;

struct Installed {
    py::object object, run_elsewhere;
    RouterCore* core;
    std::array<std::size_t, 3> operations;
    std::size_t one_thread, pool;
    TargetMask here;
};

std::atomic<const Installed*> installed{nullptr};

const Installed& required() {
    if (installed.load(std::memory_order_acquire) == nullptr)
        without_unwinding([] { py::module_::import("atalanta.compute.router").attr("first_use")(); });
    return *installed.load(std::memory_order_acquire);
}

bool is_text(PyObject* value, const char* text) {
    return PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, text) == 0;
}

// The default of a Python signature is always one object.
PyObject* usual_tolerance() {
    static PyObject* const standard = PyUnicode_InternFromString("standard");
    return standard;
}

bool is_auto(PyObject* device) {
    static PyObject* const usual = PyUnicode_InternFromString("auto");
    return device == nullptr || device == usual || device == Py_None || is_text(device, "auto");
}

// The accepted error of a price for a strike of 100; 0 where the closed form's own is wanted.
double accepted_error(PyObject* tolerance) {
    double number = 0.0;
    if (tolerance == nullptr || tolerance == usual_tolerance() || is_text(tolerance, "standard") ||
        is_text(tolerance, "precise"))
        return 0.0;
    if (is_text(tolerance, "fast")) return kFast.yield;
    return read_number(tolerance, number) ? number : 0.0;
}

// The least strike over the larger of spot and strike: a device's error counts per unit of spot or price, and
// no price exceeds both.
double least_moneyness(const Column<double>& spot, const Column<double>& strike, std::size_t rows) {
    const std::size_t distinct = spot.shared && strike.shared ? 1 : rows;
    double least = 1.0;
    for (std::size_t i = 0; i < distinct; ++i) {
        const double ratio = strike[i] / spot[i];
        least = ratio < least ? ratio : least;  // a row of NaN has no price anywhere
    }
    return least;
}

// The least error that any of the targets guarantees.
double least_error(const routing::Router& router, std::size_t operation, TargetMask among) {
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t target = 0; target < router.targets(); ++target) {
        if ((among >> target & 1) != 0) least = std::fmin(least, router.predict(operation, target, 1).error);
    }
    return least;
}

std::uint64_t now_ns() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

}  // namespace

void install_router(const py::object& core, std::size_t one_thread, std::size_t pool,
                    const py::object& run_elsewhere) {
    constexpr const char* kNames[] = {"price", "greeks", "implied_vol"};
    // Never freed: calls of other threads may still use it.
    auto* made = new Installed{core, run_elsewhere, &core.cast<RouterCore&>(), {}, one_thread, pool, 0};
    for (std::size_t i = 0; i < std::size(kNames); ++i)
        made->operations[i] = made->core->operation_of(py::str(kNames[i]).ptr(), "compute.router");
    made->here = TargetMask{1} << one_thread | TargetMask{1} << pool;
    installed.store(made, std::memory_order_release);
}

const char* routed_doc(const char* plain) {
    constexpr std::string_view kSignatureEnd = "threads=None)\n";
    constexpr std::string_view kThreads =
        "    threads: threads for a large batch; None for the default (see `set_threads`).\n";
    constexpr std::string_view kDevice =
        "    threads: threads for a large batch; None for one or the pool's, whichever was measured to be "
        "quicker.\n"
        "    device: 'auto' (where it finishes soonest, see `Router`), 'cpu', 'gpu' or another of "
        "`Router.devices`.\n"
        "        Only a tolerance of 'fast' or a number lets 'auto' take a device that is less accurate than "
        "the CPU;\n"
        "        a device given by name runs as accurately as it can.\n";
    auto* text = new std::string(plain);
    text->replace(text->find(kSignatureEnd), kSignatureEnd.size(), "threads=None, device='auto')\n");
    if (const std::size_t place = text->find(kThreads); place != std::string::npos)
        text->replace(place, kThreads.size(), kDevice);
    return text->c_str();
}

bool is_plain_device(PyObject* device) {
    return is_auto(device) || is_text(device, "cpu");
}

void require_plain_device(PyObject* device, const char* origin) {
    if (is_plain_device(device)) return;
    const Installed& routes = required();
    routes.core->device_of(device, origin);  // a name that is none is the first thing to say
    raise_input_error(origin,
                      "device is " + repr_of(device) +
                          "; rows with American exercise, cash dividends, or Greeks of order 2 or 3 are "
                          "done by the CPU alone: leave device out, or give 'auto' or 'cpu'");
}

RoutedCall::RoutedCall(Routed function, PyObject* device, PyObject* tolerance, std::size_t rows,
                       const Column<double>& spot, const Column<double>& strike, int threads,
                       const char* origin)
    : function_(function), rows_(rows), threads_(threads), origin_(origin) {
    const bool plain = is_plain_device(device);
    if (rows == 0 || (plain && threads != 0)) return;
    const bool begun = installed.load(std::memory_order_relaxed) != nullptr;
    if (plain && rows <= (begun ? kRowsToRoute : kRowsToBegin)) return;
    const Installed& routes = required();
    const std::size_t operation = routes.operations[static_cast<std::size_t>(function)];
    const TargetMask among = is_auto(device) ? routing::kAnyTarget : routes.core->device_of(device, origin);
    strict_ = (among & routes.here) == 0;
    if (strict_) {
        without_unwinding(
            [device] { py::module_::import("atalanta.compute.router").attr("prepare")(py::handle(device)); });
    }
    tolerance_ = routes.core->default_tolerance(operation);
    if (strict_) tolerance_ = std::fmax(tolerance_, least_error(routes.core->router(), operation, among));
    const double accepted = accepted_error(tolerance);
    if (accepted > 0.0 && (among & ~routes.here) != 0) {
        // The error of a price for a strike of 100, as one per unit of spot.
        tolerance_ = std::fmax(routes.core->default_tolerance(operation),
                               accepted / 100.0 * least_moneyness(spot, strike, rows));
    }
    decide(among);
}

void RoutedCall::decide(TargetMask among) {
    const Installed& routes = *installed.load(std::memory_order_acquire);
    const std::size_t operation = routes.operations[static_cast<std::size_t>(function_)];
    routing::Router& router = routes.core->router();
    Choice choice = router.decide(operation, rows_, tolerance_, routing::Memory::host, among);
    if (choice.target == routing::kNowhere)
        choice = router.try_quarantined(operation, tolerance_, now_ns(), among);
    if (choice.target == routing::kNowhere)
        routes.core->raise_left_alone(operation, tolerance_, among, origin_);
    if (choice.target == routing::kNowhere) routes.core->raise_nowhere(operation, tolerance_, among, origin_);
    timed_ = router.sampled(operation, choice.sampling);
    if (timed_ && choice.reason != routing::Reason::probe)
        choice =
            router.consider(operation, rows_, tolerance_, choice, now_ns(), routing::Memory::host, among);
    target_ = choice.target;
    probe_ = choice.reason == routing::Reason::probe;
    elsewhere_ = (routes.here >> target_ & 1) == 0;
    if (threads_ == 0 && target_ == routes.one_thread) threads_ = 1;
}

py::object RoutedCall::run_elsewhere(const py::tuple& columns) {
    constexpr const char* kNames[] = {"price", "greeks", "implied_vol"};
    const Installed& routes = *installed.load(std::memory_order_acquire);
    const py::object result = without_unwinding([&] {
        return routes.run_elsewhere(kNames[static_cast<std::size_t>(function_)], target_, rows_, columns,
                                    tolerance_, probe_, strict_);
    });
    elsewhere_ = timed_ = false;
    return result.is_none() ? py::object() : result;
}

void RoutedCall::tell(double ns) const noexcept {
    const Installed& routes = *installed.load(std::memory_order_acquire);
    const std::size_t operation = routes.operations[static_cast<std::size_t>(function_)];
    routes.core->router().observe(operation, target_, rows_, ns, probe_);
}

}  // namespace atalanta::bind
