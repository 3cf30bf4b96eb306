#include "bind/streaming/engine_core.hpp"

#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "base/monotonic.hpp"
#include "bind/arguments.hpp"
#include "bind/memory/result_arrays.hpp"

namespace atalanta::bind {
namespace {

using streaming::Event;
using streaming::Result;

constexpr const char* kOrigin = "streaming.Stream";
constexpr std::size_t kEventsAtOnce = 256;  // stamped on the stack
constexpr std::size_t kEventsToReleaseGil = 512;
// A sleep ends up to so late: the rest is waited for by looking at the clock.
constexpr std::uint64_t kSleepAbove = 120'000, kSleepAtMost = 20'000'000;

// Calls work without the GIL where that pays.
template <class F>
auto without_gil(bool released, F&& work) {
    if (!released) return work();
    const py::gil_scoped_release release;
    return work();
}

// The scenario ladder first, then what the caller has.
std::vector<streaming::RiskStage> stages_of(const py::list& capsules, streaming::ScenarioLadder* scenarios) {
    std::vector<streaming::RiskStage> stages;
    if (scenarios != nullptr) stages.push_back(scenarios->stage());
    for (const py::handle& capsule : capsules) {
        const auto* stage =
            static_cast<const streaming::RiskStage*>(PyCapsule_GetPointer(capsule.ptr(), kRiskStage));
        if (stage == nullptr) throw py::error_already_set();
        stages.push_back(*stage);
    }
    return stages;
}

}  // namespace

// The first so many are taken: what comes after one that finds no room is refused as well.
std::size_t ProducerCore::push_locked(const Event* events, std::size_t count) {
    const std::lock_guard lock(one_at_a_time_);
    Event stamped[kEventsAtOnce];
    std::size_t pushed = 0;
    while (pushed < count) {
        std::size_t some = 0;
        while (pushed + some < count && events[pushed + some].intended_ns != 0) ++some;
        const Event* these = events + pushed;
        if (some == 0) {
            const std::uint64_t now = monotonic_ns();
            while (pushed + some < count && some < kEventsAtOnce && these[some].intended_ns == 0) {
                stamped[some] = these[some];
                stamped[some++].intended_ns = now;
            }
            these = stamped;
        }
        const std::size_t taken = producer_.push(these, some);
        pushed += taken;
        if (taken < some) {
            producer_.refuse(count - pushed - (some - taken));
            break;
        }
    }
    return pushed;
}

const Event* ProducerCore::checked(const py::array& events) const {
    if (!py::isinstance<py::array_t<Event, py::array::c_style>>(events) || events.ndim() != 1) {
        raise_input_error(kOrigin, "events must be one row each of the dtype atalanta.streaming.EVENT, not " +
                                       repr_of(events.dtype().ptr()) + " with " +
                                       std::to_string(events.ndim()) +
                                       " dimensions; make them with Universe.events(...)");
    }
    return static_cast<const Event*>(events.data());
}

std::size_t ProducerCore::push_many(const py::array& events) {
    const Event* data = checked(events);
    const auto count = static_cast<std::size_t>(events.size());
    return without_gil(count >= kEventsToReleaseGil, [&] { return push_locked(data, count); });
}

std::size_t ProducerCore::push_paced(const py::array& events) {
    const Event* data = checked(events);
    const auto count = static_cast<std::size_t>(events.size());
    const py::gil_scoped_release release;
    pacing_stopped_.store(false);
    std::size_t pushed = 0, next = 0;
    while (next < count && !pacing_stopped_.load(std::memory_order_relaxed)) {
        const std::uint64_t now = monotonic_ns();
        std::size_t due = next;
        while (due < count && data[due].intended_ns <= now) ++due;
        if (due > next) {
            producer_.sending(data[next].intended_ns, now);
            const std::lock_guard lock(one_at_a_time_);
            pushed += producer_.push(data + next, due - next);
            producer_.sending(now, monotonic_ns());  // held up since it looked
            next = due;
        } else if (const std::uint64_t left = data[next].intended_ns - now; left > kSleepAbove) {
            const std::uint64_t most = std::min<std::uint64_t>(left - kSleepAbove, kSleepAtMost);
            std::this_thread::sleep_for(std::chrono::nanoseconds(most));
        }
    }
    return pushed;
}

bool ProducerCore::push(std::uint32_t key, double bid, double ask, std::int64_t time_ns,
                        std::uint32_t sequence, std::uint8_t kind, std::uint8_t sides, std::uint16_t source,
                        float bid_size, float ask_size, std::uint64_t intended_ns, std::uint32_t ticket,
                        std::uint64_t tag) {
    const Event event{intended_ns == 0 ? monotonic_ns() : intended_ns,
                      time_ns,
                      key,
                      sequence,
                      bid,
                      ask,
                      bid_size,
                      ask_size,
                      static_cast<streaming::Kind>(kind),
                      sides,
                      source,
                      ticket,
                      tag};
    const std::lock_guard lock(one_at_a_time_);
    return producer_.push(&event, 1) == 1;
}

py::array OutletCore::take(std::size_t most) {
    const std::lock_guard lock(one_at_a_time_);
    const std::size_t count = std::min(most, outlet_->waiting());
    py::array results =
        result_array(py::dtype::of<Result>(), {static_cast<py::ssize_t>(count)}, Purpose::streaming);
    if (count > 0) outlet_->take(static_cast<Result*>(results.mutable_data()), count);
    return results;
}

std::size_t OutletCore::waiting() {
    const std::lock_guard lock(one_at_a_time_);
    return outlet_->waiting();
}

bool OutletCore::wait_for_more() {
    const std::lock_guard lock(one_at_a_time_);
    return outlet_->wait_for_more();
}

EngineCore::EngineCore(streaming::Universe universe, const streaming::Settings& settings, double tolerance,
                       const py::list& further, std::unique_ptr<streaming::ScenarioLadder> scenarios)
    : further_(further),
      scenarios_(std::move(scenarios)),
      engine_(std::move(universe), settings, Tolerance{tolerance / 16.0, tolerance},
              stages_of(further, scenarios_.get())) {}

EngineCore::~EngineCore() {
    if (scenarios_ != nullptr) scenarios_->stop();
}

std::shared_ptr<ProducerCore> EngineCore::producer() {
    try {
        return std::make_shared<ProducerCore>(shared_from_this(), engine_.add_producer());
    } catch (const std::length_error& error) {
        raise_input_error(kOrigin, std::string(error.what()) + "; share one between threads");
    }
}

std::shared_ptr<OutletCore> EngineCore::outlet(std::size_t capacity, const std::string& wanted) {
    const auto what = wanted == "events"    ? streaming::Wanted::events
                      : wanted == "tickets" ? streaming::Wanted::tickets
                                            : streaming::Wanted::with_refreshed;
    try {
        return std::make_shared<OutletCore>(shared_from_this(), engine_.add_outlet(capacity, what));
    } catch (const std::length_error& error) {
        raise_input_error(kOrigin, std::string(error.what()) + "; close one of them, or make another stream");
    }
}

std::size_t EngineCore::pump() {
    const py::gil_scoped_release release;
    return engine_.pump();
}

void EngineCore::start(const std::string& executor, std::size_t processor) {
    const py::gil_scoped_release release;
    if (scenarios_ != nullptr) scenarios_->start();
    engine_.start(executor == "pinned" ? streaming::Executor::pinned : streaming::Executor::hybrid,
                  processor);
}

void EngineCore::stop(bool drain) {
    const py::gil_scoped_release release;
    engine_.stop(drain);
    if (drain) engine_.pump();
    if (scenarios_ != nullptr) scenarios_->stop();
}

bool EngineCore::refresh() {
    const py::gil_scoped_release release;
    bool solved = engine_.refresh();
    if (scenarios_ == nullptr) return solved;
    const auto errand = [this](void (*work)(streaming::ScenarioLadder&, const streaming::RiskBatch&)) {
        std::pair<EngineCore*, decltype(work)> both{this, work};
        engine_.between_batches(
            [](void* state) {
                auto& [self, task] = *static_cast<decltype(both)*>(state);
                task(*self->scenarios_, self->engine_.everything());
            },
            &both);
    };
    errand([](auto& ladder, const auto& all) { ladder.catch_up(all); });
    errand([](auto& ladder, const auto& all) { ladder.ask_now(all); });
    solved |= scenarios_->solve_waiting();
    errand([](auto& ladder, const auto& all) { ladder.catch_up(all); });
    return solved;
}

void EngineCore::set_positions(const py::array_t<double>& quantities) {
    std::vector<double> all(quantities.data(), quantities.data() + quantities.size());
    if (scenarios_ != nullptr) {
        const py::gil_scoped_release release;
        scenarios_->hold(engine_.universe(), all, [this](auto&& swap) {
            auto work = [&] { swap(engine_.everything()); };
            engine_.between_batches([](void* state) { (*static_cast<decltype(work)*>(state))(); }, &work);
        });
    }
    between([&] {
        engine_.positions().replace(all, engine_.everything());
        engine_.publish_book();
    });
}

void EngineCore::restart_source(std::size_t source) {
    between([&] { engine_.market().restart(source); });
}

void EngineCore::clear_histograms() {
    between([&] { engine_.clear_histograms(); });
}

}  // namespace atalanta::bind
