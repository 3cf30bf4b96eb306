// The streaming engine: events in, volatilities, Greeks and book numbers out, with a budget for each stage
// and an account of every event. One thread runs the three stages inline, batch by batch; nothing on that
// path allocates, waits or throws. Main entries: Engine, Producer::push.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/latency_histogram.hpp"
#include "base/published.hpp"
#include "streaming/account.hpp"
#include "streaming/market_stage.hpp"
#include "streaming/outlet.hpp"
#include "streaming/position_greeks.hpp"
#include "streaming/pricing_stage.hpp"
#include "streaming/refresher.hpp"
#include "streaming/ring.hpp"
#include "streaming/stall_meter.hpp"

namespace atalanta::streaming {

enum class Executor : std::uint8_t {
    none,    // whoever pushes runs the stages: Engine::pump
    pinned,  // a thread of its own that never rests, on a processor of its own
    hybrid   // a thread that looks for work for a while, then sleeps until it is woken
};

class Engine;

// The way in of one thread.
class Producer {
  public:
    Producer(Engine& engine, std::size_t capacity) : engine_(engine), ring_(capacity) {}

    // How many of them were taken; the rest is counted as dropped, there being no room or the engine halted.
    std::size_t push(const Event* events, std::size_t count) noexcept;
    // A thread that sends by the clock says when it could: what it brings late was held up by the system.
    void sending(std::uint64_t intended_ns, std::uint64_t now) noexcept;
    // Counts events that are not even offered, as push does those that find no room.
    void refuse(std::size_t count) noexcept;
    std::uint64_t refused() const noexcept {
        return refused_.load(std::memory_order_relaxed) + refused_halted_.load(std::memory_order_relaxed);
    }
    std::size_t capacity() const noexcept { return ring_.capacity(); }
    std::size_t waiting() const noexcept {
        const std::uint64_t consumed = ring_.consumed();
        return static_cast<std::size_t>(ring_.pushed() - consumed);
    }

  private:
    friend class Engine;
    Engine& engine_;
    Ring<Event> ring_;
    std::atomic<std::uint64_t> refused_{0}, refused_halted_{0};
};

// Latencies of a stage in nanoseconds.
struct StageLatency {
    LatencyHistogram service;  // the stage's time for the batch that the event was in
    LatencyHistogram total;    // from the intended time of the event to the end of the stage
};

class Engine {
  public:
    static constexpr std::size_t kMostProducers = 16, kMostOutlets = 16, kMostRiskStages = 5;

    // Throws std::invalid_argument, saying what is wrong, and std::bad_alloc.
    // The Greeks of the positions are the first risk stage; `further` ones run after it and outlive the
    // engine.
    Engine(Universe universe, const Settings& settings, const Tolerance& tolerance = kStandard,
           std::span<const RiskStage> further = {});
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    // Any time. They last as long as the engine; throw std::length_error when there are too many.
    Producer& add_producer();
    std::shared_ptr<Outlet> add_outlet(std::size_t capacity, Wanted wanted);

    // Without a thread: runs the stages on the caller's until the rings are empty; the number of events
    // taken.
    std::size_t pump() noexcept;
    // A thread that runs the stages; `processor`: to which it is pinned, counted among those usable.
    void start(Executor executor, std::size_t processor = 0);
    // Ends the thread once the rings are empty, or at once.
    void stop(bool drain) noexcept;
    bool is_running() const noexcept { return running_.load(std::memory_order_acquire); }
    // Calls f(state) between two batches, on the engine's thread, and returns when that is done.
    void between_batches(void (*f)(void*), void* state);
    // Exact solves of all American contracts now, on the caller's thread; true when something was solved.
    bool refresh();

    // A sender was held up by the operating system until then: what it brought late is no fault of a stage.
    void sender_stalled(std::uint64_t until_ns) noexcept {
        sender_stall_end_ns_.store(until_ns, std::memory_order_relaxed);
    }

    // Any thread, any time.
    Account account() const noexcept;
    BookTotals book() const noexcept { return book_.read(); }
    const LatencyHistogram& queue_wait() const noexcept { return queue_wait_; }
    const StageLatency& latency(std::size_t stage) const noexcept { return latencies_[stage]; }
    const Universe& universe() const noexcept { return universe_; }
    const Settings& settings() const noexcept { return settings_; }

