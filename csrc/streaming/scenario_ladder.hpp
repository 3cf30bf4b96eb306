// The scenario ladder of a book, kept up to date on a stream: profit and loss over shocks of spot and
// volatility. A tick of an underlying is a read of the sums of the book's ladders; a contract whose
// volatility has moved is read by itself and corrects them; new ladders are solved by a thread behind. Main
// entries: ScenarioLadder::stage, hold, view.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "streaming/risk_stage.hpp"
#include "streaming/scenario_build.hpp"

namespace atalanta::streaming {

// What there is at one moment. pnl and value are NaN where an underlying has positions and no ladders that
// reach its spot.
struct ScenarioView {
    const double* pnl;    // (underlyings, spots, vols)
    const double* value;  // of each underlying's positions now
    std::uint64_t builds;
    std::int64_t time_ns;    // of the market for which the ladders were asked; 0 before the first
    std::int64_t asked_ns;   // the same of the monotonic clock
    std::size_t positions;   // contracts held
    std::size_t left_out;    // of those: without a volatility or a spot, or expired: in no cell
    std::size_t pending;     // of those: they count as they were at an earlier volatility or spot
    std::uint64_t failures;  // of solves, for want of memory
};

class ScenarioLadder {
  public:
    // Throws std::invalid_argument, saying what is wrong with the terms.
    ScenarioLadder(ScenarioTerms terms, std::size_t underlyings);
    ~ScenarioLadder();
    ScenarioLadder(const ScenarioLadder&) = delete;
    ScenarioLadder& operator=(const ScenarioLadder&) = delete;

    // Its cheaper answer reads the sums alone: volatilities stay what they were.
    RiskStage stage() noexcept { return {this, &ScenarioLadder::run, true}; }

    // Other positions. `between(swap)` must call swap(all) between two batches, with the state of the market.
    // Waits for a solve under way. Throws std::bad_alloc.
    template <class Between>
    void hold(const Universe& universe, const std::vector<double>& quantities, Between&& between) {
        Holding next(std::make_shared<const ScenarioHoldings>(universe, quantities));
        const std::lock_guard lock(solving_);
        between([&](const RiskBatch& all) noexcept { swap(next, all); });
    }

    // Between batches: reads whatever waits, however long that takes; asks for ladders, or says that some are
    // under way.
    void catch_up(const RiskBatch& all) noexcept;
    void ask_now(const RiskBatch& all) noexcept { ask(all); }
    ScenarioView view() const noexcept;
    const ScenarioTerms& terms() const noexcept { return terms_; }

    // Solves what waits, on the caller's thread; whether there was something.
    bool solve_waiting() noexcept;
    // A thread that does so, looking each millisecond.
    void start();
    void stop() noexcept;

  private:
    enum State : std::uint32_t { idle, asked, solving };
    struct Holding {  // what goes with positions, and is freed on the thread that replaces them
        explicit Holding(std::shared_ptr<const ScenarioHoldings> held);
        std::shared_ptr<const ScenarioHoldings> of;
        ScenarioRequest request;
        std::unique_ptr<ScenarioBuild> build;
    };

    static void run(void* state, const RiskBatch& batch) noexcept;
    // What a contract is priced on, by the price of its underlying.
    static double present_scale(const RiskBatch& batch, std::uint32_t contract) noexcept {
        return batch.forwards.scale(batch.universe.group[contract]);
    }
    void swap(Holding& next, const RiskBatch& all) noexcept;
    void take_build(const RiskBatch& batch) noexcept;
    void note(std::uint32_t contract, const RiskBatch& batch) noexcept;
    void note_moved(std::uint32_t underlying, const RiskBatch& batch) noexcept;
    void enqueue(std::uint32_t row) noexcept;
    void read_queue(std::size_t most, const RiskBatch& batch) noexcept;
    void read_row(std::uint32_t row, const RiskBatch& batch) noexcept;
    void touch(std::uint32_t underlying) noexcept;
    void add_up(std::uint32_t underlying, const RiskBatch& batch) noexcept;
    void add_up_touched(const RiskBatch& batch) noexcept;
    double ratio(std::uint32_t underlying, const RiskBatch& batch) const noexcept;
    bool is_due() const noexcept;
    void ask(const RiskBatch& batch) noexcept;
    void run_thread() noexcept;

    const ScenarioTerms terms_;
    const std::size_t underlyings_, still_;

    // Of the engine's thread.
    Holding holding_;
    std::vector<double> pnl_, value_;
    std::vector<double> spots_, shocked_, now_, before_;  // of one contract's reads
    std::vector<std::uint32_t> touched_;
    std::vector<std::uint8_t> is_touched_;
    std::size_t touched_count_ = 0;
    std::int64_t time_ns_ = 0;
    bool far_ = false;  // something has moved further than its ladders should be used for

    std::atomic<std::uint32_t> state_{idle};
    std::atomic<ScenarioBuild*> fresh_{nullptr}, retired_{nullptr};
    std::atomic<std::uint64_t> builds_{0}, failures_{0};
    std::mutex solving_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace atalanta::streaming
