#include "bind/arguments.hpp"

namespace atalanta::bind {
namespace {

// Names are interned, so identity nearly always decides; `likely` follows the keyword before, as most callers
// write them.
std::size_t position_of(PyObject* keyword, std::span<PyObject* const> names, std::size_t likely) {
    if (likely < names.size() && names[likely] == keyword) return likely;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == keyword) return i;
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (PyUnicode_Compare(names[i], keyword) == 0) return i;
    }
    return names.size();
}

std::string function_of(const Signature& signature) {
    const std::string origin = signature.origin;
    return origin.substr(origin.rfind('.') + 1) + "()";
}

}  // namespace

std::string text_of(PyObject* object) {
    const py::bytes encoded = py::str(py::handle(object)).attr("encode")("utf-8", "backslashreplace");
    return encoded;
}

std::string repr_of(PyObject* object) {
    return text_of(py::repr(py::handle(object)).ptr());
}

void refuse_pickling(const py::object& self, int) {
    throw py::type_error(std::string(Py_TYPE(self.ptr())->tp_name) + " cannot be pickled");
}

void raise_input_error(const char* origin, const std::string& message) {
    const py::object type = py::module_::import("atalanta.errors").attr("InputError");
    PyErr_SetString(type.ptr(), ("[" + std::string(origin) + "] " + message).c_str());
    throw py::error_already_set();
}

void sort_arguments(const Signature& signature, PyObject* const* arguments, Py_ssize_t positional,
                    PyObject* keywords, std::span<PyObject*> values) {
    const auto given = static_cast<std::size_t>(positional);
    if (given > signature.keyword_only) {
        throw py::type_error(function_of(signature) + " takes " + std::to_string(signature.keyword_only) +
                             " positional arguments but " + std::to_string(given) + " were given");
    }
    for (std::size_t i = 0; i < given; ++i) values[i] = arguments[i];
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    std::size_t position = given - 1;
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
        position = position_of(keyword, signature.names, position + 1);
        if (position == signature.names.size()) {
            throw py::type_error(function_of(signature) + " got an unexpected keyword argument '" +
                                 text_of(keyword) + "'");
        }
        if (values[position] != nullptr) {
            throw py::type_error(function_of(signature) + " got multiple values for argument '" +
                                 text_of(keyword) + "'");
        }
        values[position] = arguments[positional + i];
    }
    for (std::size_t i = 0; i < signature.keyword_only - signature.optional; ++i) {
        if (values[i] != nullptr) continue;
        throw py::type_error(function_of(signature) + " is missing the argument '" +
                             text_of(signature.names[i]) + "'");
    }
}

bool read_scalar(PyObject* value, double& number, const char* origin, const char* name) {
    if (PyFloat_Check(value)) {
        number = PyFloat_AS_DOUBLE(value);
        return true;
    }
    if (!PyLong_Check(value) || PyBool_Check(value)) return false;
    number = PyLong_AsDouble(value);
    if (number == -1.0 && PyErr_Occurred()) {
        PyErr_Clear();
        raise_input_error(origin, std::string(name) + " is an integer beyond the range of a double");
    }
    return true;
}

bool read_number(PyObject* value, double& number) {
    if (PyBool_Check(value) || PyUnicode_Check(value)) return false;
    number = PyFloat_AsDouble(value);
    if (number != -1.0 || PyErr_Occurred() == nullptr) return true;
    if (!PyErr_ExceptionMatches(PyExc_TypeError) && !PyErr_ExceptionMatches(PyExc_OverflowError)) {
        throw py::error_already_set();
    }
    PyErr_Clear();
    return false;
}

int parse_right(const char32_t* text, std::size_t length) noexcept {
    constexpr char32_t call[] = {'c', 'a', 'l', 'l'}, put[] = {'p', 'u', 't'};
    const auto matches = [&](std::span<const char32_t> word) {
        if (length != 1 && length != word.size()) return false;
        for (std::size_t i = 0; i < length; ++i) {
            const char32_t folded = text[i] >= 'A' && text[i] <= 'Z' ? text[i] + ('a' - 'A') : text[i];
            if (folded != word[i]) return false;
        }
        return true;
    };
    return matches(call) ? 1 : matches(put) ? -1 : 0;
}

int read_scalar_right(PyObject* value, const char* origin) {
    int right = 0;
    if (PyUnicode_Check(value)) {
        char32_t text[4];
        const Py_ssize_t length = PyUnicode_GET_LENGTH(value);
        for (Py_ssize_t i = 0; i < length && i < 4; ++i) text[i] = PyUnicode_READ_CHAR(value, i);
        right = length <= 4 ? parse_right(text, static_cast<std::size_t>(length)) : 0;
    } else if (PyLong_Check(value) && !PyBool_Check(value)) {
        const long number = PyLong_AsLong(value);
        if (number == -1 && PyErr_Occurred())
            PyErr_Clear();
        else
            right = number == 1 || number == -1 ? static_cast<int>(number) : 0;
    } else {
        return 0;
    }
    if (right == 0) {
        raise_input_error(
            origin, "right is " + repr_of(value) + "; it must be +1 or 'call' or 'C', -1 or 'put' or 'P'");
    }
    return right;
}

int read_threads(PyObject* value, const char* origin) {
    if (value == nullptr || value == Py_None) return 0;
    const bool whole = PyIndex_Check(value) && !PyBool_Check(value);  // NumPy's integers too
    const Py_ssize_t count = whole ? PyNumber_AsSsize_t(value, nullptr) : 0;
    if (PyErr_Occurred()) PyErr_Clear();
    if (count < 1 || count > 1024) {
        raise_input_error(origin, "threads is " + repr_of(value) +
                                      "; it must be a whole number from 1 to 1024, or None for the default");
    }
    return static_cast<int>(count);
}

}  // namespace atalanta::bind
