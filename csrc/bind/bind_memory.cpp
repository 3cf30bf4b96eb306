// The buffer pool: the native types, and reports, settings and traces as functions over a pool.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "bind/arguments.hpp"
#include "bind/memory/buffer_type.hpp"
#include "bind/memory/numpy_handler.hpp"
#include "bind/memory/pool_type.hpp"
#include "bind/module.hpp"

namespace atalanta::bind {
namespace {

using memory::Pool;

py::dict tag_dict(const memory::TagFigures& figures) {
    py::dict entry;
    entry["acquires"] = figures.acquires;
    entry["misses"] = figures.misses;
    entry["requested_bytes"] = figures.requested;
    entry["block_bytes"] = figures.taken;
    entry["live_bytes"] = figures.live;
    entry["high_water_bytes"] = figures.high_water;
    entry["cached_bytes"] = figures.cached;
    entry["fallbacks"] = figures.fallbacks;
    return entry;
}

py::dict figures(const py::handle& object) {
    const memory::PoolFigures now = pool_of(object.ptr()).figures();
    py::dict all = tag_dict(now.total);
    all["held_bytes"] = now.held;
    all["cached_bytes"] = now.cached;
    all["high_water_held_bytes"] = now.high_water_held;
    all["cap_bytes"] = now.cap;
    all["limit_bytes"] = now.limit;
    all["given_back_bytes"] = now.given_back;
    all["prefaulted_bytes"] = now.prefaulted;
    all["trims"] = now.trims;
    all["refused"] = now.refused;
    all["faults"] = now.faults;
    all["threads"] = now.threads;
    all["housekeeper"] = now.housekeeper;
    return all;
}

py::dict tag_figures(const py::handle& object) {
    Pool& pool = pool_of(object.ptr());
    const std::vector<std::string> names = pool.tag_names();
    const std::vector<memory::TagFigures> tags = pool.figures_by_tag();
    py::dict all;
    for (memory::Tag tag = 0; tag < tags.size() && tag < names.size(); ++tag) {
        py::dict entry = tag_dict(tags[tag]);
        const memory::Predictor predictor = pool.predictor(tag);
        entry["predictor"] = memory::kMethodNames[static_cast<std::size_t>(predictor.next().method)];
        entry["predicted_bytes"] = predictor.next().bytes;
        entry["score"] = predictor.next().score;
        entry["predicted"] = predictor.requests() > 0 ? predictor.requests() - 1 : 0;
        entry["hits"] = predictor.hits();
        all[py::str(names[tag])] = entry;
    }
    return all;
}

py::list live_blocks(const py::handle& object) {
    Pool& pool = pool_of(object.ptr());
    const std::vector<std::string> names = pool.tag_names();
    py::list all;
    for (const memory::LiveBlock& block : pool.live_blocks()) {
        const py::object age =
            block.age_ms < 0 ? py::object(py::none()) : py::float_(1e-3 * static_cast<double>(block.age_ms));
        all.append(py::make_tuple(names.at(block.tag), block.requested, block.block_bytes, age,
                                  reinterpret_cast<std::uintptr_t>(block.address)));
    }
    return all;
}

py::list take_faults(const py::handle& object) {
    Pool& pool = pool_of(object.ptr());
    const std::vector<std::string> names = pool.tag_names();
    py::list all;
    for (const memory::GuardFault& fault : pool.take_faults()) {
        const bool overrun = fault.kind == memory::GuardFault::overrun;
        all.append(py::make_tuple(overrun ? "overrun" : "written after release", names.at(fault.tag),
                                  fault.requested, reinterpret_cast<std::uintptr_t>(fault.address)));
    }
    return all;
}

std::size_t trim(const py::handle& object) {
    Pool& pool = pool_of(object.ptr());
    const py::gil_scoped_release released;
    return pool.trim();
}

std::size_t relieve(const py::handle& object, std::uint32_t for_ms) {
    Pool& pool = pool_of(object.ptr());
    const py::gil_scoped_release released;
    return pool.relieve(for_ms);
}

bool set_limit(const py::handle& object, std::size_t bytes) {
    Pool& pool = pool_of(object.ptr());
    const py::gil_scoped_release released;
    return pool.set_limit(bytes);
}

// (bytes or None, method, score) of a tag that is known, else None.
py::object prediction(const py::handle& object, const std::string& name) {
    Pool& pool = pool_of(object.ptr());
    memory::Tag tag = 0;
    if (name.empty() || !pool.find(name, tag)) return py::none();
    const memory::Prediction next = pool.prediction(tag);
    return py::make_tuple(next.bytes, memory::kMethodNames[static_cast<std::size_t>(next.method)],
                          next.score);
}

// Block numbers, bytes (0: a release) and tags of a recording.
py::tuple stop_recording(const py::handle& object) {
    Pool& pool = pool_of(object.ptr());
    std::vector<std::uint32_t> tags;
    const std::vector<memory::TraceStep> steps = memory::steps_of(pool.stop_recording(), &tags);
    const auto size = static_cast<py::ssize_t>(steps.size());
    py::array_t<std::uint32_t> blocks(size), tag_column(size);
    py::array_t<std::uint64_t> bytes(size);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        blocks.mutable_data()[i] = steps[i].block;
        bytes.mutable_data()[i] = steps[i].bytes;
        tag_column.mutable_data()[i] = tags[i];
    }
    return py::make_tuple(blocks, bytes, tag_column, pool.tag_names());
}

}  // namespace

