#include "streaming/measures.hpp"

#include <algorithm>
#include <memory>

#include "base/monotonic.hpp"

namespace atalanta::streaming {
namespace {

void renumber(std::span<Event> events, std::uint32_t& sequence, std::uint64_t now) noexcept {
    for (Event& event : events) {
        event.intended_ns = now;
        if (event.sequence != 0) event.sequence = ++sequence;
    }
}

}  // namespace

double histogram_record_ns(std::span<const std::uint64_t> values, std::size_t rounds) {
    const auto histogram = std::make_unique<LatencyHistogram>();
    const std::uint64_t begin = thread_cpu_ns();
    for (std::size_t round = 0; round < rounds; ++round) {
        for (const std::uint64_t value : values) histogram->record(value);
    }
    const double passed = static_cast<double>(thread_cpu_ns() - begin);
    const double recorded = static_cast<double>(histogram->snapshot().total());
    return passed / recorded;
}

double saturated_ns(Engine& engine, Producer& producer, std::span<Event> events, std::size_t rounds,
                    std::size_t at_a_time) {
    std::uint32_t sequence = 0;
    std::uint64_t sent = 0;
    const std::uint64_t begin = thread_cpu_ns();
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::size_t first = 0; first < events.size(); first += at_a_time) {
            const std::span<Event> some = events.subspan(first, std::min(at_a_time, events.size() - first));
            renumber(some, sequence, monotonic_ns());
            sent += producer.push(some.data(), some.size());
            engine.pump();
        }
    }
    return static_cast<double>(thread_cpu_ns() - begin) /
           static_cast<double>(std::max<std::uint64_t>(sent, 1));
}

double market_stage_ns(const Universe& universe, const Settings& settings, std::span<Event> events,
                       std::size_t rounds) {
    MarketStage market(universe, settings);
    Tally tally;
    std::vector<Result> results(std::max<std::size_t>(settings.batch, 1));
    std::uint32_t sequence = 0;
    const std::uint64_t begin = thread_cpu_ns();
    for (std::size_t round = 0; round < rounds; ++round) {
        renumber(events, sequence, monotonic_ns());
        std::size_t place = 0;
        for (const Event& event : events) {
            std::uint32_t flags = 0;
            if (market.judge(event, tally, flags) != Verdict::go) continue;
            market.apply(event, flags, tally, results[place]);
            place = place + 1 == results.size() ? 0 : place + 1;
        }
    }
    return static_cast<double>(thread_cpu_ns() - begin) /
           static_cast<double>(std::max<std::size_t>(events.size() * rounds, 1));
}

OpenLoop send_at_rate(Producer& producer, std::span<Event> events, double rate, double seconds) {
    OpenLoop loop;
    const auto floor = std::make_unique<LatencyHistogram>();
    const double period = 1e9 / rate;
    const auto count = static_cast<std::uint64_t>(rate * seconds);
    std::uint32_t sequence = 0;
    const std::uint64_t begin = monotonic_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        Event& event = events[i % events.size()];
        const auto intended = begin + static_cast<std::uint64_t>(static_cast<double>(i) * period);
        std::uint64_t now = monotonic_ns();
        while (now < intended) now = monotonic_ns();
        floor->record(now - intended);
        producer.sending(intended, now);
        event.intended_ns = intended;
        if (event.sequence != 0) event.sequence = ++sequence;
        loop.taken += producer.push(&event, 1);
        ++loop.sent;
    }
    loop.seconds = 1e-9 * static_cast<double>(monotonic_ns() - begin);
    loop.floor = floor->snapshot();
    return loop;
}

}  // namespace atalanta::streaming
