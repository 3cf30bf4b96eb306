#include "bind/memory/numpy_handler.hpp"

#include <pybind11/numpy.h>

#include <atomic>
#include <cstdint>
#include <cstring>

#include "bind/memory/pool_type.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kCapsule = "mem_handler";
constexpr int kSetHandler = 304, kGetHandler = 305;  // places in NumPy's table, fixed since 1.22

// NumPy's own layout, version 1.
struct Allocator {
    void* context;
    void* (*malloc)(void* context, std::size_t bytes);
    void* (*calloc)(void* context, std::size_t count, std::size_t bytes);
    void* (*realloc)(void* context, void* address, std::size_t bytes);
    void (*free)(void* context, void* address, std::size_t bytes);
};
struct Handler {
    char name[127];
    std::uint8_t version;
    Allocator allocator;
};

struct Context {
    memory::Pool* pool;
    std::size_t least_bytes;
    memory::Tag tag;
    bool fall_back;
    Allocator before;

    // Whether the handler before serves what the pool did not.
    bool passes_on() const {
        if (fall_back) pool->fell_back(tag);
        return fall_back;
    }
};

// Not a local static: whoever waited for its guard would hold the GIL that the first one wants back.
void** numpy_table() {
    static std::atomic<void**> table{nullptr};
    void** known = table.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    const py::object capsule = py::module_::import("numpy._core.multiarray").attr("_ARRAY_API");
    known = static_cast<void**>(PyCapsule_GetPointer(capsule.ptr(), nullptr));
    table.store(known, std::memory_order_release);
    return known;
}

Context& context_of(void* context) {
    return *static_cast<Context*>(context);
}

void* allocate(void* context, std::size_t bytes) {
    Context& self = context_of(context);
    if (bytes < self.least_bytes) return self.before.malloc(self.before.context, bytes);
    void* data = self.pool->acquire(bytes, self.tag);
    return data == nullptr && self.passes_on() ? self.before.malloc(self.before.context, bytes) : data;
}

void* allocate_zeroed(void* context, std::size_t count, std::size_t bytes) {
    Context& self = context_of(context);
    std::size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total)) return nullptr;
    if (total < self.least_bytes) return self.before.calloc(self.before.context, count, bytes);
    void* data = self.pool->acquire_zeroed(total, self.tag);
    return data == nullptr && self.passes_on() ? self.before.calloc(self.before.context, count, bytes) : data;
}

// The size that comes with it may differ from the one that was asked for; the pool knows better.
void release(void* context, void* address, std::size_t bytes) {
    Context& self = context_of(context);
    if (self.pool->owns(address)) {
        self.pool->release(address);
    } else {
        self.before.free(self.before.context, address, bytes);
    }
}

// Who has the block decides: memory of the other handler stays there, whatever size it gets. Beyond the limit
// a resize fails, as it may with any handler: that is asked for by whoever has the array, long after.
void* reallocate(void* context, void* address, std::size_t bytes) {
    Context& self = context_of(context);
    if (address == nullptr) return allocate(context, bytes);
    if (!self.pool->owns(address)) return self.before.realloc(self.before.context, address, bytes);
    return self.pool->resize(address, bytes == 0 ? 1 : bytes);
}

}  // namespace

py::object numpy_handler(py::object pool, std::size_t least_bytes, const py::str& tag, bool fall_back) {
    using Get = PyObject* (*)();
    auto before = py::reinterpret_steal<py::object>(reinterpret_cast<Get>(numpy_table()[kGetHandler])());
    if (!before) throw py::error_already_set();
    const auto* other = static_cast<const Handler*>(PyCapsule_GetPointer(before.ptr(), kCapsule));
    if (other == nullptr) throw py::error_already_set();
    auto* self = reinterpret_cast<PoolObject*>(pool.ptr());
    auto* context = new Context{&pool_of(pool.ptr()), least_bytes, tag_number(self, tag.ptr()), fall_back,
                                other->allocator};
    auto* handler = new Handler{};
    std::strncpy(handler->name, "atalanta buffer pool", sizeof handler->name - 1);
    handler->version = 1;
    handler->allocator = {context, &allocate, &allocate_zeroed, &reallocate, &release};
    auto capsule = py::reinterpret_steal<py::object>(PyCapsule_New(handler, kCapsule, nullptr));
    if (!capsule) throw py::error_already_set();
    pool.release();  // for ever
    before.release();
    capsule.inc_ref();
    return capsule;
}

py::object set_numpy_handler(const py::object& handler) {
    using Set = PyObject* (*)(PyObject*);
    PyObject* given = handler.is_none() ? nullptr : handler.ptr();
    auto before = py::reinterpret_steal<py::object>(reinterpret_cast<Set>(numpy_table()[kSetHandler])(given));
    if (!before) throw py::error_already_set();
    return before;
}

}  // namespace atalanta::bind
