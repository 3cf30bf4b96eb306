#include "bind/reliability/answer_type.hpp"

#include <structmember.h>

#include <cstddef>

namespace atalanta::bind {
namespace {

struct AnswerObject {
    PyObject_HEAD PyObject *value, *source, *cause;
    double age;
    char late;
};

PyTypeObject* g_type = nullptr;
PyObject* g_live = nullptr;

AnswerObject* self_of(PyObject* object) {
    return reinterpret_cast<AnswerObject*>(object);
}

PyObject* make(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    static const char* names[] = {"value", "source", "age", "late", "cause", nullptr};
    PyObject *value, *source = g_live, *cause = Py_None;
    double age = 0.0;
    int late = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|UdpO", const_cast<char**>(names), &value,
                                     &source, &age, &late, &cause)) {
        return nullptr;
    }
    auto* self = self_of(type->tp_alloc(type, 0));
    if (self == nullptr) return nullptr;
    self->value = Py_NewRef(value);
    self->source = Py_NewRef(source);
    self->cause = Py_NewRef(cause);
    self->age = age;
    self->late = static_cast<char>(late);
    return reinterpret_cast<PyObject*>(self);
}

int traverse(PyObject* object, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self_of(object)->value);
    Py_VISIT(self_of(object)->cause);
    return 0;
}

int clear(PyObject* object) {
    Py_CLEAR(self_of(object)->value);
    Py_CLEAR(self_of(object)->source);
    Py_CLEAR(self_of(object)->cause);
    return 0;
}

void deallocate(PyObject* object) {
    PyObject_GC_UnTrack(object);
    clear(object);
    PyTypeObject* type = Py_TYPE(object);
    type->tp_free(object);
    Py_DECREF(type);
}

PyObject* represent(PyObject* object) {
    const AnswerObject* self = self_of(object);
    PyObject* age = PyFloat_FromDouble(self->age);
    if (age == nullptr) return nullptr;
    PyObject* text = PyUnicode_FromFormat("Answer(%R, source=%R, age=%R%s)", self->value, self->source, age,
                                          self->late ? ", late=True" : "");
    Py_DECREF(age);
    return text;
}

PyObject* reduce(PyObject* object, PyObject*) {
    const AnswerObject* self = self_of(object);
    return Py_BuildValue("O(OOdOO)", Py_TYPE(object), self->value, self->source, self->age,
                         self->late ? Py_True : Py_False, self->cause);
}

PyMemberDef g_members[] = {
    {"value", T_OBJECT_EX, offsetof(AnswerObject, value), READONLY, nullptr},
    {"source", T_OBJECT_EX, offsetof(AnswerObject, source), READONLY, "'live', 'fallback:NAME' or 'cached'."},
    {"age", T_DOUBLE, offsetof(AnswerObject, age), READONLY, "Seconds since the value was live."},
    {"late", T_BOOL, offsetof(AnswerObject, late), READONLY, "Whether it came after the deadline."},
    {"cause", T_OBJECT_EX, offsetof(AnswerObject, cause), READONLY,
     "Why it is not live: an exception, or None."},
    {nullptr, 0, 0, 0, nullptr}};

PyMethodDef g_methods[] = {{"__reduce__", &reduce, METH_NOARGS, nullptr},
                           {"__class_getitem__", &Py_GenericAlias, METH_O | METH_CLASS, nullptr},
                           {nullptr, nullptr, 0, nullptr}};

PyType_Slot g_slots[] = {{Py_tp_new, reinterpret_cast<void*>(&make)},
                         {Py_tp_dealloc, reinterpret_cast<void*>(&deallocate)},
                         {Py_tp_traverse, reinterpret_cast<void*>(&traverse)},
                         {Py_tp_clear, reinterpret_cast<void*>(&clear)},
                         {Py_tp_repr, reinterpret_cast<void*>(&represent)},
                         {Py_tp_members, g_members},
                         {Py_tp_methods, g_methods},
                         {Py_tp_doc, const_cast<char*>("A value, and where it is from.")},
                         {0, nullptr}};

PyType_Spec g_spec = {"atalanta._core.Answer", sizeof(AnswerObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, g_slots};

}  // namespace

PyTypeObject* make_answer_type() {
    g_live = PyUnicode_InternFromString("live");
    if (g_live == nullptr) return nullptr;
    g_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&g_spec));
    return g_type;
}

bool is_answer(PyObject* object) noexcept {
    return Py_TYPE(object) == g_type;
}

Origin origin_of(PyObject* answer) {
    PyObject* source = self_of(answer)->source;
    if (source == g_live || PyUnicode_CompareWithASCIIString(source, "live") == 0) return Origin::live;
    return PyUnicode_CompareWithASCIIString(source, "cached") == 0 ? Origin::cached : Origin::fallback;
}

PyObject* merged_answer(PyObject* answer, bool late) {
    AnswerObject* inner = self_of(answer);
    if (!late || inner->late) return answer;
    AnswerObject* self = self_of(g_type->tp_alloc(g_type, 0));
    if (self != nullptr) {
        self->value = Py_NewRef(inner->value);
        self->source = Py_NewRef(inner->source);
        self->cause = Py_NewRef(inner->cause);
        self->age = inner->age;
        self->late = 1;
    }
    Py_DECREF(answer);
    return reinterpret_cast<PyObject*>(self);
}

PyObject* new_live_answer(PyObject* value, bool late) {
    auto* self = self_of(g_type->tp_alloc(g_type, 0));
    if (self == nullptr) {
        Py_DECREF(value);
        return nullptr;
    }
    self->value = value;
    self->source = Py_NewRef(g_live);
    self->cause = Py_NewRef(Py_None);
    self->age = 0.0;
    self->late = late;
    return reinterpret_cast<PyObject*>(self);
}

}  // namespace atalanta::bind
