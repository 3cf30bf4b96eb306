// What the pool tells and is told: tags, predictions, figures, live blocks, limits, recordings.
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "memory/pool_access.hpp"

namespace atalanta::memory {

bool Pool::intern(std::string_view name, Tag& tag) {
    const std::lock_guard lock(tags_lock_);
    for (tag = 0; tag < tag_count_; ++tag) {
        if (state_of(tag).name == name) return true;
    }
    if (tag_count_ == kTags) return false;
    auto state = std::make_unique<TagState>();
    state->name = name;
    if (tag != 0) state->predictor = std::make_unique<Predictor>();
    tag_states_[tag].store(state.release(), std::memory_order_release);
    ++tag_count_;
    return true;
}

bool Pool::find(std::string_view name, Tag& tag) const {
    const std::lock_guard lock(tags_lock_);
    for (tag = 0; tag < tag_count_; ++tag) {
        if (state_of(tag).name == name) return true;
    }
    return false;
}

std::vector<std::string> Pool::tag_names() const {
    const std::lock_guard lock(tags_lock_);
    std::vector<std::string> names;
    for (Tag tag = 0; tag < tag_count_; ++tag) names.push_back(state_of(tag).name);
    return names;
}

// Two threads with one tag at the same instant: the second request is not learnt from.
void Pool::notice(std::size_t bytes, Tag tag) noexcept {
    TagState& state = state_of(tag);
    if (state.predicting.test_and_set(std::memory_order_acquire)) return;
    state.predictor->observe(bytes);
    const Prediction next = state.predictor->next();
    state.predicting.clear(std::memory_order_release);
    if (next.bytes > kMediumBytes && next.score >= 0.5 && options_.prefault) [[unlikely]]
        expect(next.bytes);
}

void Pool::expect(std::size_t bytes) noexcept {
    const ThreadCache* cache = own_cache(slot_);
    const std::size_t own = cache == nullptr ? 0 : cache->cached_bytes();
    if (central_.warm_free_bytes() + own < bytes) ask_for(bytes);
}

Predictor Pool::predictor(Tag tag) const {
    const TagState& state = state_of(tag);
    if (!state.predictor) return {};
    while (state.predicting.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    const Predictor copy = *state.predictor;
    state.predicting.clear(std::memory_order_release);
    return copy;
}

Prediction Pool::prediction(Tag tag) const {
    return predictor(tag).next();
}

TagFigures Pool::read(const TagState& state) const {
    TagFigures figures;
    figures.acquires = state.acquires.load(std::memory_order_relaxed);
    figures.misses = state.misses.load(std::memory_order_relaxed);
    figures.requested = state.requested.load(std::memory_order_relaxed);
    figures.taken = state.taken.load(std::memory_order_relaxed);
    figures.live = state.live.load(std::memory_order_relaxed);
    figures.high_water = state.high.load(std::memory_order_relaxed);
    figures.fallbacks = state.fallbacks.load(std::memory_order_relaxed);
    return figures;
}

std::vector<TagFigures> Pool::figures_by_tag() {
    const std::size_t tags = tag_names().size();
    std::vector<TagFigures> figures(tags);
    const std::lock_guard lock(caches_lock_);
    const Claim claim(caches_);
    for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) {
        fold(*cache);
        for (std::uint32_t size_class = 0; size_class < kClasses; ++size_class) {
            const Magazine& magazine = cache->magazines[size_class];
            for (std::uint32_t i = 0; i < magazine.count(); ++i) {
                figures[central_.last_tag(magazine.blocks[i]) % tags].cached += class_bytes(size_class);
            }
        }
    }
    TagFigures& rest = figures[0];  // what no tag asked for
    const std::uint64_t untagged_cached = rest.cached;
    rest = read(total_);
    rest.high_water = 0;
    for (Tag tag = 1; tag < tags; ++tag) {
        const std::uint64_t cached = figures[tag].cached;
        figures[tag] = read(state_of(tag));
        figures[tag].cached = cached;
        rest.acquires -= figures[tag].acquires;
        rest.requested -= figures[tag].requested;
        rest.taken -= figures[tag].taken;
        rest.live -= figures[tag].live;
    }
    rest.cached = untagged_cached;
    rest.misses = state_of(0).misses.load(std::memory_order_relaxed);
    rest.fallbacks = state_of(0).fallbacks.load(std::memory_order_relaxed);
    return figures;
}

PoolFigures Pool::figures() {
    PoolFigures figures;
    for (const TagFigures& tag : figures_by_tag()) {
        figures.total.misses += tag.misses;
        figures.total.cached += tag.cached;
        figures.total.fallbacks += tag.fallbacks;
    }
    const TagFigures total = read(total_);
    figures.total.acquires = total.acquires;
    figures.total.requested = total.requested;
    figures.total.taken = total.taken;
    figures.total.live = total.live;
    figures.total.high_water = total.high_water;
    figures.cached = magazine_bytes() + central_.slab_free_bytes() + central_.warm_free_bytes();
    figures.held = central_.used_run_bytes() + central_.warm_free_bytes();
    figures.high_water_held = std::max(high_held_.load(std::memory_order_relaxed), figures.held);
    figures.cap = cap_bytes();
    figures.limit = limit();
    figures.given_back = given_back_.load(std::memory_order_relaxed);
    figures.prefaulted = prefaulted_.load(std::memory_order_relaxed);
    figures.trims = trims_.load(std::memory_order_relaxed);
    figures.refused = refused_.load(std::memory_order_relaxed);
    figures.faults = fault_count_.load(std::memory_order_relaxed);
    figures.housekeeper = housekeeping_.load(std::memory_order_relaxed);
    const std::lock_guard lock(caches_lock_);
    for (ThreadCache* cache = caches_; cache != nullptr; cache = cache->next) ++figures.threads;
    return figures;
}

std::vector<LiveBlock> Pool::live_blocks() {
    const std::uint32_t now = now_ms();
    std::vector<LiveBlock> blocks;
    central_.visit_live(
        [&](std::byte* block, std::atomic<Mark>& mark, std::size_t bytes, const BlockInfo* info) {
            if (info == nullptr || (mark.load(std::memory_order_relaxed) & kDescribed) == 0) {
                blocks.push_back({block, 0, bytes, bytes, -1});
                return;
            }
            const std::int64_t age = std::int64_t{now} - info->birth_ms.load(std::memory_order_relaxed);
            blocks.push_back({block, info->tag(), info->requested(), bytes, std::max<std::int64_t>(age, 0)});
        });
    return blocks;
}

// Charged bytes count against the limit; what was live when the limit came is charged then.
bool Pool::set_limit(std::size_t bytes) {
    const std::lock_guard limits(limit_lock_);
    if (bytes == 0) {
        limit_.store(0);
        set_mode(0, limited);
        return true;
    }
    const std::size_t before = limit_.exchange(~std::size_t{0});
    set_mode(limited, 0);
    central_.visit_live([&](std::byte*, std::atomic<Mark>& place, std::size_t block_bytes, const BlockInfo*) {
        Mark mark = place.load(std::memory_order_relaxed);
        while (is_live(mark) && (mark & kCharged) == 0) {
            if (!place.compare_exchange_weak(mark, mark | kCharged)) continue;
            charged_.fetch_add(static_cast<std::int64_t>(block_bytes), std::memory_order_relaxed);
            break;
        }
    });
    const bool enough = charged_.load() <= static_cast<std::int64_t>(bytes);
    limit_.store(enough ? bytes : before);
    if (limit() == 0) set_mode(0, limited);
    return enough;
}

bool Pool::charge(std::size_t bytes) noexcept {
    const auto amount = static_cast<std::int64_t>(bytes);
    const std::int64_t after = charged_.fetch_add(amount, std::memory_order_relaxed) + amount;
    const std::size_t most = limit();
    if (most == 0 || static_cast<std::uint64_t>(after) <= most) return true;
    charged_.fetch_sub(amount, std::memory_order_relaxed);
    return false;
}

void Pool::refund(std::size_t bytes) noexcept {
    charged_.fetch_sub(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
    const std::lock_guard lock(watchers_lock_);
    for (const int descriptor : watchers_) {
        const char woken = 1;
        [[maybe_unused]] const ssize_t written = write(descriptor, &woken, 1);  // full: it is woken already
    }
}

void Pool::watch(int descriptor) {
    const std::lock_guard lock(watchers_lock_);
    watchers_.push_back(descriptor);
}

void Pool::unwatch(int descriptor) {
    const std::lock_guard lock(watchers_lock_);
    const auto found = std::find(watchers_.begin(), watchers_.end(), descriptor);
    if (found != watchers_.end()) watchers_.erase(found);
}

void* Pool::refuse(Refusal* refusal, Refusal why) noexcept {
    if (refusal != nullptr) *refusal = why;
    refused_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

void Pool::start_recording() {
    {
        const std::lock_guard lock(recorder_lock_);
        recorded_.clear();
    }
    set_mode(recording, 0);
}

std::vector<TraceEvent> Pool::stop_recording() {
    set_mode(0, recording);
    const std::lock_guard lock(recorder_lock_);
    return std::move(recorded_);
}

void Pool::record(const void* address, std::size_t bytes, Tag tag) noexcept {
    const std::uint32_t now = now_ms();
    const std::lock_guard lock(recorder_lock_);
    try {
        recorded_.push_back({reinterpret_cast<std::uintptr_t>(address), bytes, tag, now});
    } catch (const std::bad_alloc&) {  // the recording ends here; the block is good
        mode_.fetch_and(~std::uint32_t{recording});
    }
}

}  // namespace atalanta::memory
