// How long parts of the engine take, measured as native code would see it; costs are processor time of this
// thread. Callers: `atalanta bench stream`.
#pragma once

#include <cstdint>
#include <span>

#include "base/latency_histogram.hpp"
#include "streaming/engine.hpp"

namespace atalanta::streaming {

// Nanoseconds of one record of a histogram.
double histogram_record_ns(std::span<const std::uint64_t> values, std::size_t rounds);

// Nanoseconds an event from the push to the account, the events again and again, on this thread; the engine
// has no thread of its own. Sequences go on from round to round where there are any.
double saturated_ns(Engine& engine, Producer& producer, std::span<Event> events, std::size_t rounds,
                    std::size_t at_a_time);

// The same events through the functions of the market-data stage alone.
double market_stage_ns(const Universe& universe, const Settings& settings, std::span<Event> events,
                       std::size_t rounds);

struct OpenLoop {
    HistogramCounts floor;  // how late this thread, which only waits for the next moment, looked at the clock
    std::uint64_t sent = 0, taken = 0;
    double seconds = 0.0;
};

// Sends the events at a fixed rate, each with the moment at which it should have come as its intended time;
// the engine runs on its own thread.
OpenLoop send_at_rate(Producer& producer, std::span<Event> events, double rate, double seconds);

}  // namespace atalanta::streaming
