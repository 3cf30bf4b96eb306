// Exact solves of American contracts, made behind the engine: volatilities, vegas and ladders of a group at
// one moment. The engine asks and takes over without ever waiting; a thread of its own solves. Main entry:
// Refresher.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "pricing/ladder/ladders.hpp"
#include "streaming/settings.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

// Of a group, at one spot and moment. Entries are NaN where there is no volatility.
struct ExactSolve {
    std::int64_t time_ns;
    double spot;
    std::vector<double> vol, vega;
    Ladders ladders;
};

class Refresher {
  public:
    Refresher(const Universe& universe, const Tolerance& tolerance);
    ~Refresher();

    // The engine's thread. False while a solve of the group is waiting or under way; `mids` NaN where a
    // contract has no usable quote, `vols` the last ones known. Nothing is allocated.
    bool ask(std::uint32_t group, std::int64_t time_ns, double spot, const double* mids,
             const double* vols) noexcept;
    bool is_free(std::uint32_t group) const noexcept {
        return slots_[group]->state.load(std::memory_order_relaxed) == idle;
    }
    // A solve that the engine has not had yet, or null. It stays valid until the one after it is taken.
    const ExactSolve* take(std::uint32_t group) noexcept;

    // Solves what waits, on the caller's thread; how many that were.
    std::size_t solve_waiting() noexcept;
    bool is_idle() const noexcept;

    // A thread that solves what waits, looking each millisecond.
    void start();
    void stop() noexcept;
    // Grows with each solve that may be taken.
    std::uint64_t solved() const noexcept { return solved_.load(std::memory_order_acquire); }
    std::uint64_t failures() const noexcept { return failures_.load(std::memory_order_relaxed); }

  private:
    enum State : std::uint32_t { idle, asked, solving };
    struct Slot {
        std::atomic<std::uint32_t> state{idle};
        std::uint32_t group = 0;
        std::int64_t time_ns = 0;
        double spot = 0.0;
        std::vector<double> mids, vols;
        const ExactSolve* current = nullptr;  // the engine's
        std::atomic<const ExactSolve*> fresh{nullptr}, retired{nullptr};
    };

    std::unique_ptr<ExactSolve> solve(const Slot& slot) const;
    void run() noexcept;

    const Universe& universe_;
    const Tolerance tolerance_;
    std::vector<std::unique_ptr<Slot>> slots_;  // of each group; null for European ones
    std::mutex solving_;
    std::atomic<std::uint64_t> solved_{0}, failures_{0};
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace atalanta::streaming
