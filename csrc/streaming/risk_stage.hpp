// The third stage is anything that wants to know what changed: a function and its state. It runs on the
// engine's thread, after the prices of a batch are there, and must neither throw, block nor allocate.
#pragma once

#include <span>

#include "streaming/pricing_stage.hpp"
#include "streaming/universe.hpp"

namespace atalanta::streaming {

struct RiskBatch {
    const Universe& universe;
    ContractColumns contracts;  // of all; what `changed` does not name is as it was
    const double* spots;        // of all underlyings
    std::span<const Range> changed;
    std::span<const std::uint32_t> moved;  // underlyings that have ticked
    std::int64_t time_ns;                  // of the last event of the batch
    const Forwards& forwards;              // what expiries are priced on now
    bool cheaply;                          // it is late: a cheaper answer, if the stage has one
};

struct RiskStage {
    void* state = nullptr;
    void (*run)(void* state, const RiskBatch& batch) noexcept = nullptr;
    bool has_cheaper = false;  // what the policy `degrade` needs
};

}  // namespace atalanta::streaming
