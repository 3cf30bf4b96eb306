#include "bind/reliability/policy_type.hpp"

#include <algorithm>

#include "bind/arguments.hpp"
#include "bind/reliability/begun.hpp"
#include "bind/reliability/border.hpp"
#include "bind/reliability/policy_call.hpp"
#include "bind/reliability/policy_docs.hpp"
#include "bind/reliability/ticket_type.hpp"

namespace atalanta::bind {
namespace {

constexpr std::array<const char*, 4> kRefusals = {"none", "deadline", "bulkhead", "breaker"};
constexpr std::array<const char*, kCounts> kCountNames = {
    "live", "late", "fallback", "cached", "refused", "failed", "retries", "hedges", "left_behind"};
constexpr std::int64_t kToken = 1000;

PyTypeObject* g_type = nullptr;
PyObject* g_deadline = nullptr;
std::array<PyObject*, 4> g_refusals{};

PolicyObject* self_of(PyObject* object) {
    return reinterpret_cast<PolicyObject*>(object);
}

// The values were checked in Python.
PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"breaker",     "clock",  "deadline", "bulkhead", "token_gain",
                                  "most_tokens", "direct", "timed",    nullptr};
    PyObject *breaker = Py_None, *clock = Py_None;
    double deadline = 0.0, token_gain = 0.0, most_tokens = 0.0;
    Py_ssize_t bulkhead = 0;
    int direct = 1, timed = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "|$OOdnddpp", const_cast<char**>(names), &breaker,
                                     &clock, &deadline, &bulkhead, &token_gain, &most_tokens, &direct,
                                     &timed)) {
        return nullptr;
    }
    BreakerObject* inner = nullptr;
    try {
        if (breaker != Py_None) inner = breaker_of(breaker);
    } catch (const py::builtin_exception& error) {
        error.set_error();
        return nullptr;
    }
    auto* self = self_of(type->tp_alloc(type, 0));
    if (self == nullptr) return nullptr;
    self->breaker = inner;
    if (inner != nullptr) Py_INCREF(breaker);
    self->clock = clock == Py_None ? nullptr : Py_NewRef(clock);
    self->deadline_ns = to_ns(deadline);
    self->most_inside = bulkhead;
    self->token_gain = static_cast<std::int64_t>(token_gain * kToken);
    self->most_tokens = static_cast<std::int64_t>(most_tokens * kToken);
    self->tokens.store(self->most_tokens / 2, std::memory_order_relaxed);
    self->direct = direct != 0;
    self->timed = timed != 0;
    return reinterpret_cast<PyObject*>(self);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(reinterpret_cast<PyObject*>(self_of(object)->breaker));
    Py_VISIT(self_of(object)->clock);
    return 0;
}

int clear(PyObject* object) {
    Py_CLEAR(self_of(object)->breaker);
    Py_CLEAR(self_of(object)->clock);
    return 0;
}

void deallocate(PyObject* object) {
    PyObject_GC_UnTrack(object);
    clear(object);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

// A Ticket, or why there is none.
PyObject* py_admit(PyObject* object, PyObject*) {
    return bordered([&]() -> PyObject* {
        Begun begun;
        const Refusal refusal = begin(self_of(object), begun);
        if (refusal != Refusal::none) return Py_NewRef(g_refusals[static_cast<std::size_t>(refusal)]);
        return new_ticket(self_of(object), begun);
    });
}

PyObject* py_take_token(PyObject* object, PyObject*) {
    PolicyObject* self = self_of(object);
    if (self->most_tokens == 0) Py_RETURN_TRUE;  // no budget
    std::int64_t tokens = self->tokens.load(std::memory_order_relaxed);
    do {
        if (tokens < kToken) Py_RETURN_FALSE;
    } while (!self->tokens.compare_exchange_weak(tokens, tokens - kToken, std::memory_order_relaxed));
    Py_RETURN_TRUE;
}

PyObject* py_count(PyObject* object, PyObject* name) {
    return bordered([&]() -> PyObject* {
        const auto found = std::find(kCountNames.begin(), kCountNames.end(), text_of(name));
        if (found == kCountNames.end()) throw py::key_error(text_of(name));
        add(self_of(object), static_cast<Count>(found - kCountNames.begin()));
        Py_RETURN_NONE;
    });
}

PyObject* py_counts(PyObject* object, PyObject*) {
    return bordered([&]() -> PyObject* {
        py::dict all;
        for (std::size_t i = 0; i < kCounts; ++i)
            all[kCountNames[i]] = self_of(object)->counts[i].load(std::memory_order_relaxed);
        return all.release().ptr();
    });
}

PyObject* get_inside(PyObject* object, void*) {
    return PyLong_FromLongLong(self_of(object)->inside.load(std::memory_order_relaxed));
}

PyMethodDef g_methods[] = {
    {"call", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&policy_call)),
     METH_FASTCALL | METH_KEYWORDS, kCallDoc},
    {"acall", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&policy_acall)),
     METH_FASTCALL | METH_KEYWORDS, kAcallDoc},
    {"_admit", &py_admit, METH_NOARGS, nullptr},
    {"_take_token", &py_take_token, METH_NOARGS, nullptr},
    {"_count", &py_count, METH_O, nullptr},
    {"counts", &py_counts, METH_NOARGS,
     "counts($self, /)\n--\n\nAnswers and what they took, since it was made: live, "
     "late, fallback, cached, refused, failed, retries, hedges, and calls left behind on threads."},
    {nullptr, nullptr, 0, nullptr}};

PyGetSetDef g_properties[] = {{"inside", &get_inside, nullptr, "Calls that are under way.", nullptr},
                              {nullptr, nullptr, nullptr, nullptr, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_new, reinterpret_cast<void*>(&make)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
                         {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(&clear)},
                         {Py_tp_methods, g_methods},
                         {Py_tp_getset, g_properties},
                         {Py_tp_doc, const_cast<char*>("A policy's way while all is well. Use "
                                                       "atalanta.reliability.Policy.")},
                         {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.PolicyCore", sizeof(PolicyObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, g_slots};

}  // namespace

PyTypeObject* make_policy_type() {
    g_deadline = PyContextVar_New("atalanta_deadline", nullptr);
    for (std::size_t i = 0; i < kRefusals.size(); ++i)
        g_refusals[i] = PyUnicode_InternFromString(kRefusals[i]);
    if (g_deadline == nullptr || PyErr_Occurred() || !prepare_policy_calls()) return nullptr;
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

PyObject* deadline_variable() {
    return g_deadline;
}

PyObject* refusal_name(Refusal refusal) {
    return g_refusals[static_cast<std::size_t>(refusal)];
}

}  // namespace atalanta::bind
