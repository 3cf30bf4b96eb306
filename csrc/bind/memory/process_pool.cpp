#include "bind/memory/process_pool.hpp"

#include <array>
#include <exception>

namespace atalanta::bind {
namespace {

constexpr std::array kTagNames = {"pricing.price",          "pricing.greeks", "pricing.implied_vol",
                                  "pricing.early_exercise", "pricing.ladder", "streaming.results"};

struct Shared {
    memory::Pool* pool = nullptr;
    std::array<memory::Tag, kTagNames.size()> tags{};

    Shared() noexcept {
        try {
            pool = new memory::Pool({});
            for (std::size_t i = 0; i < tags.size(); ++i) pool->intern(kTagNames[i], tags[i]);
        } catch (const std::exception&) {  // results come from NumPy's allocator then
        }
    }
};

const Shared& shared() noexcept {
    static const Shared& one = *new Shared;
    return one;
}

}  // namespace

memory::Pool* process_pool() noexcept {
    return shared().pool;
}

memory::Tag tag_of(Purpose purpose) noexcept {
    return shared().tags[static_cast<std::size_t>(purpose)];
}

}  // namespace atalanta::bind
