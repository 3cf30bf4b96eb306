#include "memory/predictor.hpp"

#include <algorithm>
#include <cmath>

namespace atalanta::memory {
namespace {

// Instead of letting old weights decay, each new one weighs more; all are scaled down before they overflow.
constexpr float kFrequencyGrowth = 1.0F / 0.97F, kContextGrowth = 1.0F / 0.9F, kTooHeavy = 1e30F;
constexpr float kMeanStep = 0.1F, kScoreStep = 0.03F;
constexpr float kHardlyEver = 1e-9F;  // and not 0: numbers that decay towards it become slow to compute with

// Never 0, which marks a place that is not in use.
std::uint32_t key_of(std::uint32_t before_last, std::uint32_t last) {
    return (before_last + 1) * (kClasses + 1) + last + 1;
}

std::size_t place_of(std::uint32_t key, std::size_t places) {
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ULL) >> 40) % places;
}

}  // namespace

void Predictor::Context::saw(std::uint32_t size_class, float growth) {
    std::size_t at = best;
    if (classes[at] != size_class) {
        std::size_t lightest = 0;
        for (at = 0; at < kFollowers && (classes[at] != size_class || weights[at] == 0.0F); ++at) {
            if (weights[at] < weights[lightest]) lightest = at;
        }
        if (at == kFollowers) {
            at = lightest;
            classes[at] = size_class;
            weights[at] = 0.0F;
        }
    }
    weights[at] += step;
    if (weights[at] > weights[best]) best = static_cast<std::uint32_t>(at);
    step *= growth;
    if (step < kTooHeavy) return;
    for (float& weight : weights) weight /= step;
    step = 1.0F;
}

// Another context that had the place is forgotten.
Predictor::Context& Predictor::place(Table& table, std::uint32_t key) {
    return table[place_of(key, kContexts)];
}

void Predictor::learn(Context& context, std::uint32_t key, std::uint32_t size_class) {
    if (context.key != key) {
        context = {};
        context.key = key;
    }
    context.saw(size_class, kContextGrowth);
}

void Predictor::count_unlearnt() noexcept {
    for (std::size_t i = 0; i < kMethods; ++i) method_hits_[i] = hits_of(static_cast<Method>(i));
    hits_ = hits();
    requests_ = requests();
    unlearnt_ = 0;
}

void Predictor::learn_from(std::size_t bytes) noexcept {
    count_unlearnt();
    repeats_ = bytes == last_bytes_ ? repeats_ + (repeats_ < kSteady) : 0;
    last_bytes_ = bytes;
    if (requests_ > 0) score(bytes);
    const std::uint32_t size_class = class_of(bytes);
    const auto size = static_cast<float>(bytes);
    const float off = requests_ == 0 ? 0.0F : size - mean_;
    if (requests_ == 0) mean_ = size;
    mean_ += kMeanStep * off;
    variance_ = (1.0F - kMeanStep) * (variance_ + kMeanStep * off * off);
    count(size_class);
    if (requests_ > 0) learn(place(order1_, key_of(0, last_)), key_of(0, last_), size_class);
    if (requests_ > 1) learn(place(order2_, order2_key()), order2_key(), size_class);
    before_last_ = last_;
    last_ = size_class;
    ++requests_;
    predict();
}

std::uint32_t Predictor::order2_key() const {
    return key_of(before_last_, last_);
}

void Predictor::score(std::size_t bytes) noexcept {
    hits_ += serves(blocks_[best_], bytes);
    for (std::size_t i = 0; i < kMethods; ++i) {
        const bool hit = serves(blocks_[i], bytes);
        method_hits_[i] += hit;
        scores_[i] += kScoreStep * ((hit ? 1.0F : kHardlyEver) - scores_[i]);
        if (scores_[i] > scores_[best_]) best_ = i;
    }
}

void Predictor::count(std::uint32_t size_class) noexcept {
    frequency_[size_class] += frequency_step_;
    if (frequency_[size_class] > frequency_[most_frequent_]) most_frequent_ = size_class;
    frequency_step_ *= kFrequencyGrowth;
    if (frequency_step_ < kTooHeavy) return;
    for (float& weight : frequency_) weight /= frequency_step_;
    frequency_step_ = 1.0F;
}

void Predictor::predict() noexcept {
    std::uint32_t next = last_;
    if (const Context& two = place(order2_, order2_key()); requests_ > 1 && two.key == order2_key()) {
        next = two.classes[two.best];
    } else if (const Context& one = place(order1_, key_of(0, last_)); one.key == key_of(0, last_)) {
        next = one.classes[one.best];
    }
    const float wide = mean_ + 2.0F * std::sqrt(variance_);
    const auto wide_bytes = static_cast<std::size_t>(wide) + 1;
    blocks_[static_cast<std::size_t>(Method::markov2)] = kClassTable.bytes[next];
    blocks_[static_cast<std::size_t>(Method::last)] = kClassTable.bytes[last_];
    blocks_[static_cast<std::size_t>(Method::ewma)] = kClassTable.bytes[class_of(
        variance_ > 0.0F ? std::min(wide_bytes, kLargestRequest) : kClassTable.bytes[last_])];
    blocks_[static_cast<std::size_t>(Method::frequency)] = kClassTable.bytes[most_frequent_];
}

}  // namespace atalanta::memory
