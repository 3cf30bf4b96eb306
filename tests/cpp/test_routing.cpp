// The router's parts: size bins, the fit, the cost model, the decision table, and what the user may override.
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include "check.hpp"
#include "routing/router.hpp"
#include "routing_simulation.hpp"

using namespace atalanta::routing;

static std::atomic<std::size_t> allocations{0};

[[gnu::noinline]] void* operator new(std::size_t size) {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

TEST(bins_ascend_and_hold_their_sizes) {
    std::size_t before = 0;
    for (std::uint64_t work = 1; work < kLargestWork; work += 1 + work / 97) {
        const std::size_t bin = bin_of(work);
        CHECK(bin >= before && bin < kBins);
        CHECK(bin_start(bin) <= static_cast<double>(work));
        CHECK(bin + 1 == kBins || static_cast<double>(work) < std::ceil(bin_start(bin + 1)));
        before = bin;
    }
    CHECK(bin_of(0) == bin_of(1));
    CHECK(bin_of(~std::uint64_t{0}) == kBins - 1);
}

TEST(a_fit_finds_the_line_it_is_shown) {
    CostFit fit;
    fit.start(100.0, 900.0, 10'000.0, 9'000.0);  // wrong by half and more
    std::mt19937_64 random(3);
    std::uniform_real_distribution<double> doublings(std::log2(100.0), std::log2(10'000.0));
    for (int i = 0; i < 2'000; ++i) {
        const double n = std::exp2(doublings(random));
        fit.observe(n, 500.0 + 2.0 * n);
    }
    CHECK_CLOSE(500.0 + 2.0 * 300.0, fit.line().at(300.0), 0.02 * 1100.0);
    CHECK_CLOSE(500.0 + 2.0 * 9e3, fit.line().at(9e3), 0.02 * 18'500.0);  // two wrong anchors among 200
    CHECK(fit.spread() < 0.05);
}

TEST(a_fit_stays_determined_when_all_samples_have_one_size) {
    CostFit fit;
    fit.start(100.0, 1'000.0, 10'000.0, 10'900.0);
    for (int i = 0; i < 100'000; ++i) fit.observe(5'000.0, 5'900.0);
    CHECK_CLOSE(5'900.0, fit.line().at(5'000.0), 1.0);
    CHECK_CLOSE(1'000.0, fit.line().at(100.0), 60.0);
    CHECK(fit.line().a >= 0.0 && fit.line().b >= 0.0);
}

TEST(spikes_hardly_move_a_fit) {
    CostFit fit;
    fit.start(100.0, 1'000.0, 10'000.0, 10'900.0);
    for (int i = 0; i < 1'000; ++i) fit.observe(5'000.0, i % 50 == 7 ? 59'000.0 : 5'900.0);
    CHECK_CLOSE(5'900.0, fit.line().at(5'000.0), 0.02 * 5'900.0);
    CHECK_CLOSE(0.0, fit.drift(), 0.0);
}

TEST(a_change_of_the_machine_is_followed_within_ten_samples) {
    for (const double factor : {0.5, 2.0, 3.0}) {
        CostFit fit;
        fit.start(100.0, 1'000.0, 10'000.0, 10'900.0);
        for (int i = 0; i < 1'000; ++i) fit.observe(5'000.0, 5'900.0);
        for (int i = 0; i < 10; ++i) fit.observe(5'000.0, factor * 5'900.0);
        CHECK_CLOSE(factor * 5'900.0, fit.line().at(5'000.0), 0.1 * factor * 5'900.0);
        CHECK_CLOSE(std::log(factor), fit.drift(), 0.05);  // less what the fit followed by itself
    }
}

TEST(noise_alone_is_no_change) {
    std::mt19937_64 random(5);
    std::normal_distribution<double> normal;
    CostFit fit;
    fit.start(100.0, 1'000.0, 10'000.0, 10'900.0);
    int changes = 0;
    for (int i = 0; i < 100'000; ++i) {
        const double spike = i % 100 == 0 ? 3.0 : 1.0;
        changes += fit.observe(5'000.0, 5'900.0 * spike * std::exp(0.08 * normal(random)));
    }
    CHECK(changes == 0);
}

TEST(a_load_is_the_median_of_what_is_fresh_and_near) {
    RecentLoad load;
    CHECK_CLOSE(0.0, load.value(3, 0), 0.0);
    load.add(3, 0.75, 10);
    CHECK_CLOSE(0.6, load.value(3, 10), 1e-12);  // less what noise may be
    CHECK_CLOSE(0.6, load.value(5, 10), 1e-12);
    CHECK_CLOSE(0.6, load.value(1, 10), 1e-12);
    CHECK_CLOSE(0.0, load.value(6, 10), 0.0);  // far sizes know nothing of each other
    CHECK_CLOSE(0.0, load.value(0, 10), 0.0);
    load.add(3, 6.0, 11);
    CHECK_CLOSE(0.6, load.value(3, 11), 1e-12);  // of two the lesser: disturbances only add
    for (int i = 0; i < 3; ++i) load.add(4, 0.1, 12);
    CHECK_CLOSE(0.0, load.value(3, 12), 0.0);
    for (int i = 0; i < 3; ++i) load.add(3, -0.75, 13);
    CHECK_CLOSE(-0.6, load.value(3, 13 + 256), 1e-12);
    CHECK_CLOSE(0.0, load.value(3, 14 + 256), 0.0);  // long ago
    load.add(3, 0.75, 400);
    CHECK_CLOSE(0.6, load.value(3, 400), 1e-12);  // what was long ago is not among them
}

TEST(a_load_is_known_at_the_sizes_around_at_once_and_forgotten) {
    CostModel model;
    model.define(OperationClass::vector);
    const CostPoint points[] = {{64, 364.0}, {4'096, 4'396.0}, {65'536, 65'836.0}};
    model.calibrate(points);
    bool around = false;
    for (std::uint64_t i = 0; i < 3; ++i)
        around |= model.observe(1'000.0, 2.0 * 1'300.0, i) == CostModel::Effect::moved_around;
    CHECK(around);
    CHECK(model.predict(6'000.0) > 1.6 * 6'300.0);
    CHECK_CLOSE(6'300.0, model.predict_unloaded(6'000.0), 0.01 * 6'300.0);
    CHECK(model.drift(6'000.0) > 1.6);
    CHECK_CLOSE(150.0 + 500'000.0, model.predict(500'000.0), 0.01 * 500e3);
    model.refresh(1'000);
    CHECK_CLOSE(6'300.0, model.predict(6'000.0), 0.01 * 6'300.0);
    model.calibrate(points);
    CHECK_CLOSE(1'300.0, model.predict(1'000.0), 0.01 * 1'300.0);
}

TEST(calibration_is_interpolated_and_prolonged) {
    CostModel model;
    model.define(OperationClass::vector);
    CHECK(std::isnan(model.predict(100.0)));
    const CostPoint points[] = {{64, 364.0}, {4'096, 4'396.0}, {65'536, 65'836.0}};
    model.calibrate(points);
    for (const double n : {1.0, 10.0, 1e3, 1e5, 1e7})
        CHECK_CLOSE(300.0 + n, model.predict(n), 0.01 * (300 + n));
}

TEST(a_foretold_line_gives_way_to_few_samples) {
    CostFit measured, foretold;
    measured.start(1e3, 1e3, 4e3, 4e3);
    foretold.start(1e3, 1e3, 4e3, 4e3, CostFit::Ends::foretold);
    for (int i = 0; i < 2; ++i) measured.observe(2e3, 1.2e3), foretold.observe(2e3, 1.2e3);
    CHECK(foretold.line().at(2e3) - 1.2e3 < 0.5 * (measured.line().at(2e3) - 1.2e3));
}

TEST(what_is_seen_beyond_calibration_speaks_for_all_larger_sizes) {
    CostModel model;
    model.define(OperationClass::vector);
    const CostPoint points[] = {{64, 364.0}, {4'096, 4'396.0}, {16'384, 16'684.0}};
    model.calibrate(points);
    CHECK(!model.foretold(10'000.0) && model.foretold(200e3) && model.foretold(5e6));
    bool beyond = false;
    for (std::uint64_t i = 0; i < 20; ++i)
        beyond |= model.observe(200e3, 100e3, i) == CostModel::Effect::moved_beyond;
    CHECK(beyond);
    CHECK(!model.foretold(200e3) && model.foretold(5e6));
    CHECK_CLOSE(2.5e6, model.predict(5e6), 0.5e6);
    CHECK_CLOSE(10'300.0, model.predict(10'000.0), 200.0);  // what calibration knows stays
    CHECK_CLOSE(5e6 + 300.0, model.calibrated_ns(5e6), 1e5);
    for (std::uint64_t i = 20; i < 50; ++i) model.observe(200e3, 300e3, i);  // the machine has changed
    model.refresh(1'000);
    CHECK(model.drift(200e3) > 1.2);
    CHECK_CLOSE(model.drift(200e3), model.drift(5e6), 1e-6);
}

TEST(the_longer_a_call_takes_the_more_often_it_is_timed) {
    Router router(1);
    router.add_operation(OperationClass::pricing, 64.0);
    router.add_target(Tier::baseline, Memory::host, 0.0);
    router.allow(0, 0, 1e-15);
    const CostPoint points[] = {{1, 1.0}, {1'000'000, 1e6}};
    router.calibrate(0, 0, points);
    CHECK(router.decide(0, 1'000, 1.0).sampling == 5);
    CHECK(router.decide(0, 50'000, 1.0).sampling == 3);
    CHECK(router.decide(0, 500'000, 1.0).sampling == 0);
}

TEST(nothing_is_free_beyond_what_was_measured) {
    CostModel model;
    model.define(OperationClass::vector);
    const CostPoint points[] = {{64, 60e3}, {16'384, 60e3}};
    model.calibrate(points);
    CHECK_CLOSE(60e3, model.predict(1'000.0), 1.0);
    CHECK(model.predict(1e6) > 0.25 * 60e3 * (1e6 / 16'384));
}

TEST(one_point_is_enough_to_calibrate) {
    CostModel model;
    model.define(OperationClass::vector);
    const CostPoint point[] = {{64, 364.0}};
    model.calibrate(point);
    CHECK_CLOSE(364.0, model.predict(20.0), 1e-9);  // never less than what was measured
    CHECK_CLOSE(364.0 * 1'000, model.predict(64'000.0), 1.0);
}

TEST(a_product_of_matrices_grows_faster_than_its_elements) {
    CostModel model;
    model.define(OperationClass::matrix);
    const CostPoint points[] = {{1'024, 1e3 + 32'768.0}, {16'384, 1e3 + 2'097'152.0}};
    model.calibrate(points);
    CHECK_CLOSE(1e3 + std::pow(262'144.0, 1.5), model.predict(262'144.0), 1e6);
}

TEST(bad_samples_are_dropped) {
    CostModel model;
    model.define(OperationClass::vector);
    CHECK(model.observe(100.0, 5.0) == CostModel::Effect::dropped);  // not calibrated
    const CostPoint points[] = {{64, 364.0}, {4'096, 4'396.0}};
    model.calibrate(points);
    for (const double ns : {0.0, -1.0, 1e-300, std::nan(""), std::numeric_limits<double>::infinity()})
        CHECK(model.observe(100.0, ns) == CostModel::Effect::dropped);
    CHECK(model.observe(std::ldexp(1.0, 64), 5e20) != CostModel::Effect::dropped);
    CHECK(std::isfinite(model.predict(std::ldexp(1.0, 64))));
}

static std::size_t chosen(const Router& router, std::uint64_t work) {
    return router.decide(0, work, 1.0).target;
}

TEST(before_calibration_the_thresholds_of_the_class_decide) {
    for (const auto& [kind, threshold] : {std::pair{OperationClass::matrix, 1'000},
                                          {OperationClass::vector, 10'000},
                                          {OperationClass::search, 5'000},
                                          {OperationClass::inference, 100}}) {
        Router router;
        router.add_operation(kind, 8.0);
        for (const Tier tier : {Tier::baseline, Tier::wide})
            router.allow(0, router.add_target(tier, Memory::host, 0.0), 1e-15);
        const auto limit = static_cast<std::uint64_t>(threshold);
        CHECK(chosen(router, limit / 2) == 0);
        CHECK(chosen(router, 2 * limit) == 1);
        CHECK(chosen(router, limit - limit / 8) == 0);
        CHECK(chosen(router, limit + limit / 4) == 1);
        CHECK(router.decide(0, limit / 2, 1.0).reason == Reason::prior);
    }
}

TEST(what_was_never_measured_comes_after_what_was) {
    Router router;
    router.add_operation(OperationClass::vector, 8.0);
    for (const Tier tier : {Tier::baseline, Tier::accelerator})
        router.allow(0, router.add_target(tier, Memory::host, 0.0), 1e-15);
    CHECK(chosen(router, 1'000'000) == 1);  // the prior
    const CostPoint points[] = {{64, 364.0}, {4'096, 4'396.0}};
    router.calibrate(0, 0, points);
    CHECK(chosen(router, 1'000'000) == 0);
    CHECK(router.decide(0, 1'000'000, 1.0, Memory::host, 2).target == 1);  // unless it is asked for
}

TEST(accuracy_comes_before_speed) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    machine.router.allow(0, 2, 1e-6);
    CHECK(machine.router.decide(0, 10'000'000, 1e-5).target == 2);
    const Choice strict = machine.router.decide(0, 10'000'000, 1e-12);
    CHECK(strict.target == 1 && strict.reason == Reason::accuracy);
    CHECK(machine.router.decide(0, 10'000'000, 1e-18).target == kNowhere);
}

TEST(a_call_may_name_its_devices) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    const Choice among = machine.router.decide(0, 10'000'000, 1.0, Memory::host, 0b011);
    CHECK(among.target == 1 && among.reason == Reason::device);
    CHECK(machine.router.decide(0, 100, 1.0, Memory::host, 0b100).target == 2);
    CHECK(machine.router.decide(0, 100, 1.0, Memory::host, 0b1000).target == kNowhere);
}

TEST(pins_and_thresholds_stand_above_measurement_and_can_be_lifted) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    Router& router = machine.router;
    router.pin(0, 2);
    CHECK(chosen(router, 10) == 2 && router.decide(0, 10, 1.0).reason == Reason::pinned);
    router.pin(0, kNowhere);
    CHECK(chosen(router, 10) == 0);
    router.set_threshold(0, 512);
    CHECK(chosen(router, 400) == 0 && chosen(router, 1'000) != 0);
    CHECK(router.decide(0, 1'000, 1.0).reason == Reason::threshold);
    router.set_threshold(0, 0);
    CHECK(chosen(router, 1'000) == 0);
}

TEST(a_target_that_does_what_the_baseline_does_is_not_preferred) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    const CostPoint quick[] = {{64, 10.0}, {1'000'000, 20.0}};
    machine.router.calibrate(0, 1, quick);
    CHECK(chosen(machine.router, 5'000) == 1);
    machine.router.join(0, 1, 8'192.0);
    CHECK(chosen(machine.router, 5'000) == 0 && chosen(machine.router, 20'000) == 1);
    CHECK(machine.router.decide(0, 5'000, 1.0, Memory::host, 0b010).target == 1);
}

TEST(data_on_a_device_favour_the_device) {
    Router router;
    router.add_operation(OperationClass::vector, 16.0);
    router.allow(0, router.add_target(Tier::baseline, Memory::host, 0.0), 1e-15);
    router.allow(0, router.add_target(Tier::accelerator, Memory::device, 0.1), 1e-15);
    const CostPoint host[] = {{64, 300.0 + 64}, {1 << 20, 300.0 + (1 << 20)}};
    const CostPoint device[] = {{64, 40e3}, {1 << 20, 40e3 + 0.01 * (1 << 20)}};
    router.calibrate(0, 0, host);
    router.calibrate(0, 1, device);
    const std::uint64_t work = 60'000;  // 60 us on the host; 40.6 + 96 us on the device from here
    CHECK(router.decide(0, work, 1.0, Memory::host).target == 0);
    CHECK(router.decide(0, work, 1.0, Memory::device).target == 1);
    CHECK_CLOSE(0.1 * 16.0 * 60'000,
                router.predict(0, 1, work, Memory::host).ns - router.predict(0, 1, work, Memory::device).ns,
                1.0);
}

TEST(a_deadline_prefers_the_sure_to_the_quick) {
    simulation::Machine machine(
        {{Tier::baseline, [](double) { return 100e3; }}, {Tier::wide, [](double) { return 90e3; }}}, 1, 0.0,
        0.0);
    machine.calibrate();
    for (int i = 0; i < 400; ++i) {
        machine.router.observe(0, 0, 1'000, 100e3);
        machine.router.observe(0, 1, 1'000, 90e3 * (i % 2 == 0 ? 0.8 : 1.25));
    }
    CHECK(machine.router.decide(0, 1'000, 1.0).target == 1);
    const Choice sure = machine.router.decide_by(0, 1'000, 1.0, 120e3);
    CHECK(sure.target == 0 && sure.reason == Reason::deadline);
    CHECK(machine.router.decide_by(0, 1'000, 1.0, 500e3).target == 1);
    CHECK(machine.router.decide_by(0, 1'000, 1.0, 1e3).target == 0);  // none keeps it: the least late
}

TEST(counts_of_targets_and_operations_are_limited) {
    Router router;
    for (std::size_t i = 0; i < kMostTargets; ++i)
        CHECK(router.add_target(Tier::wide, Memory::host, 0.0) == i);
    CHECK(router.add_target(Tier::wide, Memory::host, 0.0) == kNowhere);
    for (std::size_t i = 0; i < kMostOperations; ++i)
        CHECK(router.add_operation(OperationClass::vector, 8.0) == i);
    CHECK(router.add_operation(OperationClass::vector, 8.0) == kNowhere);
}

TEST(all_twelve_targets_fit_a_ranking) {
    Router router;
    router.add_operation(OperationClass::vector, 8.0);
    for (std::size_t i = 0; i < kMostTargets; ++i) {
        router.allow(0, router.add_target(i == 0 ? Tier::baseline : Tier::wide, Memory::host, 0.0), 1.0);
        const CostPoint points[] = {{64, 1e5 - 1e3 * static_cast<double>(i)}};
        router.calibrate(0, i, points);
    }
    for (std::size_t i = 0; i < kMostTargets; ++i)  // the quickest of those left
        CHECK(router.decide(0, 64, 1.0, Memory::host, (1u << (i + 1)) - 1).target == i);
}

TEST(deciding_and_learning_allocate_nothing) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    const std::size_t before = allocations.load();
    for (int i = 0; i < 20'000; ++i) machine.call(machine.log_uniform(64, 1 << 22));
    machine.router.fail(1, machine.now_ns);
    machine.router.decide_by(0, 1'000, 1.0, 1e3);
    CHECK(allocations.load() == before);
}

TEST(many_threads_may_decide_learn_fail_and_pin) {
    simulation::Machine machine(simulation::usual_targets(), 1);
    machine.calibrate();
    Router& router = machine.router;
    std::atomic<bool> wrong{false};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&, thread] {
            for (std::uint64_t i = 1; i < 6'000; ++i) {
                const std::uint64_t work = (i * 7919 * i) % (1 << 24) + 1, now = i * 100'000;
                Choice choice = router.decide(0, work, 1.0);
                if (router.sampled(0, choice.sampling)) choice = router.consider(0, work, 1.0, choice, now);
                if (choice.target >= 3) wrong = true;
                router.observe(0, choice.target, work, 1e3 + static_cast<double>(work),
                               choice.reason == Reason::probe);
                if (i % 500 == 0 && thread == 1) router.fail(2, now);
                if (i % 700 == 0 && thread == 2) router.pin(0, i % 1400 == 0 ? kNowhere : 1);
                if (i % 900 == 0 && thread == 3) router.set_threshold(0, i % 1800);
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(!wrong);
}

ATALANTA_TEST_MAIN
