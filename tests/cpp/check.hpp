// A test program in a few lines: TEST(name) { CHECK(...); } ... and ATALANTA_TEST_MAIN at the end.
// Prints every failed check with its place and values; the process exits with 1 if there was one.
#pragma once

#include <cmath>
#include <cstdio>
#include <exception>
#include <vector>

namespace check {

struct Test {
    const char* name;
    void (*run)();
};

inline std::vector<Test>& tests() {
    static std::vector<Test> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Registration {
    Registration(const char* name, void (*run)()) { tests().push_back({name, run}); }
};

inline void fail(const char* file, int line, const char* text) {
    std::printf("%s:%d: failed: %s\n", file, line, text);
    ++failures();
}

inline void close(double expected, double actual, double tolerance, const char* file, int line,
                  const char* text) {
    const bool both_nan = std::isnan(expected) && std::isnan(actual);
    if (both_nan || expected == actual || std::fabs(actual - expected) <= tolerance) return;
    std::printf("%s:%d: expected %.17g, got %.17g (tolerance %.3g): %s\n", file, line, expected, actual,
                tolerance, text);
    ++failures();
}

inline int run_all() {
    for (const Test& test : tests()) {
        const int before = failures();
        try {
            test.run();
        } catch (const std::exception& error) {
            fail(test.name, 0, error.what());
        }
        std::printf("%s %s\n", failures() == before ? "ok    " : "FAILED", test.name);
    }
    std::printf("%zu tests, %d failed checks\n", tests().size(), failures());
    return failures() == 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                    \
    static void name();                                               \
    static const check::Registration name##_registered(#name, &name); \
    static void name()
#define CHECK(condition) ((condition) ? void() : check::fail(__FILE__, __LINE__, #condition))
#define CHECK_CLOSE(expected, actual, tolerance) \
    check::close((expected), (actual), (tolerance), __FILE__, __LINE__, #actual)
#define ATALANTA_TEST_MAIN       \
    int main() {                 \
        return check::run_all(); \
    }
