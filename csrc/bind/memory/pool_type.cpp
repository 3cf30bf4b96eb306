#include "bind/memory/pool_type.hpp"

#include <pybind11/numpy.h>

#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

#include "bind/memory/buffer_type.hpp"
#include "bind/memory/process_pool.hpp"
#include "bind/vectorcall.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kAcquire = "buffers.acquire";
constexpr std::size_t kMostDimensions = 64;

PyTypeObject* g_pool_type = nullptr;

// Not kept in a static of our own: looking it up may give up the GIL, whose next owner would wait for that.
const py::detail::npy_api& numpy_api() {
    return py::detail::npy_api::get();
}

struct Extents {
    std::array<Py_intptr_t, kMostDimensions> of;
    int count = 0;
    std::size_t elements = 1;  // of all, or where they overflow a size
    bool overflow = false;
};

void add_extent(Extents& extents, PyObject* value, PyObject* shape) {
    const Py_ssize_t extent = PyNumber_AsSsize_t(value, PyExc_OverflowError);
    if (extent == -1 && PyErr_Occurred()) {
        const bool too_large = PyErr_ExceptionMatches(PyExc_OverflowError) != 0;
        PyErr_Clear();
        if (!too_large) {
            raise_input_error(kAcquire,
                              "shape " + repr_of(shape) + " is neither a whole number nor several of them");
        }
        extents.overflow = true;
    }
    if (extent < 1 && !extents.overflow) {
        raise_input_error(kAcquire, "shape " + repr_of(shape) + " has an extent of " +
                                        std::to_string(extent) + "; ask for at least one element");
    }
    const auto factor = static_cast<std::size_t>(extent);
    extents.overflow =
        extents.overflow || __builtin_mul_overflow(extents.elements, factor, &extents.elements);
    extents.of[static_cast<std::size_t>(extents.count++)] = extent;
}

Extents read_extents(PyObject* shape) {
    Extents extents;
    if (PyIndex_Check(shape)) {
        add_extent(extents, shape, shape);
        return extents;
    }
    const auto items =
        py::reinterpret_steal<py::object>(PySequence_Check(shape) ? PySequence_Tuple(shape) : nullptr);
    if (!items || PyUnicode_Check(shape)) {
        PyErr_Clear();
        raise_input_error(kAcquire,
                          "shape " + repr_of(shape) + " is neither a whole number nor several of them");
    }
    const Py_ssize_t count = PyTuple_GET_SIZE(items.ptr());
    if (count == 0 || count > static_cast<Py_ssize_t>(kMostDimensions)) {
        raise_input_error(kAcquire, "shape " + repr_of(shape) + " has " + std::to_string(count) +
                                        " dimensions; give 1 to " + std::to_string(kMostDimensions));
    }
    for (Py_ssize_t i = 0; i < count; ++i) add_extent(extents, PyTuple_GET_ITEM(items.ptr(), i), shape);
    return extents;
}

// The scalar types that are asked for most, found by identity; the rest is NumPy's to judge.
py::dtype read_dtype(PyObject* value) {
    const auto& api = numpy_api();
    if (value == nullptr)
        return py::reinterpret_steal<py::dtype>(api.PyArray_DescrFromType_(api.NPY_DOUBLE_));
    if (api.PyArrayDescr_Check_(value)) return py::reinterpret_borrow<py::dtype>(value);
    struct Known {
        PyObject* type;
        int number;
    };
    static const std::array<Known, 6> known = [] {
        std::array<Known, 6> types{};
        const int numbers[] = {py::detail::npy_api::NPY_DOUBLE_, py::detail::npy_api::NPY_FLOAT_,
                               py::detail::npy_api::NPY_INT64_,  py::detail::npy_api::NPY_INT32_,
                               py::detail::npy_api::NPY_INT8_,   py::detail::npy_api::NPY_BOOL_};
        for (std::size_t i = 0; i < types.size(); ++i) {
            types[i] = {numpy_api().PyArray_TypeObjectFromType_(numbers[i]), numbers[i]};
        }
        return types;
    }();
    for (const Known& one : known) {
        if (one.type == value)
            return py::reinterpret_steal<py::dtype>(api.PyArray_DescrFromType_(one.number));
    }
    PyObject* descriptor = nullptr;
    if (api.PyArray_DescrConverter_(value, &descriptor) == 0) {
        PyErr_Clear();
        raise_input_error(kAcquire, "dtype " + repr_of(value) + " is none that NumPy knows");
    }
    return py::reinterpret_steal<py::dtype>(descriptor);
}

