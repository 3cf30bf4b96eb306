// A machine that does not exist: targets whose true costs are known, a virtual clock, and seeded noise.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "routing/router.hpp"

namespace simulation {

using namespace atalanta::routing;

struct FakeTarget {
    Tier tier;
    std::function<double(double)> ns;  // the truth, by size
    double factor = 1.0;               // of a machine that has slowed down
    bool failing = false;
};

class Machine {
  public:
    Machine(std::vector<FakeTarget> targets, std::uint64_t seed, double noise = 0.08, double spikes = 0.01)
        : targets_(std::move(targets)), router(seed), random_(seed), noise_(noise), spikes_(spikes) {
        router.add_operation(OperationClass::pricing, 64.0);
        for (const FakeTarget& target : targets_) {
            const std::size_t index = router.add_target(target.tier, Memory::host, 0.0);
            router.allow(0, index, 1e-15);
        }
    }

    // The least of three noisy readings at each of a few sizes, as on a real machine.
    void calibrate(std::vector<std::uint64_t> sizes = {64, 1024, 16'384, 262'144}) {
        for (std::size_t target = 0; target < targets_.size(); ++target) {
            std::vector<CostPoint> points;
            for (const std::uint64_t size : sizes) {
                double least = 1e300;
                for (int i = 0; i < 3; ++i) least = std::min(least, reading(target, size));
                points.push_back({size, least});
            }
            router.calibrate(0, target, points);
        }
    }

    double truth(std::size_t target, double size) const {
        return targets_[target].ns(size) * targets_[target].factor;
    }

    double best(double size) const {
        double least = 1e300;
        for (std::size_t target = 0; target < targets_.size(); ++target)
            least = std::min(least, truth(target, size));
        return least;
    }

    double reading(std::size_t target, std::uint64_t size) {
        double ns = truth(target, static_cast<double>(size)) * std::exp(noise_ * normal_(random_));
        if (uniform_(random_) < spikes_) ns *= 2.0 - std::log(1.0 - uniform_(random_));
        return ns;
    }

    struct Call {
        std::size_t target;
        double true_ns;
        bool timed, probe;
    };

    // One call as a user's: decide, perhaps try, run, tell. A failure is told and run again elsewhere.
    Call call(std::uint64_t size, double tolerance = 1.0) {
        Choice choice = router.decide(0, size, tolerance);
        const bool timed = router.sampled(0, choice.sampling);
        if (timed) choice = router.consider(0, size, tolerance, choice, now_ns);
        while (targets_[choice.target].failing) {
            router.fail(choice.target, now_ns);
            ++failed_calls;
            choice = router.decide(0, size, tolerance);
        }
        const double ns = reading(choice.target, size);
        const bool probe = choice.reason == Reason::probe;
        now_ns += static_cast<std::uint64_t>(ns);
        if (timed) router.observe(0, choice.target, size, ns, probe);
        return {choice.target, truth(choice.target, static_cast<double>(size)), timed, probe};
    }

    std::uint64_t log_uniform(double least, double largest) {
        return static_cast<std::uint64_t>(
            std::exp2(std::log2(least) + uniform_(random_) * std::log2(largest / least)));
    }

    FakeTarget& operator[](std::size_t target) { return targets_[target]; }

  private:
    std::vector<FakeTarget> targets_;

  public:
    Router router;
    std::uint64_t now_ns = 1'000'000'000;
    int failed_calls = 0;

  private:
    std::mt19937_64 random_;
    double noise_, spikes_;
    std::normal_distribution<double> normal_;
    std::uniform_real_distribution<double> uniform_{0.0, 1.0};
};

// One thread, a pool that must be woken, a device that must be launched.
inline std::vector<FakeTarget> usual_targets() {
    return {{Tier::baseline, [](double n) { return 300.0 + 0.9 * n; }},
            {Tier::wide, [](double n) { return 22e3 + 0.5 * n; }},
            {Tier::accelerator, [](double n) { return 60e3 + 0.02 * n; }}};
}

inline std::vector<FakeTarget> thread_and_pool() {
    return {{Tier::baseline, [](double n) { return 2e3 + 5.6 * n; }},
            {Tier::wide, [](double n) { return 45e3 + 2.9 * n; }}};
}

// As the first, with the kinks of real kernels: slower rows beyond the caches and where pages are touched
// first.
inline std::vector<FakeTarget> kinked_targets() {
    const auto beyond = [](double n, double start, double per_row) {
        return n > start ? per_row * (n - start) : 0.0;
    };
    return {
        {Tier::baseline, [=](double n) { return 250 + 4.0 * n + beyond(n, 3e4, 1.2) + beyond(n, 6e5, 3); }},
        {Tier::wide, [=](double n) { return 30e3 + 2.1 * n + beyond(n, 6e4, 0.7) + beyond(n, 1e6, 2); }},
        {Tier::accelerator, [=](double n) { return 180e3 + 1.1 * n + beyond(n, 4e6, 0.4); }}};
}

}  // namespace simulation
