// Whether a target may be used: a circuit breaker that opens at the first failure, waits twice as long after
// each further one, and lets one call at a time try the target again. Entry: TargetHealth.
#pragma once

#include <cstdint>
#include <memory>

#include "reliability/breaker.hpp"

namespace atalanta::routing {

inline constexpr std::uint64_t kPresent = ~std::uint64_t{0};  // a permit for a call that began just now

class TargetHealth {
  public:
    TargetHealth() : breaker_(std::make_shared<reliability::Breaker>(rules())) {}

    // There is nothing to fall back on: failures are counted, and change nothing.
    void keep_always() noexcept { breaker_->set_mode(reliability::Mode::metrics_only); }

    bool usable() const noexcept { return breaker_->state() == reliability::State::closed; }
    std::uint64_t failures_ever() const noexcept { return ever_; }
    std::uint64_t permit() const noexcept { return breaker_->generation(); }
    const std::shared_ptr<reliability::Breaker>& breaker() const noexcept { return breaker_; }

    // Whether a call may try it now; no other may until that one has ended or is lost.
    bool try_again(std::uint64_t now_ns) noexcept {
        return breaker_->enter(now_ns).permit != reliability::kRefused;
    }

    // For how long this put it out; 0 when it changed nothing.
    std::uint64_t fail(std::uint64_t permit, std::uint64_t now_ns) noexcept {
        ++ever_;
        return breaker_->fail(of(permit), now_ns, 0, 0.0).open_ns;
    }

    // After a success: true when that ended a quarantine. A call that began before the quarantine ends none;
    // one that was made in it, by name, does.
    bool recover(std::uint64_t permit) noexcept {
        using reliability::Change;
        if (of(permit) != breaker_->generation() || breaker_->mode() != reliability::Mode::automatic)
            return false;
        return breaker_->reset().change == Change::closed;
    }

  private:
    static reliability::Rules rules() noexcept {
        reliability::Rules rules;
        rules.consecutive = 1;
        rules.open_ns = 50'000'000;
        rules.max_open_ns = rules.probe_timeout_ns = 500'000'000;
        rules.jitter = 0.0;  // chance is the router's, for one seed must give one run
        return rules;
    }
    std::uint64_t of(std::uint64_t permit) const noexcept {
        return permit == kPresent ? this->permit() : permit;
    }

    std::shared_ptr<reliability::Breaker> breaker_;
    std::uint64_t ever_ = 0;
};

}  // namespace atalanta::routing