void bind_memory(py::module_& module) {
    PyTypeObject* buffer = make_buffer_type();
    PyTypeObject* pool = buffer == nullptr ? nullptr : make_pool_type();
    if (pool == nullptr) throw py::error_already_set();
    module.attr("Buffer") = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(buffer));
    module.attr("Pool") = py::reinterpret_borrow<py::object>(reinterpret_cast<PyObject*>(pool));
    const auto name = py::arg("pool");
    module.def("pool_figures", &figures, name, "Counts and bytes of a pool.");
    module.def("pool_tags", &tag_figures, name, "The same by tag, with what is predicted.");
    module.def("pool_live_blocks", &live_blocks, name,
               "Tag, bytes, block bytes, age, address of live blocks.");
    module.def("pool_faults", &take_faults, name, "What guards found since the last call.");
    module.def(
        "touching_ns", &memory::touching_ns,
        "Nanoseconds that this thread has spent so far on the first touch of results, before kernels.");
    module.def("pool_trim", &trim, name, "Give back all free memory; the bytes.");
    module.def("pool_relieve", &relieve, name, py::arg("for_ms"),
               "Give back all free memory and keep next to none for a while; the bytes.");
    module.def("pool_set_limit", &set_limit, name, py::arg("bytes"), "False: more is live.");
    module.def(
        "pool_set_guard",
        [](const py::handle& object, unsigned every) { pool_of(object.ptr()).set_guard(every); }, name,
        py::arg("every"), "Guard every n-th block; 0: none.");
    module.def(
        "pool_guard", [](const py::handle& object) { return pool_of(object.ptr()).guard(); }, name,
        "One block in how many is guarded.");
    module.def(
        "pool_watch", [](const py::handle& object, int file) { pool_of(object.ptr()).watch(file); }, name,
        py::arg("file"), "Write a byte to the descriptor after releases under a limit.");
    module.def(
        "pool_unwatch", [](const py::handle& object, int file) { pool_of(object.ptr()).unwatch(file); }, name,
        py::arg("file"), "No longer.");
    module.def(
        "pool_owns",
        [](const py::handle& object, std::uintptr_t address) {
            return pool_of(object.ptr()).usable_bytes(reinterpret_cast<const void*>(address)) > 0;
        },
        name, py::arg("address"), "Whether a live block begins at the address.");
    module.def(
        "pool_block_bytes",
        [](const py::handle& object, std::size_t bytes) {
            return pool_of(object.ptr()).block_bytes_for(bytes);
        },
        name, py::arg("bytes"), "The size of the block that serves a request.");
    module.def("pool_prediction", &prediction, name, py::arg("tag"), "Bytes, method, score; None: unknown.");
    module.def(
        "pool_start_recording", [](const py::handle& object) { pool_of(object.ptr()).start_recording(); },
        name, "Record every acquire and release from now on.");
    module.def("pool_stop_recording", &stop_recording, name, "Blocks, bytes, tags, and the tags' names.");
    module.def("numpy_handler", &numpy_handler, name, py::arg("least_bytes"), py::arg("tag"),
               py::arg("fall_back"), "A NEP 49 handler; lives for ever.");
    module.def("set_numpy_handler", &set_numpy_handler, py::arg("handler"),
               "The handler that was in force before.");
}

}  // namespace atalanta::bind
