#include "memory/central.hpp"

#include <new>

#include "memory/checking.hpp"
#include "memory/pages.hpp"

namespace atalanta::memory {
namespace {

constexpr std::size_t kSpansInChunk = 64;

RunKind kind_of(std::uint32_t size_class) {
    if (size_class >= kFirstLargeClass) return RunKind::large;
    return size_class >= kFirstMediumClass ? RunKind::medium : RunKind::small;
}

bool is_slab(const Span& span) {
    return span.size_class < kFirstRunClass;
}

void forget_infos(Span& span) {
    if (is_slab(span)) delete[] span.infos.load(std::memory_order_relaxed);
    span.infos.store(nullptr, std::memory_order_relaxed);
}

// Slabs of eight blocks or more up to 8 KiB, of as few as fit beyond: of more pages where their end, too
// short for another block, would be more than a sixteenth.
constexpr std::size_t pages_of_slab(std::size_t block_bytes) {
    std::size_t pages = block_bytes <= 2048 ? 1 : block_bytes <= 4096 ? 2 : block_bytes <= 8192 ? 4 : 1;
    while (pages * kPageBytes % block_bytes * 16 > pages * kPageBytes) ++pages;
    return pages;
}

std::size_t pages_of(std::uint32_t size_class) {
    if (size_class < kFirstRunClass) return pages_of_slab(class_bytes(size_class));
    return (class_bytes(size_class) + kPageBytes - 1) / kPageBytes;
}

}  // namespace

Central::Central(std::size_t reserve_bytes) : arena_(reserve_bytes) {
    if (arena_.base() == nullptr) return;
    spans_bytes_ = arena_.bytes() / kPageBytes * sizeof(*spans_);
    void* table = pages::reserve(spans_bytes_);
    if (table == nullptr) return;
    if (!pages::commit(table, spans_bytes_)) {
        pages::unreserve(table, spans_bytes_);
        return;
    }
    spans_ = static_cast<std::atomic<Span*>*>(table);  // zero pages: every pointer null
}

Central::~Central() {
    if (spans_ == nullptr) return;
    arena_.visit_pages([this](std::size_t page) {
        Span* span = spans_[page].load(std::memory_order_relaxed);
        if (span == nullptr || span->run.first != page) return;
        allow(span->base, span->run.bytes());
        forget_infos(*span);
    });
    pages::unreserve(spans_, spans_bytes_);
}

void Central::note_counts() noexcept {
    warm_free_.store(arena_.warm_free_bytes(), std::memory_order_relaxed);
    used_.store(arena_.used_bytes(), std::memory_order_relaxed);
}

// Never returned to the system: a wrong pointer may still lead here.
Span* Central::span_object() noexcept {
    if (idle_spans_ == nullptr) {
        try {
            span_chunks_.push_back(std::make_unique<Span[]>(kSpansInChunk));
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
        for (std::size_t i = 0; i < kSpansInChunk; ++i) {
            Span& span = span_chunks_.back()[i];
            span.next = idle_spans_;
            idle_spans_ = &span;
        }
    }
    Span* span = idle_spans_;
    idle_spans_ = span->next;
    return span;
}

Span* Central::new_span(std::uint32_t size_class, std::size_t& cold) noexcept {
    const bool slab = size_class < kFirstRunClass;
    const std::size_t bytes = class_bytes(size_class);
    const auto count = slab ? static_cast<std::uint32_t>(pages_of(size_class) * kPageBytes / bytes) : 1u;
    std::unique_ptr<std::uint16_t[]> after(slab ? new (std::nothrow) std::uint16_t[count] : nullptr);
    if (slab && after == nullptr) return nullptr;
    const std::lock_guard lock(arena_lock_);
    Span* span = span_object();
    std::size_t cold_bytes = 0;
    const PageRun run =
        span == nullptr ? PageRun{} : arena_.allocate(pages_of(size_class), kind_of(size_class), cold_bytes);
    if (run.pages == 0) {
        if (span != nullptr) span->next = idle_spans_, idle_spans_ = span;
        return nullptr;
    }
    cold += cold_bytes;
    note_counts();
    span->base = arena_.address_of(run.first);
    span->reciprocal = slab ? (std::uint64_t{1} << 32) / bytes + 1 : 0;
    span->block_bytes = bytes;
    span->size_class = size_class;
    span->count = count;
    span->infos.store(slab ? nullptr : &span->single, std::memory_order_relaxed);
    span->run = run;
    span->out = 0;
    span->fresh = 0;
    span->first_free = kNoBlock;
    span->after = std::move(after);
    span->previous = span->next = nullptr;
    forbid(span->base, run.bytes());
    for (std::size_t page = 0; page < (slab ? run.pages : 1); ++page) {
        spans_[run.first + page].store(span, std::memory_order_release);
    }
    return span;
}

void Central::free_span(Span* span, std::uint32_t now_ms) noexcept {
    const std::lock_guard lock(arena_lock_);
    for (std::size_t page = 0; page < (is_slab(*span) ? span->run.pages : 1); ++page) {
        spans_[span->run.first + page].store(nullptr, std::memory_order_release);
    }
    for (std::uint32_t i = 0; i < span->count; ++i) {
        arena_.mark_at(span->block(i)).store(0, std::memory_order_relaxed);  // of a pattern that is gone
    }
    allow(span->base, span->run.bytes());
    forget_infos(*span);
    span->after.reset();
    arena_.free(span->run, now_ms);
    span->next = idle_spans_;
    idle_spans_ = span;
    note_counts();
}

// Two threads may ask for the first facts of a slab at once: one gives its own back.
BlockInfo* Central::info_of(const std::byte* block) const noexcept {
    Span* span = span_of(block);
    BlockInfo* infos = span->infos.load(std::memory_order_acquire);
    if (infos == nullptr) {
        auto* fresh = new (std::nothrow) BlockInfo[span->count];
        if (fresh == nullptr) return nullptr;
        if (span->infos.compare_exchange_strong(infos, fresh, std::memory_order_acq_rel)) {
            infos = fresh;
        } else {
            delete[] fresh;
        }
    }
    return infos + span->index_of(block);
}

std::size_t Central::take(std::uint32_t size_class, std::byte** blocks, std::size_t wanted,
                          std::size_t& cold) noexcept {
    if (size_class < kFirstRunClass) return take_from_slabs(size_class, blocks, wanted, cold);
    Span* span = new_span(size_class, cold);
    if (span == nullptr) return 0;
    blocks[0] = span->base;
    return 1;
}

void Central::unlink(Depot& depot, Span* span) {
    (span->previous == nullptr ? depot.partial : span->previous->next) = span->next;
    if (span->next != nullptr) span->next->previous = span->previous;
    span->previous = span->next = nullptr;
}

std::size_t Central::take_from_slabs(std::uint32_t size_class, std::byte** blocks, std::size_t wanted,
                                     std::size_t& cold) noexcept {
    Depot& depot = depots_[size_class];
    const std::lock_guard lock(depot.lock);
    std::size_t taken = 0;
    while (taken < wanted) {
        Span* span = depot.partial;
        if (span == nullptr) {
            if (taken > 0) break;  // what there is will do
            span = new_span(size_class, cold);
            if (span == nullptr) break;
            depot.partial = span;
            depot.free_bytes += span->count * span->block_bytes;
        }
        while (taken < wanted && span->out < span->count) {
            std::uint16_t index = span->first_free;
            if (index != kNoBlock) {
                span->first_free = span->after[index];
            } else {
                index = span->fresh++;
            }
            ++span->out;
            depot.free_bytes -= span->block_bytes;
            blocks[taken++] = span->block(index);
        }
        if (span->out == span->count) unlink(depot, span);
    }
    return taken;
}

void Central::give(std::uint32_t size_class, std::byte* const* blocks, std::size_t count,
                   std::uint32_t now_ms) noexcept {
    if (size_class < kFirstRunClass) return give_to_slabs(size_class, blocks, count, now_ms);
    for (std::size_t i = 0; i < count; ++i) free_span(span_of(blocks[i]), now_ms);
}

void Central::give_to_slabs(std::uint32_t size_class, std::byte* const* blocks, std::size_t count,
                            std::uint32_t now_ms) noexcept {
    Depot& depot = depots_[size_class];
    const std::lock_guard lock(depot.lock);
    for (std::size_t i = 0; i < count; ++i) {
        Span* span = span_of(blocks[i]);
        const auto index = static_cast<std::uint16_t>(span->index_of(blocks[i]));
        if (span->out == span->count) {  // was full: becomes one to take from
            span->next = depot.partial;
            if (depot.partial != nullptr) depot.partial->previous = span;
            depot.partial = span;
        }
        span->after[index] = span->first_free;
        span->first_free = index;
        depot.free_bytes += span->block_bytes;
        if (--span->out > 0) continue;
        depot.free_bytes -= span->count * span->block_bytes;
        unlink(depot, span);
        free_span(span, now_ms);
    }
}

std::size_t Central::trim(std::size_t keep, std::uint32_t until_ms, std::uint32_t now_ms,
                          bool whole) noexcept {
    std::unique_lock turn(trim_lock_, std::defer_lock);
    if (!whole) {
        turn.lock();
    } else if (!turn.try_lock()) {
        return 0;  // whoever trims already need not be waited for
    }
    std::size_t given_back = 0;
    std::unique_lock lock(arena_lock_);
    while (arena_.warm_free_bytes() > keep) {
        const PageRun run = arena_.take_cold(until_ms, whole, arena_.warm_free_bytes() - keep);
        if (run.pages == 0) break;
        lock.unlock();  // the system may take its time
        const bool purged = pages::purge(arena_.address_of(run.first), run.bytes());
        lock.lock();
        arena_.put_back(run, purged, now_ms);
        if (!purged) break;
        given_back += run.bytes();
    }
    note_counts();
    return given_back;
}

std::size_t Central::warm_up(std::uint32_t size_class, std::uint32_t now_ms) noexcept {
    std::size_t cold = 0;
    std::unique_lock lock(arena_lock_);
    const PageRun run = arena_.allocate(pages_of(size_class), kind_of(size_class), cold);
    if (run.pages == 0) return 0;
    lock.unlock();
    if (cold > 0) pages::populate(arena_.address_of(run.first), run.bytes());
    lock.lock();
    arena_.free(run, now_ms);
    note_counts();
    return cold;
}

std::size_t Central::slab_free_bytes() noexcept {
    std::size_t bytes = 0;
    for (Depot& depot : depots_) {
        const std::lock_guard lock(depot.lock);
        bytes += depot.free_bytes;
    }
    return bytes;
}

void Central::lock_all() {
    trim_lock_.lock();
    for (Depot& depot : depots_) depot.lock.lock();
    arena_lock_.lock();
}

void Central::unlock_all() {
    arena_lock_.unlock();
    for (Depot& depot : depots_) depot.lock.unlock();
    trim_lock_.unlock();
}

}  // namespace atalanta::memory
