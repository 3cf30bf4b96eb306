#include "bind/memory/buffer_type.hpp"

#include <atomic>
#include <string>

#include "bind/arguments.hpp"
#include "bind/memory/pool_type.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "buffers.Buffer";

struct BufferObject {
    PyObject_HEAD PoolObject* owner;  // of the pool, kept alive; null: the process's pool
    memory::Pool* pool;
    void* data;  // null once released
    std::size_t bytes;
    std::atomic<Py_ssize_t> exports;
    bool lent;
};

PyTypeObject* g_buffer_type = nullptr;

// Without the GIL two threads could take the same one.
#ifdef Py_GIL_DISABLED
constexpr std::size_t kMostKept = 0;
#else
constexpr std::size_t kMostKept = 64;
#endif
BufferObject* g_kept[kMostKept + 1];
std::size_t g_kept_count = 0;

BufferObject* self_of(PyObject* object) {
    return reinterpret_cast<BufferObject*>(object);
}

// What went wrong is told where nobody can catch it any more, as Python does for finalisers.
void give_back(BufferObject* self) {
    if (self->data == nullptr) return;
    const memory::Released released = self->pool->release(self->data, self->bytes);
    self->data = nullptr;
    if (released != memory::Released::overrun) return;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_Format(PyExc_RuntimeError, "[%s] something wrote beyond the end of a buffer of %zu bytes", kOrigin,
                 self->bytes);
    PyErr_WriteUnraisable(nullptr);
    PyErr_Restore(type, value, trace);
}

void deallocate(PyObject* object) {
    BufferObject* self = self_of(object);
    give_back(self);
    PoolObject* owner = self->owner;
    if (g_kept_count < kMostKept) {
        g_kept[g_kept_count++] = self;
    } else {
        PyObject_Free(self);
        Py_DECREF(reinterpret_cast<PyObject*>(g_buffer_type));
    }
    Py_XDECREF(reinterpret_cast<PyObject*>(owner));
}

int get_buffer(PyObject* object, Py_buffer* view, int flags) {
    BufferObject* self = self_of(object);
    if (self->data == nullptr) {
        PyErr_Format(PyExc_BufferError, "[%s] the buffer was released; acquire another", kOrigin);
        return -1;
    }
    const auto length = static_cast<Py_ssize_t>(self->bytes);
    if (PyBuffer_FillInfo(view, object, self->data, length, 0, flags) != 0) return -1;
    self->exports.fetch_add(1, std::memory_order_relaxed);
    return 0;
}

void release_buffer(PyObject* object, Py_buffer*) {
    self_of(object)->exports.fetch_sub(1, std::memory_order_relaxed);
}

PyObject* input_error(const std::string& message) {
    try {
        raise_input_error(kOrigin, message);
    } catch (py::error_already_set& error) {
        error.restore();
    }
    return nullptr;
}

PyObject* release(PyObject* object, PyObject*) {
    BufferObject* self = self_of(object);
    if (self->data == nullptr) return input_error("it was released before; release a buffer once");
    if (self->lent) return input_error("an array lives in it; the memory returns when its last view goes");
    const Py_ssize_t exports = self->exports.load(std::memory_order_relaxed);
    if (exports > 0) {
        return input_error(std::to_string(exports) +
                           " views of it are alive; let go of them before releasing");
    }
    const memory::Released released = self->pool->release(self->data, self->bytes);
    self->data = nullptr;
    if (released == memory::Released::overrun) return input_error("something wrote beyond its end");
    Py_RETURN_NONE;
}

PyObject* nbytes(PyObject* object, void*) {
    return PyLong_FromSize_t(self_of(object)->bytes);
}
PyObject* pool(PyObject* object, void*) {
    PoolObject* owner = self_of(object)->owner;
    if (owner != nullptr) return Py_NewRef(reinterpret_cast<PyObject*>(owner));
    PyObject* buffers = PyImport_ImportModule("atalanta.buffers");
    PyObject* shared = buffers == nullptr ? nullptr : PyObject_GetAttrString(buffers, "default_pool");
    Py_XDECREF(buffers);
    return shared;
}
PyObject* address(PyObject* object, void*) {
    return PyLong_FromVoidPtr(self_of(object)->data);
}
PyObject* released(PyObject* object, void*) {
    return PyBool_FromLong(self_of(object)->data == nullptr);
}

