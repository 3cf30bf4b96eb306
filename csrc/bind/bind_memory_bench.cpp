// Measures allocators: of a pool, or of any library by the addresses of its functions.
#include <pybind11/numpy.h>

#include "bind/arguments.hpp"
#include "bind/memory/pool_type.hpp"
#include "bind/module.hpp"
#include "memory/pairs.hpp"
#include "memory/predictor.hpp"
#include "memory/trace.hpp"

namespace atalanta::bind {
namespace {

constexpr std::size_t kAlignment = memory::kAlignment;

struct Functions {
    std::uintptr_t acquire, release;

    template <class... Arguments>
    void* take(Arguments... arguments) const {
        return reinterpret_cast<void* (*)(Arguments...)>(acquire)(arguments...);
    }
    template <class... Arguments>
    void give(Arguments... arguments) const {
        reinterpret_cast<void (*)(Arguments...)>(release)(arguments...);
    }
};

// Each as C++ calls it: the pool directly, what was loaded through a pointer, as the linker's table has one.
// malloc and free; aligned_alloc and free (alignment first); mallocx and dallocx (flags last).
struct Plain : Functions {
    void* acquire_block(std::size_t bytes) const { return take(bytes); }
    void release_block(void* address, std::size_t) const { give(address); }
};
struct Aligned : Functions {
    void* acquire_block(std::size_t bytes) const {
        return take(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
    }
    void release_block(void* address, std::size_t) const { give(address); }
};
struct Flagged : Functions {
    void* acquire_block(std::size_t bytes) const { return take(bytes, 0); }
    void release_block(void* address, std::size_t) const { give(address, 0); }
};
struct Pooled {
    memory::Pool& pool;

    void* acquire_block(std::size_t bytes) const { return pool.acquire(bytes); }
    void release_block(void* address, std::size_t bytes) const { pool.release(address, bytes); }
};

template <class Caller>
memory::Allocator erased(Caller& caller) {
    return {&caller,
            [](void* self, std::size_t bytes) { return static_cast<Caller*>(self)->acquire_block(bytes); },
            [](void* self, void* address, std::size_t bytes) {
                static_cast<Caller*>(self)->release_block(address, bytes);
            }};
}

// A pool, or (kind, address of the acquiring function, address of the releasing one).
template <class Use>
auto with_allocator(const py::object& what, Use&& use) {
    if (!py::isinstance<py::tuple>(what)) return use(Pooled{pool_of(what.ptr())});
    const auto [kind, acquire, release] =
        what.cast<std::tuple<std::string, std::uintptr_t, std::uintptr_t>>();
    const Functions functions{acquire, release};
    if (kind == "plain") return use(Plain{functions});
    if (kind == "aligned") return use(Aligned{functions});
    if (kind == "flagged") return use(Flagged{functions});
    throw py::value_error("kind is plain, aligned or flagged");
}

double pair_ns(const py::object& allocator, std::size_t bytes, std::size_t held, std::size_t pairs,
               std::size_t rounds) {
    return with_allocator(allocator, [&](const auto& caller) {
        const py::gil_scoped_release released;
        return memory::pair_ns(caller, bytes, held, pairs, rounds);
    });
}

py::object replay(const py::object& allocator, const py::array_t<std::uint32_t>& blocks,
                  const py::array_t<std::uint64_t>& bytes, std::size_t sample_every) {
    if (blocks.size() != bytes.size() || sample_every == 0)
        throw py::value_error("columns of different lengths");
    std::vector<memory::TraceStep> steps(static_cast<std::size_t>(blocks.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = {blocks.data()[i], bytes.data()[i]};
    memory::ReplayFigures figures;
    const bool done = with_allocator(allocator, [&](auto caller) {
        const py::gil_scoped_release released;
        return memory::replay(steps, erased(caller), sample_every, figures);
    });
    if (!done) return py::none();
    py::dict all;
    all["seconds"] = figures.seconds;
    all["live_over_resident"] = figures.live_over_resident;
    all["peak_live_bytes"] = figures.peak_live;
    all["peak_resident_bytes"] = figures.peak_resident;
    all["resident_at_end_bytes"] = figures.resident_at_end;
    all["resident_when_idle_bytes"] = figures.resident_when_idle;
    all["operations"] = figures.operations;
    return all;
}

// Shares of requests that each method's block would have served, and that of the tournament.
py::dict hit_rates(const py::array_t<std::uint64_t>& sizes) {
    memory::Predictor predictor;
    for (py::ssize_t i = 0; i < sizes.size(); ++i) predictor.observe(sizes.data()[i]);
    const double asked = predictor.requests() > 1 ? static_cast<double>(predictor.requests() - 1) : 1.0;
    py::dict rates;
    for (std::size_t i = 0; i < memory::kMethods; ++i) {
        rates[memory::kMethodNames[i]] =
            static_cast<double>(predictor.hits_of(static_cast<memory::Method>(i))) / asked;
    }
    rates["tournament"] = static_cast<double>(predictor.hits()) / asked;
    return rates;
}

}  // namespace

void bind_memory_bench(py::module_& module) {
    module.def("allocator_pair_ns", &pair_ns, py::arg("allocator"), py::arg("bytes"), py::arg("held"),
               py::arg("pairs"), py::arg("rounds"), "Nanoseconds of an acquire and a release.");
    module.def("allocator_replay", &replay, py::arg("allocator"), py::arg("blocks"), py::arg("bytes"),
               py::arg("sample_every"), "Carry a trace out and watch the memory; None: out of memory.");
    module.def("predictor_hit_rates", &hit_rates, py::arg("sizes"), "Hit rates over a sequence of sizes.");
    module.def("resident_bytes", &memory::pages::resident_bytes, "Memory of this process now; 0: unknown.");
}

}  // namespace atalanta::bind
