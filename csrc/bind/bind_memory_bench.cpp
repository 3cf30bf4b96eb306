// Measures allocators: of a pool, or of any library by the addresses of its functions.
#include <pybind11/numpy.h>

#include "bind/arguments.hpp"
#include "bind/memory/pool_type.hpp"
#include "bind/module.hpp"
#include "memory/predictor.hpp"
#include "memory/trace.hpp"

namespace atalanta::bind {
namespace {

constexpr std::size_t kAlignment = memory::kAlignment;

struct Functions {
    std::uintptr_t acquire, release;
};

// malloc and free; aligned_alloc and free (alignment first); mallocx and dallocx (flags last).
memory::Allocator plain(Functions& functions) {
    return {
        &functions,
        [](void* self, std::size_t bytes) {
            return reinterpret_cast<void* (*)(std::size_t)>(static_cast<Functions*>(self)->acquire)(bytes);
        },
        [](void* self, void* address, std::size_t) {
            reinterpret_cast<void (*)(void*)>(static_cast<Functions*>(self)->release)(address);
        }};
}

memory::Allocator aligned(Functions& functions) {
    return {&functions,
            [](void* self, std::size_t bytes) {
                const std::size_t lines = (bytes + kAlignment - 1) / kAlignment * kAlignment;
                return reinterpret_cast<void* (*)(std::size_t, std::size_t)>(
                    static_cast<Functions*>(self)->acquire)(kAlignment, lines);
            },
            [](void* self, void* address, std::size_t) {
                reinterpret_cast<void (*)(void*)>(static_cast<Functions*>(self)->release)(address);
            }};
}

memory::Allocator flagged(Functions& functions) {
    return {&functions,
            [](void* self, std::size_t bytes) {
                return reinterpret_cast<void* (*)(std::size_t, int)>(static_cast<Functions*>(self)->acquire)(
                    bytes, 0);
            },
            [](void* self, void* address, std::size_t) {
                reinterpret_cast<void (*)(void*, int)>(static_cast<Functions*>(self)->release)(address, 0);
            }};
}

memory::Allocator pooled(memory::Pool& pool) {
    return {&pool,
            [](void* self, std::size_t bytes) { return static_cast<memory::Pool*>(self)->acquire(bytes); },
            [](void* self, void* address, std::size_t bytes) {
                static_cast<memory::Pool*>(self)->release(address, bytes);
            }};
}

// A pool, or (kind, address of the acquiring function, address of the releasing one).
template <class Use>
auto with_allocator(const py::object& what, Use&& use) {
    if (!py::isinstance<py::tuple>(what)) return use(pooled(pool_of(what.ptr())));
    const auto [kind, acquire, release] =
        what.cast<std::tuple<std::string, std::uintptr_t, std::uintptr_t>>();
    Functions functions{acquire, release};
    if (kind == "plain") return use(plain(functions));
    if (kind == "aligned") return use(aligned(functions));
    if (kind == "flagged") return use(flagged(functions));
    throw py::value_error("kind is plain, aligned or flagged");
}

double pair_ns(const py::object& allocator, std::size_t bytes, std::size_t held, std::size_t pairs,
               std::size_t rounds) {
    return with_allocator(allocator, [&](const memory::Allocator& functions) {
        const py::gil_scoped_release released;
        return memory::pair_ns(functions, bytes, held, pairs, rounds);
    });
}

py::object replay(const py::object& allocator, const py::array_t<std::uint32_t>& blocks,
                  const py::array_t<std::uint64_t>& bytes, std::size_t sample_every) {
    if (blocks.size() != bytes.size() || sample_every == 0)
        throw py::value_error("columns of different lengths");
    std::vector<memory::TraceStep> steps(static_cast<std::size_t>(blocks.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) steps[i] = {blocks.data()[i], bytes.data()[i]};
    memory::ReplayFigures figures;
    const bool done = with_allocator(allocator, [&](const memory::Allocator& functions) {
        const py::gil_scoped_release released;
        return memory::replay(steps, functions, sample_every, figures);
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