    // Only between batches.
    MarketStage& market() noexcept { return market_; }
    PricingStage& pricing() noexcept { return pricing_; }
    PositionGreeks& positions() noexcept { return positions_; }
    RiskBatch everything() noexcept;
    void clear_histograms() noexcept;
    void publish_book() noexcept { book_.publish(positions_.totals()); }

  private:
    friend class Producer;
    struct Slot {  // of a key while a batch is drained with conflation
        std::uint64_t batch = 0;
        std::uint32_t item = 0;
    };
    struct Moment {
        std::uint64_t begin, market, pricing, risk;
    };

    void check() const;
    std::size_t turn() noexcept;  // one batch
    std::size_t drain(std::uint64_t now) noexcept;
    void fit_forwards(std::uint64_t begin) noexcept;
    std::size_t drain_ring(Ring<Event>& ring, std::size_t most, std::uint64_t now) noexcept;
    void take(const Event& event, std::uint64_t now, HistogramRun& waits) noexcept;
    void drop(const Event& event, Drop why) noexcept;
    void tell_lost(std::uint32_t key, std::uint32_t ticket) noexcept;
    bool may_conflate(const Event& event) const noexcept;
    bool is_shed(const Event& event) const noexcept;
    void choose_mode(std::size_t waiting) noexcept;
    void price(std::uint64_t now) noexcept;
    void run_risk(std::uint64_t now) noexcept;
    void hand_over(std::uint64_t now) noexcept;
    // While conflating the whole backlog is drained: the keys bound the work.
    std::size_t rows_at_a_time() const noexcept {
        return mode_ == Mode::normal ? settings_.rows : ~std::size_t{0};
    }
    void finish(const Moment& moment) noexcept;
    void judge(Result& result, std::size_t stage, std::uint64_t end) noexcept;
    void publish() noexcept;
    void publish_tally() noexcept;
    void publish_refreshed(Outlet& outlet) noexcept;
    std::size_t discard_all() noexcept;

    void run() noexcept;
    void rest() noexcept;
    bool has_work() noexcept;
    bool do_errand() noexcept;
    bool thread_does(void (*f)(void*), void* state);
    void wake_if_parked() noexcept;

    const Universe universe_;
    const Settings settings_;
    // Of the policy `drop` of market data: what has waited longer goes; with another policy nothing does.
    const std::uint64_t drop_after_ns_;
    MarketStage market_;
    Refresher refresher_;
    PricingStage pricing_;
    PositionGreeks positions_;
    RiskStage risks_[kMostRiskStages];
    std::size_t risk_count_ = 0;

    std::mutex growing_;
    std::unique_ptr<Producer> producers_[kMostProducers];
    std::atomic<std::size_t> producer_count_{0};
    std::shared_ptr<Outlet> outlets_[kMostOutlets];
    std::atomic<std::size_t> outlet_count_{0};

    // Of the engine's thread.
    Tally tally_;
    StallMeter stalls_;
    Mode mode_ = Mode::normal;
    bool conflate_until_recovered_ = false;
    std::size_t next_ring_ = 0;
    std::uint64_t batch_ = 0;
    std::vector<Result> items_;
    std::size_t item_count_ = 0;
    std::size_t rows_ = 0;
    bool tickets_ = false;  // somebody waits for a result of the batch
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> moved_;
    std::size_t moved_count_ = 0;
    std::vector<Result> refreshed_;
    bool watched_ = false;

    Published<Tally> published_;
    Published<BookTotals> book_;
    LatencyHistogram queue_wait_;
    StageLatency latencies_[kStages];

    std::thread thread_;
    std::atomic<Executor> executor_{Executor::none};
    std::atomic<bool> running_{false}, stopping_{false}, draining_{false}, halted_{false};
    std::mutex turning_;  // without a thread: one caller at a time
    std::mutex errands_, parking_;
    std::condition_variable parked_wake_;
    alignas(kLineBytes) std::atomic<std::uint32_t> parked_{0};
    std::atomic<std::uint64_t> woken_ns_{0}, sender_stall_end_ns_{0};
    std::atomic<std::uint32_t> errand_state_{0};  // 0 none, 1 asked, 3 under way, 2 done
    void (*errand_)(void*) = nullptr;
    void* errand_of_ = nullptr;
};

}  // namespace atalanta::streaming
