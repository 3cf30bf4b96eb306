// A value with its derivatives along vol, rate and yield: formulas written once over Real give their tangents
// too. Entry: Jet; independent values are made by variable_jet.
#pragma once

#include "numerics/exponential.hpp"
#include "numerics/mills_fits.hpp"

namespace atalanta {
namespace {

constexpr std::size_t kDirections = 3;  // vol, rate, yield

struct Jet {
    double value;
    double along[kDirections];

    Jet(double constant = 0.0) : value(constant), along{} {}
};

inline Jet variable_jet(double value, std::size_t direction) {
    Jet x(value);
    x.along[direction] = 1.0;
    return x;
}

// f(x) with f(x.value) = value and f'(x.value) = slope.
inline Jet chained(const Jet& x, double value, double slope) {
    Jet y(value);
    for (std::size_t k = 0; k < kDirections; ++k) y.along[k] = slope * x.along[k];
    return y;
}

inline Jet operator-(const Jet& a) {
    return chained(a, -a.value, -1.0);
}
inline Jet operator+(const Jet& a, const Jet& b) {
    Jet c(a.value + b.value);
    for (std::size_t k = 0; k < kDirections; ++k) c.along[k] = a.along[k] + b.along[k];
    return c;
}
inline Jet operator-(const Jet& a, const Jet& b) {
    return a + (-b);
}
inline Jet operator*(const Jet& a, const Jet& b) {
    Jet c(a.value * b.value);
    for (std::size_t k = 0; k < kDirections; ++k) c.along[k] = a.along[k] * b.value + a.value * b.along[k];
    return c;
}
inline Jet operator*(double a, const Jet& b) {
    return chained(b, a * b.value, a);
}
inline Jet operator*(const Jet& a, double b) {
    return b * a;
}
inline Jet operator/(const Jet& a, const Jet& b) {
    const double inverse = 1.0 / b.value, quotient = a.value * inverse;
    Jet c(quotient);
    for (std::size_t k = 0; k < kDirections; ++k) {
        c.along[k] = (a.along[k] - quotient * b.along[k]) * inverse;
    }
    return c;
}

inline double value_of(double x) {
    return x;
}
inline double value_of(const Jet& x) {
    return x.value;
}
inline Jet exponential(const Jet& x) {
    const double e = exponential(x.value);
    return chained(x, e, e);
}
inline Jet square_root(const Jet& x) {
    const double root = square_root(x.value);
    return chained(x, root, 0.5 / root);
}
inline Jet mills(const Jet& z) {
    const double m = mills(z.value);
    return chained(z, m, z.value * m - 1.0);
}

}  // namespace
}  // namespace atalanta
