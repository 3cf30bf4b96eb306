#include "bind/reliability/policy_type.hpp"

#include <algorithm>
#include <exception>
#include <string>

#include "bind/arguments.hpp"
#include "bind/reliability/answer_type.hpp"
#include "bind/reliability/awaited_type.hpp"
#include "bind/reliability/policy_docs.hpp"
#include "bind/reliability/ticket_type.hpp"

namespace atalanta::bind {
namespace {

constexpr const char* kOrigin = "reliability.Policy";
constexpr std::array<const char*, 4> kRefusals = {"none", "deadline", "bulkhead", "breaker"};
constexpr std::array<const char*, kCounts> kCountNames = {"live",    "late",   "fallback", "cached",
                                                          "refused", "failed", "retries",  "hedges"};
constexpr std::int64_t kToken = 1000;

PyTypeObject* g_type = nullptr;
PyObject* g_deadline = nullptr;
std::array<PyObject*, 4> g_refusals{};
PyObject *g_run = nullptr, *g_refused = nullptr, *g_recover = nullptr, *g_arun = nullptr;

PolicyObject* self_of(PyObject* object) {
    return reinterpret_cast<PolicyObject*>(object);
}

void add(PolicyObject* policy, Count count, std::uint64_t amount = 1) noexcept {
    policy->counts[static_cast<std::size_t>(count)].fetch_add(amount, std::memory_order_relaxed);
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

// The absolute deadline that surrounds this call; 0 for none.
std::uint64_t surrounding_deadline() {
    PyObject* value = nullptr;
    if (PyContextVar_Get(g_deadline, nullptr, &value) < 0) throw py::error_already_set();
    if (value == nullptr) return 0;
    const double seconds = value == Py_None ? 0.0 : PyFloat_AsDouble(value);
    Py_DECREF(value);
    if (seconds == -1.0 && PyErr_Occurred()) throw py::error_already_set();
    return to_ns(seconds);
}

// A call's own arguments: a tuple, and a dictionary or null where none has a name. Without the tuple, an
// error is set.
struct Gathered {
    py::object positional, keywords;
};

Gathered gather(PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    Gathered gathered{py::reinterpret_steal<py::object>(PyTuple_New(count - 1)), {}};
    if (!gathered.positional) return {};
    for (Py_ssize_t i = 1; i < count; ++i)
        PyTuple_SET_ITEM(gathered.positional.ptr(), i - 1, Py_NewRef(given[i]));
    const Py_ssize_t named = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
    if (named > 0) gathered.keywords = py::reinterpret_steal<py::object>(PyDict_New());
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* name = PyTuple_GET_ITEM(keyword_names, i);
        if (!gathered.keywords || PyDict_SetItem(gathered.keywords.ptr(), name, given[count + i]) < 0)
            return {};
    }
    return gathered;
}

// self.name(first, second, function, arguments, keywords), with the call's own arguments gathered.
PyObject* hand_over(PolicyObject* self, PyObject* name, PyObject* first, PyObject* second,
                    PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    const Gathered gathered = gather(given, count, keyword_names);
    if (!gathered.positional) return nullptr;
    const py::object keywords = gathered.keywords ? gathered.keywords : py::dict();
    PyObject* arguments[] = {reinterpret_cast<PyObject*>(self), first,         second, given[0],
                             gathered.positional.ptr(),         keywords.ptr()};
    return PyObject_VectorcallMethod(name, arguments, 6, nullptr);
}

// Runs with the deadline in the context, where there is one of its own.
PyObject* run(PolicyObject* self, const Begun& begun, PyObject* const* given, Py_ssize_t count,
              PyObject* keyword_names) {
    const auto positional = static_cast<std::size_t>(count - 1);
    if (self->deadline_ns == 0) return PyObject_Vectorcall(given[0], given + 1, positional, keyword_names);
    const auto until =
        py::reinterpret_steal<py::object>(PyFloat_FromDouble(1e-9 * static_cast<double>(begun.deadline_ns)));
    const auto token =
        py::reinterpret_steal<py::object>(until ? PyContextVar_Set(g_deadline, until.ptr()) : nullptr);
    if (!token) throw py::error_already_set();
    PyObject* value = PyObject_Vectorcall(given[0], given + 1, positional, keyword_names);
    if (value != nullptr) {
        if (PyContextVar_Reset(g_deadline, token.ptr()) < 0) Py_CLEAR(value);
        return value;
    }
    PyObject *type, *raised, *trace;
    PyErr_Fetch(&type, &raised, &trace);
    if (PyContextVar_Reset(g_deadline, token.ptr()) < 0) PyErr_Clear();  // the call's own error says more
    PyErr_Restore(type, raised, trace);
    return nullptr;
}

[[noreturn]] void refuse_coroutine(PolicyObject* self, const Begun& begun, PyObject* coroutine) {
    if (self->breaker != nullptr) self->breaker->breaker->cancel(begun.permit);
    leave(self);
    const auto held = py::reinterpret_steal<py::object>(coroutine);
    held.attr("close")();
    raise_input_error(kOrigin,
                      "call got a coroutine function, which it cannot wait for; await acall instead");
}

PyObject* call(PolicyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    if (count < 1) throw py::type_error("call() needs the function to call");
    if (!self->direct) return hand_over(self, g_run, Py_None, Py_None, given, count, keyword_names);
    Begun begun;
    const Refusal refusal = begin(self, begun);
    if (refusal != Refusal::none) {
        return hand_over(self, g_refused, g_refusals[static_cast<std::size_t>(refusal)], Py_None, given,
                         count, keyword_names);
    }
    PyObject* value = run(self, begun, given, count, keyword_names);
    if (value != nullptr && Py_TYPE(value) == &PyCoro_Type) refuse_coroutine(self, begun, value);
    if (value != nullptr) {
        leave(self);
        return finish(self, begun, value);
    }
    const auto error = py::reinterpret_steal<py::object>(taken_exception());
    const auto ticket = py::reinterpret_steal<py::object>(new_ticket(self, begun));
    if (!ticket) return nullptr;
    return hand_over(self, g_recover, ticket.ptr(), error.ptr(), given, count, keyword_names);
}

template <class Body>
PyObject* bordered(Body&& body) {
    try {
        return body();
    } catch (py::error_already_set& error) {
        error.restore();
    } catch (const py::builtin_exception& error) {
        error.set_error();
    } catch (const std::exception& error) {
        PyErr_SetString(PyExc_RuntimeError, error.what());
    }
    return nullptr;
}

PyObject* py_call(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    return bordered([&] { return call(self_of(object), given, count, keyword_names); });
}

PyObject* py_acall(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keyword_names) {
    return bordered([&]() -> PyObject* {
        if (count < 1) throw py::type_error("acall() needs the coroutine function to call");
        Gathered gathered = gather(given, count, keyword_names);
        if (!gathered.positional) return nullptr;
        if (self_of(object)->timed) {
            if (!gathered.keywords) gathered.keywords = py::dict();
            PyObject* arguments[] = {object, given[0], gathered.positional.ptr(), gathered.keywords.ptr()};
            return PyObject_VectorcallMethod(g_arun, arguments, 4, nullptr);
        }
        return new_awaited(self_of(object), Py_NewRef(given[0]), gathered.positional.release().ptr(),
                           gathered.keywords.release().ptr());
    });
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

PyMethodDef g_methods[] = {{"call", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&py_call)),
                            METH_FASTCALL | METH_KEYWORDS, kCallDoc},
                           {"acall", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(&py_acall)),
                            METH_FASTCALL | METH_KEYWORDS, kAcallDoc},
                           {"_admit", &py_admit, METH_NOARGS, nullptr},
                           {"_take_token", &py_take_token, METH_NOARGS, nullptr},
                           {"_count", &py_count, METH_O, nullptr},
                           {"counts", &py_counts, METH_NOARGS,
                            "counts($self, /)\n--\n\nAnswers and what they took, since it was made: live, "
                            "late, fallback, cached, refused, failed, retries, hedges."},
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
    g_run = PyUnicode_InternFromString("_run");
    g_refused = PyUnicode_InternFromString("_refused");
    g_recover = PyUnicode_InternFromString("_recover");
    g_arun = PyUnicode_InternFromString("_arun");
    if (g_deadline == nullptr || PyErr_Occurred()) return nullptr;
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

PyObject* deadline_variable() {
    return g_deadline;
}

Refusal begin(PolicyObject* self, Begun& begun) {
    begun.deadline_ns = surrounding_deadline();
    const bool timed = self->breaker != nullptr && self->breaker->breaker->times();
    if (timed || self->deadline_ns > 0 || begun.deadline_ns > 0) begun.start_ns = now_ns(self->clock);
    if (begun.deadline_ns > 0 && begun.start_ns >= begun.deadline_ns) return Refusal::deadline;
    if (self->deadline_ns > 0) {
        const std::uint64_t own = begun.start_ns + self->deadline_ns;
        begun.deadline_ns = begun.deadline_ns == 0 ? own : std::min(own, begun.deadline_ns);
    }
    const std::int64_t before = self->inside.fetch_add(1, std::memory_order_relaxed);
    if (self->most_inside > 0 && before >= self->most_inside) {
        leave(self);
        return Refusal::bulkhead;
    }
    try {
        if (enter(self, begun)) return Refusal::none;
    } catch (...) {
        leave(self);
        throw;
    }
    leave(self);
    return Refusal::breaker;
}

bool enter(PolicyObject* self, Begun& begun) {
    if (self->breaker == nullptr) return true;
    begun.permit = enter(self->breaker);
    if (begun.permit == reliability::kRefused) return false;
    if (self->breaker->breaker->times()) begun.start_ns = now_ns(self->clock);
    return true;
}

PyObject* finish(PolicyObject* self, const Begun& begun, PyObject* value) {
    bool late = false;
    try {
        if (self->breaker != nullptr) succeed(self->breaker, begun.permit, begun.start_ns);
        late = self->deadline_ns > 0 && now_ns(self->clock) > begun.deadline_ns;
    } catch (...) {
        Py_DECREF(value);
        throw;
    }
    if (self->token_gain > 0 && self->tokens.load(std::memory_order_relaxed) < self->most_tokens)
        self->tokens.fetch_add(self->token_gain, std::memory_order_relaxed);
    add(self, Count::live);
    if (late) add(self, Count::late);
    return new_live_answer(value, late);
}

PyObject* refusal_name(Refusal refusal) {
    return g_refusals[static_cast<std::size_t>(refusal)];
}

void leave(PolicyObject* self) noexcept {
    self->inside.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace atalanta::bind
