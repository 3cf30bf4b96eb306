#include "memory/predictor.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::memory {
namespace {

// Instead of letting old weights decay, each new one weighs more; all are scaled down before they overflow.
constexpr float kFrequencyGrowth = 1.0F / 0.97F, kContextGrowth = 1.0F / 0.9F, kTooHeavy = 1e30F;
constexpr double kMeanStep = 0.1, kScoreStep = 0.03;

// The context before any request has key 0; classes count from 1 here.
std::uint32_t key_of(std::uint32_t before_last, std::uint32_t last) {
    return (before_last + 1) * (kClasses + 1) + last + 1;
}

std::size_t place_of(std::uint32_t key, std::size_t places) {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 40) % places;
}

}  // namespace

void Predictor::Context::saw(std::uint32_t size_class, float growth) {
    std::size_t at = kFollowers, lightest = 0;
    for (std::size_t i = 0; i < kFollowers; ++i) {
        if (weights[i] > 0.0F && classes[i] == size_class) at = i;
        if (weights[i] < weights[lightest]) lightest = i;
    }
    if (at == kFollowers) {
        at = lightest;
        classes[at] = static_cast<std::uint16_t>(size_class);
        weights[at] = 0.0F;
    }
    weights[at] += step;
    best = static_cast<std::uint32_t>(std::max_element(weights.begin(), weights.end()) - weights.begin());
    step *= growth;
    if (step < kTooHeavy) return;
    for (float& weight : weights) weight /= step;
    step = 1.0F;
}

const Predictor::Context* Predictor::find(const Table& table, std::uint32_t key) {
    const Context& context = table[place_of(key, kContexts)];
    return context.key == key ? &context : nullptr;
}

Predictor::Context& Predictor::make(Table& table, std::uint32_t key) {
    Context& context = table[place_of(key, kContexts)];
    if (context.key != key) {
        context = {};
        context.key = key;
    }
    return context;
}

void Predictor::observe(std::size_t bytes) noexcept {
    if (requests_ > 0) {
        hits_ += serves(next().bytes, bytes);
        for (std::size_t i = 0; i < kMethods; ++i) {
            const bool hit = serves(blocks_[i], bytes);
            method_hits_[i] += hit;
            scores_[i] += kScoreStep * (hit - scores_[i]);
        }
    }
    learn(class_of(bytes), static_cast<double>(bytes));
    ++requests_;
    predict();
}

void Predictor::learn(std::uint32_t size_class, double bytes) noexcept {
    const double off = requests_ == 0 ? 0.0 : bytes - mean_;
    if (requests_ == 0) mean_ = bytes;
    mean_ += kMeanStep * off;
    variance_ = (1.0 - kMeanStep) * (variance_ + kMeanStep * off * off);
    frequency_[size_class] += frequency_step_;
    if (frequency_[size_class] >= frequency_[most_frequent_]) most_frequent_ = size_class;
    frequency_step_ *= kFrequencyGrowth;
    if (frequency_step_ > kTooHeavy) {
        for (float& weight : frequency_) weight /= frequency_step_;
        frequency_step_ = 1.0F;
    }
    if (requests_ >= 1) make(order1_, key_of(0, last_)).saw(size_class, kContextGrowth);
    if (requests_ >= 2) make(order2_, key_of(before_last_, last_)).saw(size_class, kContextGrowth);
    before_last_ = last_;
    last_ = size_class;
}

void Predictor::predict() noexcept {
    const Context* context = requests_ >= 2 ? find(order2_, key_of(before_last_, last_)) : nullptr;
    if (context == nullptr) context = find(order1_, key_of(0, last_));
    const auto block = [&](Method method) -> std::size_t& {
        return blocks_[static_cast<std::size_t>(method)];
    };
    block(Method::last) = class_bytes(last_);
    block(Method::markov2) = class_bytes(context == nullptr ? last_ : context->classes[context->best]);
    block(Method::frequency) = class_bytes(most_frequent_);
    const double wide = mean_ + 2.0 * std::sqrt(variance_);
    block(Method::ewma) = class_bytes(class_of(
        static_cast<std::size_t>(std::clamp(std::ceil(wide), 1.0, static_cast<double>(kLargestRequest)))));
}

Prediction Predictor::next() const noexcept {
    if (requests_ == 0) return {};
    const auto best =
        static_cast<std::size_t>(std::max_element(scores_.begin(), scores_.end()) - scores_.begin());
    return {blocks_[best], static_cast<Method>(best), scores_[best]};
}

}  // namespace atalanta::memory
