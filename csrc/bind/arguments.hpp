// Arguments of the pricing functions. They use CPython's vectorcall protocol directly: a general binding's
// argument handling costs more than pricing the option.
#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace atalanta::bind {

namespace py = pybind11;

// Raises atalanta.errors.InputError with "[origin] message".
[[noreturn]] void raise_input_error(const char* origin, const std::string& message);

// For types that cannot be pickled.
[[noreturn]] void refuse_pickling(const py::object& self, int protocol);

// The text, or the representation, of any object; what UTF-8 cannot hold is escaped.
std::string text_of(PyObject* object);
std::string repr_of(PyObject* object);

// A function's parameters in order; those from `keyword_only` on have defaults and are given by name.
struct Signature {
    const char* origin;  // "pricing.price", the opening tag of messages
    std::span<PyObject* const> names;
    std::size_t keyword_only;
    std::size_t optional = 0;  // how many of those before `keyword_only` may be left out
};

// Sorts a vectorcall's arguments into `values`, which has one slot per name; absent ones stay null.
// Raises TypeError as Python itself would.
void sort_arguments(const Signature& signature, PyObject* const* arguments, Py_ssize_t positional,
                    PyObject* keywords, std::span<PyObject*> values);

// The value as a double if it is a Python number (bool excluded); false if it is something else.
// Raises InputError for an integer that no double can hold.
bool read_scalar(PyObject* value, double& number, const char* origin, const char* name);

// The value as a double if it is a number of any kind (NumPy's too, bool excluded); else false.
bool read_number(PyObject* value, double& number);

// +1 or -1 out of a Python string or integer; 0 if it is neither a string nor an integer.
// Raises InputError for a string or integer that names no right.
int read_scalar_right(PyObject* value, const char* origin);

// +1 for the spellings of a call, -1 for those of a put, else 0. Text of any character type, upper case
// folded.
int parse_right(const char32_t* text, std::size_t length) noexcept;

// None or absent: 0; else a count from 1 to 1024.
int read_threads(PyObject* value, const char* origin);

}  // namespace atalanta::bind