// An array of the bytes, which exports what this object does not.
py::object as_array(PyObject* object) {
    return py::module_::import("numpy").attr("frombuffer")(py::handle(object), py::str("uint8"));
}

PyObject* dlpack(PyObject* object, PyObject* arguments, PyObject* keywords) {
    try {
        const py::object method = as_array(object).attr("__dlpack__");
        return PyObject_Call(method.ptr(), arguments, keywords);
    } catch (py::error_already_set& error) {
        error.restore();
        return nullptr;
    }
}

PyObject* dlpack_device(PyObject*, PyObject*) {
    return Py_BuildValue("(ii)", 1, 0);
}  // host memory

PyMethodDef g_methods[] = {
    {"release", &release, METH_NOARGS,
     "Give the memory back now. Raises InputError while views live, or the second time."},
    {"__dlpack__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&dlpack)),
     METH_VARARGS | METH_KEYWORDS, "A DLPack capsule of the bytes."},
    {"__dlpack_device__", &dlpack_device, METH_NOARGS, "Where the bytes are: in host memory."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef g_properties[] = {
    {"nbytes", &nbytes, nullptr, "Bytes.", nullptr},
    {"pool", &pool, nullptr, "The pool that owns the memory.", nullptr},
    {"address", &address, nullptr, "Where the bytes begin; 0 when released.", nullptr},
    {"released", &released, nullptr, "True after `release`.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyObject* represent(PyObject* object) {
    const BufferObject* self = self_of(object);
    if (self->data == nullptr) return PyUnicode_FromFormat("<Buffer of %zu bytes, released>", self->bytes);
    return PyUnicode_FromFormat("<Buffer of %zu bytes at %p>", self->bytes, self->data);
}

PyType_Slot g_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
    {Py_tp_repr, reinterpret_cast<void*>(&represent)},
    {Py_tp_methods, g_methods},
    {Py_tp_getset, g_properties},
    {Py_bf_getbuffer, reinterpret_cast<void*>(&get_buffer)},
    {Py_bf_releasebuffer, reinterpret_cast<void*>(&release_buffer)},
    {Py_tp_doc, const_cast<char*>("Memory of a pool as an object with the buffer protocol and DLPack.")},
    {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Buffer", sizeof(BufferObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, g_slots};

}  // namespace

PyTypeObject* make_buffer_type() {
    g_buffer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_buffer_type;
}

PyObject* new_buffer(PoolObject* owner, memory::Pool& pool, void* data, std::size_t bytes, bool lent) {
    BufferObject* self = nullptr;
    if (g_kept_count > 0) {
        self = g_kept[--g_kept_count];
        PyObject_Init(reinterpret_cast<PyObject*>(self), g_buffer_type);
        Py_DECREF(reinterpret_cast<PyObject*>(g_buffer_type));  // it has kept the one it had
    } else {
        self = PyObject_New(BufferObject, g_buffer_type);
    }
    if (self == nullptr) {
        pool.release(data, bytes);
        return nullptr;
    }
    self->owner = owner;
    Py_XINCREF(reinterpret_cast<PyObject*>(owner));
    self->pool = &pool;
    self->data = data;
    self->bytes = bytes;
    new (&self->exports) std::atomic<Py_ssize_t>(0);
    self->lent = lent;
    return reinterpret_cast<PyObject*>(self);
}

py::array array_in_pool(PoolObject* owner, memory::Pool& pool, void* data, std::size_t bytes, py::dtype dtype,
                        std::size_t dimensions, const Py_intptr_t* extents) {
    auto buffer = py::reinterpret_steal<py::object>(new_buffer(owner, pool, data, bytes, true));
    if (!buffer) throw py::error_already_set();
    const auto& api = py::detail::npy_api::get();
    constexpr int kFlags = py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_ |
                           py::detail::npy_api::NPY_ARRAY_ALIGNED_ |
                           py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    auto array = py::reinterpret_steal<py::array>(
        api.PyArray_NewFromDescr_(api.PyArray_Type_, dtype.release().ptr(), static_cast<int>(dimensions),
                                  extents, nullptr, data, kFlags, nullptr));
    if (!array || api.PyArray_SetBaseObject_(array.ptr(), buffer.release().ptr()) != 0) {
        throw py::error_already_set();
    }
    return array;
}

}  // namespace atalanta::bind
