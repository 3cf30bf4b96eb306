// Which size an operation asks for next: four predictors per tag are scored on every request, and the one
// that was right most often of late speaks. While one size comes again and again, all is counted but only one
// request in some is learnt from: there is nothing new in the others. Main entries: `observe`, `next`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "memory/size_class.hpp"

namespace atalanta::memory {

enum class Method : std::uint32_t { markov2, last, ewma, frequency };
constexpr std::size_t kMethods = 4;
constexpr std::array<const char*, kMethods> kMethodNames = {"markov2", "last", "ewma", "frequency"};

struct Prediction {
    std::size_t bytes = 0;  // of the block; 0: nothing was seen yet
    Method method = Method::last;
    double score = 0.0;  // decayed share of requests that the method's blocks would have served
};

class Predictor {
  public:
    void observe(std::size_t bytes) noexcept {
        if (bytes == last_bytes_ && repeats_ >= kSteady && unlearnt_ < kLearnEvery - 1) {
            ++unlearnt_;
        } else {
            learn_from(bytes);
        }
    }
    Prediction next() const noexcept {
        if (requests_ == 0) return {};
        return {blocks_[best_], static_cast<Method>(best_), scores_[best_]};
    }

    std::uint64_t requests() const { return requests_ + unlearnt_; }
    // Of `next`, whoever spoke. What each says does not change until something is learnt.
    std::uint64_t hits() const { return hits_ + unlearnt_ * serves(blocks_[best_], last_bytes_); }
    std::uint64_t hits_of(Method method) const {
        const auto i = static_cast<std::size_t>(method);
        return method_hits_[i] + unlearnt_ * serves(blocks_[i], last_bytes_);
    }

    // A block serves a request that fits and wastes at most a quarter.
    static bool serves(std::size_t block_bytes, std::size_t bytes) {
        return block_bytes - bytes <= bytes / 4 + 64;  // a block that is too small wraps around
    }

  private:
    // The classes that followed one context; each use weighs more than the one before.
    struct Context {
        static constexpr std::size_t kFollowers = 4;
        std::uint32_t key = 0;
        std::uint32_t best = 0;
        float step = 1.0F;  // weight of the next use
        std::array<std::uint32_t, kFollowers> classes{};
        std::array<float, kFollowers> weights{};
        void saw(std::uint32_t size_class, float growth);
    };
    static constexpr std::uint32_t kSteady = 32, kLearnEvery = 8;
    static constexpr std::size_t kContexts = 128;
    using Table = std::array<Context, kContexts>;

    static Context& place(Table& table, std::uint32_t key);
    static void learn(Context& context, std::uint32_t key, std::uint32_t size_class);
    void learn_from(std::size_t bytes) noexcept;
    void count_unlearnt() noexcept;
    void score(std::size_t bytes) noexcept;
    void count(std::uint32_t size_class) noexcept;
    void predict() noexcept;
    std::uint32_t order2_key() const;

    std::uint64_t requests_ = 0, hits_ = 0;
    std::array<std::uint64_t, kMethods> method_hits_{};
    std::array<float, kMethods> scores_{};
    std::array<std::size_t, kMethods> blocks_{};  // what each says now
    std::size_t best_ = 0;
    std::size_t last_bytes_ = 0;
    std::uint32_t repeats_ = 0, unlearnt_ = 0;  // requests for the last size in a row; those only counted
    std::uint32_t last_ = 0, before_last_ = 0;
    float mean_ = 0.0F, variance_ = 0.0F;
    float frequency_step_ = 1.0F;
    std::uint32_t most_frequent_ = 0;
    std::array<float, kClasses> frequency_{};
    Table order1_{}, order2_{};
};

}  // namespace atalanta::memory
