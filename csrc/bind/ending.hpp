// The end of a process while daemon threads run.
//
// Before 3.14, CPython ends a daemon thread that wants the GIL back while the interpreter ends by
// pthread_exit. With glibc that unwinds the thread's stack: through destructors, which let go of Python
// objects without the GIL, and through functions that must not be left so, as pybind11's destructors, where
// it aborts the process. Here such a thread hangs, as CPython 3.14 lets it: the process ends without it.
// Entries: `without_unwinding`, and every PyEval_RestoreThread and PyEval_AcquireThread of this module,
// pybind11's own included: this file is included before all others.
#pragma once

#include <Python.h>

#include <utility>

#if PY_VERSION_HEX < 0x030e0000 && defined(__GLIBC__)
#include <cxxabi.h>
#include <unistd.h>
#define ATALANTA_THREADS_ARE_UNWOUND 1
#endif

namespace atalanta::bind {

// What the body gives. It calls into Python, where the GIL may be given away and wanted back.
template <class Body>
decltype(auto) without_unwinding(Body&& body) {
#ifdef ATALANTA_THREADS_ARE_UNWOUND
    try {
        return std::forward<Body>(body)();
    } catch (abi::__forced_unwind&) {
        for (;;) pause();
    }
#else
    return std::forward<Body>(body)();
#endif
}

inline void restore_thread(PyThreadState* state) {
    without_unwinding([state] { PyEval_RestoreThread(state); });
}

inline void acquire_thread(PyThreadState* state) {
    without_unwinding([state] { PyEval_AcquireThread(state); });
}

}  // namespace atalanta::bind

#define PyEval_RestoreThread ::atalanta::bind::restore_thread
#define PyEval_AcquireThread ::atalanta::bind::acquire_thread
