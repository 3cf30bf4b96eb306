// Whether a target may be used: a failure puts it into quarantine at once; from the end of a wait that
// doubles with each further failure, one call at a time may try it again. Entry: TargetHealth.
#pragma once

#include <algorithm>
#include <cstdint>

namespace atalanta::routing {

class TargetHealth {
  public:
    bool usable() const noexcept { return failures_ == 0; }
    bool due(std::uint64_t now_ns) const noexcept { return !usable() && now_ns >= retry_ns_; }
    std::uint32_t failures() const noexcept { return failures_; }
    std::uint64_t failures_ever() const noexcept { return ever_; }
    std::uint64_t retry_ns() const noexcept { return retry_ns_; }

    void fail(std::uint64_t now_ns) noexcept {
        retry_ns_ = now_ns + std::min(kLongestWait, kFirstWait << std::min<std::uint32_t>(failures_, 16));
        ++failures_;
        ++ever_;
    }

    // A try that begins now must not be joined by another until it has ended or the wait has passed again.
    void trying(std::uint64_t now_ns) noexcept { retry_ns_ = now_ns + kLongestWait; }

    // True when the target was in quarantine.
    bool recover() noexcept {
        const bool was_out = failures_ > 0;
        failures_ = 0;
        return was_out;
    }

  private:
    static constexpr std::uint64_t kFirstWait = 50'000'000, kLongestWait = 500'000'000;

    std::uint32_t failures_ = 0;  // in a row
    std::uint64_t ever_ = 0, retry_ns_ = 0;
};

}  // namespace atalanta::routing
