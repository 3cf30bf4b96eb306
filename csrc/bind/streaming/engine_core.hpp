// The engine as Python holds it: arrays in and out, the GIL released while native code works or waits, and a
// lock where a ring has room for one producer only. Main entries: EngineCore, ProducerCore, OutletCore.
#pragma once

#include <pybind11/numpy.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "bind/module.hpp"
#include "streaming/engine.hpp"
#include "streaming/scenario_ladder.hpp"

namespace atalanta::bind {

class EngineCore;

inline constexpr const char* kRiskStage = "atalanta.risk_stage";

class ProducerCore {
  public:
    ProducerCore(std::shared_ptr<EngineCore> engine, streaming::Producer& producer)
        : engine_(std::move(engine)), producer_(producer) {}

    // Events of the dtype EVENT; those with intended_ns 0 are given the time of now.
    std::size_t push_many(const py::array& events);
    // Sends each event at its intended time, in order; stops early when told. How many were taken.
    std::size_t push_paced(const py::array& events);
    void stop_pacing() { pacing_stopped_.store(true); }
    bool push(std::uint32_t key, double bid, double ask, std::int64_t time_ns, std::uint32_t sequence,
              std::uint8_t kind, std::uint8_t sides, std::uint16_t source, float bid_size, float ask_size,
              std::uint64_t intended_ns, std::uint32_t ticket, std::uint64_t tag);
    std::size_t waiting() const { return producer_.waiting(); }
    std::size_t capacity() const { return producer_.capacity(); }
    std::uint64_t refused() const { return producer_.refused(); }
    streaming::Producer& native() { return producer_; }
    EngineCore& engine() { return *engine_; }

  private:
    const streaming::Event* checked(const py::array& events) const;
    std::size_t push_locked(const streaming::Event* events, std::size_t count);

    std::shared_ptr<EngineCore> engine_;
    streaming::Producer& producer_;
    std::mutex one_at_a_time_;
    std::atomic<bool> pacing_stopped_{false};
};

class OutletCore {
  public:
    OutletCore(std::shared_ptr<EngineCore> engine, std::shared_ptr<streaming::Outlet> outlet)
        : engine_(std::move(engine)), outlet_(std::move(outlet)) {}

    // A new array of the dtype RESULT, of the pool's memory where it is large; may be empty.
    py::array take(std::size_t most);
    std::size_t waiting();
    bool wait_for_more();
    void clear_wake() { outlet_->clear_wake(); }
    void close() { outlet_->close(); }
    bool closed() const { return outlet_->is_closed(); }
    int file() const { return outlet_->file(); }
    std::uint64_t offered() const { return outlet_->offered(); }
    std::uint64_t missed() const { return outlet_->missed(); }
    std::uint64_t taken() const { return outlet_->taken(); }

  private:
    std::shared_ptr<EngineCore> engine_;
    std::shared_ptr<streaming::Outlet> outlet_;
    std::mutex one_at_a_time_;
};

class EngineCore : public std::enable_shared_from_this<EngineCore> {
  public:
    // further: capsules of streaming::RiskStage, named kRiskStage, which the engine keeps alive. scenarios:
    // may be null.
    EngineCore(streaming::Universe universe, const streaming::Settings& settings, double tolerance,
               const py::list& further, std::unique_ptr<streaming::ScenarioLadder> scenarios);
    ~EngineCore();

    std::shared_ptr<ProducerCore> producer();
    std::shared_ptr<OutletCore> outlet(std::size_t capacity, const std::string& wanted);
    std::size_t pump();
    void start(const std::string& executor, std::size_t processor);
    void stop(bool drain);
    bool refresh();
    void set_positions(const py::array_t<double>& quantities);
    void restart_source(std::size_t source);
    void clear_histograms();

    py::dict account() const;
    py::dict book() const;
    // (U, 8): the totals of each underlying.
    py::array_t<double> books();
    // The scenario ladder: pnl (U, S, V), value (U,), builds, time_ns, age_ns, positions, left_out, pending,
    // failures.
    py::dict scenarios();
    // {"queue_wait": (1920,), "service": (3, 1920), "total": (3, 1920), "most": (7,)}
    py::dict histograms() const;
    // (9, N): bid, ask, vol, price, delta, gamma, vega, theta, flags of each contract.
    py::array_t<double> contracts();
    // {"scale", "forward", "error", "pairs", "fitted_ns", "now_ns"}: (G,) each.
    py::dict forwards();
    // (3, U): bid, ask and price of each underlying.
    py::array_t<double> underlyings();
    // (G, 4): source, first and last number that is missing, time of the event after it.
    py::array_t<std::int64_t> gaps();

    streaming::Engine& native() { return engine_; }
    bool inline_only() const { return !engine_.is_running(); }

  private:
    // Calls work on the engine's thread, between two batches, and waits without the GIL.
    template <class F>
    void between(F&& work) {
        const py::gil_scoped_release release;
        engine_.between_batches([](void* state) { (*static_cast<std::remove_reference_t<F>*>(state))(); },
                                &work);
    }

    py::list further_;
    std::unique_ptr<streaming::ScenarioLadder> scenarios_;  // outlives the engine, whose stage it is
    streaming::Engine engine_;
};

// Of the columns that Python has checked; raises InputError when they do not fit together.
streaming::Universe universe_of(const py::dict& columns);
streaming::Settings settings_of(const py::dict& values);
streaming::ScenarioTerms scenario_terms_of(const py::dict& values);

py::dict histogram_dict(const HistogramCounts& counts);

}  // namespace atalanta::bind