std::size_t bytes_of(const Extents& extents, const py::dtype& dtype, PyObject* shape) {
    if (dtype.itemsize() == 0 || dtype.kind() == 'O' ||
        (dtype.kind() == 'V' && dtype.attr("hasobject").cast<bool>())) {
        raise_input_error(kAcquire, "dtype " + repr_of(dtype.ptr()) +
                                        " has no fixed size or holds Python objects; ask for numbers");
    }
    std::size_t bytes = 0;
    const bool overflow =
        extents.overflow ||
        __builtin_mul_overflow(extents.elements, static_cast<std::size_t>(dtype.itemsize()), &bytes);
    if (overflow || bytes > memory::kLargestRequest) {
        raise_input_error(kAcquire, "shape " + repr_of(shape) + " of " + repr_of(dtype.ptr()) +
                                        " is more than the " + std::to_string(memory::kLargestRequest >> 40) +
                                        " TiB that one buffer can have");
    }
    return bytes;
}

void* take(PoolObject* self, std::size_t bytes, PyObject* tag_name, const char* origin) {
    const memory::Tag tag = tag_name == nullptr || tag_name == Py_None ? 0 : tag_number(self, tag_name);
    memory::Refusal refusal = memory::Refusal::none;
    void* data = self->pool->acquire(bytes, tag, &refusal);
    if (data == nullptr) raise_refusal(origin, *self->pool, refusal, bytes);
    return data;
}

py::object acquire(PoolObject* self, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    static const auto names = interned({"shape", "dtype", "tag"});
    std::array<PyObject*, 3> values{};
    sort_arguments({kAcquire, names, 3, 2}, given, positional, keywords, values);
    const Extents extents = read_extents(values[0]);
    py::dtype dtype = read_dtype(values[1]);
    const std::size_t bytes = bytes_of(extents, dtype, values[0]);
    void* data = take(self, bytes, values[2], kAcquire);
    return array_in_pool(self, *self->pool, data, bytes, std::move(dtype),
                         static_cast<std::size_t>(extents.count), extents.of.data());
}

py::object buffer(PoolObject* self, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    constexpr const char* kOrigin = "buffers.buffer";
    static const auto names = interned({"nbytes", "tag"});
    std::array<PyObject*, 2> values{};
    sort_arguments({kOrigin, names, 2, 1}, given, positional, keywords, values);
    const Py_ssize_t bytes = PyNumber_AsSsize_t(values[0], nullptr);  // clipped
    if (bytes == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (bytes < 1) {
        raise_input_error(kOrigin, "nbytes " + repr_of(values[0]) + " is below 1; ask for at least one byte");
    }
    const auto size = static_cast<std::size_t>(bytes);
    void* data = take(self, size, values[1], kOrigin);
    auto made = py::reinterpret_steal<py::object>(new_buffer(self, *self->pool, data, size, false));
    if (!made) throw py::error_already_set();
    return made;
}

using Method = py::object (*)(PoolObject*, PyObject* const*, Py_ssize_t, PyObject*);

template <Method method>
PyObject* bordered(PyObject* self, PyObject* const* given, Py_ssize_t positional, PyObject* keywords) {
    try {
        return method(reinterpret_cast<PoolObject*>(self), given, positional, keywords).release().ptr();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

template <Method method>
PyMethodDef method_definition(const char* name, const char* documentation) {
    return {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&bordered<method>)),
            METH_FASTCALL | METH_KEYWORDS, documentation};
}

PyMethodDef g_methods[] = {
    method_definition<&acquire>("acquire", "An uninitialised array in the pool's memory."),
    method_definition<&buffer>("buffer", "Uninitialised memory of the pool as a Buffer."),
    {nullptr, nullptr, 0, nullptr}};

PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"limit",       "cache", "reserve",  "idle_ms", "idle_bytes",
                                  "guard_every", "page",  "prefault", "shared",  nullptr};
    Py_ssize_t limit = 0, cache = 0, reserve = 0, idle_bytes = -1, page = 0;
    unsigned int idle_ms = 0, guard_every = 0;
    int prefault = 1, shared = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|nnnInInpp", const_cast<char**>(names), &limit,
                                     &cache, &reserve, &idle_ms, &idle_bytes, &guard_every, &page, &prefault,
                                     &shared)) {
        return nullptr;
    }
    memory::PoolOptions options;
    options.limit_bytes = static_cast<std::size_t>(limit);
    options.cache_bytes = static_cast<std::size_t>(cache);
    options.reserve_bytes = static_cast<std::size_t>(reserve);
    if (idle_ms > 0) options.idle_ms = idle_ms;
    if (idle_bytes >= 0) options.idle_bytes = static_cast<std::size_t>(idle_bytes);
    options.guard_every = guard_every;
    if (page > 0) options.page_bytes = static_cast<std::size_t>(page);
    options.prefault = prefault != 0;
    auto* self = reinterpret_cast<PoolObject*>(type->tp_alloc(type, 0));
    if (self == nullptr) return nullptr;
    self->shared = shared != 0;
    try {
        self->pool = self->shared ? process_pool() : new memory::Pool(options);
        if (self->pool == nullptr) throw std::runtime_error("the process's pool could not be made");
    } catch (const std::exception& error) {
        PyErr_Format(PyExc_MemoryError, "[buffers.BufferPool] %s", error.what());
    }
    self->tags = self->pool == nullptr ? nullptr : PyDict_New();
    if (self->tags != nullptr) return reinterpret_cast<PyObject*>(self);
    Py_DECREF(self);
    return nullptr;
}

void deallocate(PyObject* object) {
    auto* self = reinterpret_cast<PoolObject*>(object);
    memory::Pool* pool = self->shared ? nullptr : self->pool;
    Py_BEGIN_ALLOW_THREADS;  // its housekeeper is waited for
    delete pool;
    Py_END_ALLOW_THREADS;
    Py_CLEAR(self->tags);
    Py_CLEAR(self->last_tag_name);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyType_Slot g_slots[] = {{Py_tp_new, reinterpret_cast<void*>(&make)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_doc, const_cast<char*>("A buffer pool. Use atalanta.BufferPool.")},
                         {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Pool", sizeof(PoolObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                      g_slots};

// Most programs name a tag by the same object again. Without the GIL two threads would get in each other's
// way.
void remember([[maybe_unused]] PoolObject* self, [[maybe_unused]] PyObject* name,
              [[maybe_unused]] memory::Tag tag) {
#ifndef Py_GIL_DISABLED
    Py_INCREF(name);
    Py_XSETREF(self->last_tag_name, name);
    self->last_tag = tag;
#endif
}

std::string grouped(std::size_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
    return text;
}

}  // namespace

PyTypeObject* make_pool_type() {
    g_pool_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_pool_type;
}

memory::Pool& pool_of(PyObject* object) {
    if (!PyObject_TypeCheck(object, g_pool_type)) throw py::type_error("expected a BufferPool");
    return *reinterpret_cast<PoolObject*>(object)->pool;
}

memory::Tag tag_number(PoolObject* self, PyObject* name) {
    if (name == self->last_tag_name) return self->last_tag;
    if (!PyUnicode_Check(name)) raise_input_error(kAcquire, "tag " + repr_of(name) + " is no text");
    PyObject* known = PyDict_GetItemWithError(self->tags, name);
    if (known != nullptr) {
        const auto tag = static_cast<memory::Tag>(PyLong_AsUnsignedLong(known));
        remember(self, name, tag);
        return tag;
    }
    if (PyErr_Occurred()) throw py::error_already_set();
    memory::Tag tag = 0;
    if (!self->pool->intern(text_of(name), tag)) {
        raise_input_error(kAcquire, "tag " + repr_of(name) + " is one too many: a pool keeps " +
                                        std::to_string(memory::kTags - 1) + "; use few names for operations");
    }
    const auto number = py::reinterpret_steal<py::object>(PyLong_FromUnsignedLong(tag));
    if (!number || PyDict_SetItem(self->tags, name, number.ptr()) != 0) throw py::error_already_set();
    return tag;
}

void raise_refusal(const char* origin, memory::Pool& pool, memory::Refusal refusal, std::size_t bytes) {
    if (refusal == memory::Refusal::limit) {
        const auto type = py::module_::import("atalanta.errors").attr("BufferLimitError");
        const std::string message =
            "[" + std::string(origin) + "] " + grouped(bytes) + " bytes (a block of " +
            grouped(pool.block_bytes_for(bytes)) + ") would take the pool beyond its limit of " +
            grouped(pool.limit()) + ", of which " +
            grouped(static_cast<std::size_t>(pool.figures().total.live)) + " are live; " +
            (pool.block_bytes_for(bytes) > pool.limit()
                 ? "ask for less at a time, or raise the limit with set_limit"
                 : "release arrays, wait with acquire_async, or raise the limit with set_limit");
        PyErr_SetString(type.ptr(), message.c_str());
        throw py::error_already_set();
    }
    if (refusal == memory::Refusal::too_large) {
        raise_input_error(origin, grouped(bytes) + " bytes is more than the " +
                                      std::to_string(memory::kLargestRequest >> 40) +
                                      " TiB that one buffer can have");
    }
    PyErr_Format(PyExc_MemoryError,
                 "[%s] the system has no %zu bytes for the pool; release arrays or ask for less", origin,
                 bytes);
    throw py::error_already_set();
}

}  // namespace atalanta::bind
