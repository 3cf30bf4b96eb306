#include "pricing/american/collocation_tables.hpp"

#include <cmath>
#include <memory>
#include <vector>

namespace atalanta {
namespace {

constexpr double kPi = 3.141592653589793;

struct Angle {
    double sine, cosine;
};

// |angle| <= pi. Series of an eighth of it, then doubled three times.
Angle angle_of(double angle) {
    const double x = angle / 8.0, square = x * x;
    double sine = 0.0, versine = 0.0;  // versine = 1 - cosine, which doubling keeps accurate
    for (int k = 10; k >= 1; --k) {
        sine = 1.0 - square / (2.0 * k * (2.0 * k + 1.0)) * (k == 10 ? 1.0 : sine);
        versine = 1.0 - square / ((2.0 * k + 1.0) * (2.0 * k + 2.0)) * (k == 10 ? 1.0 : versine);
    }
    sine *= x;
    versine *= 0.5 * square;
    for (int doubling = 0; doubling < 3; ++doubling) {
        const double cosine = 1.0 - versine;
        versine = 2.0 * versine * (2.0 - versine);
        sine = 2.0 * sine * cosine;
    }
    return {sine, 1.0 - versine};
}

struct Legendre {
    double value, slope;
};

Legendre legendre(std::size_t degree, double x) {
    double before = 1.0, value = x;
    for (std::size_t k = 2; k <= degree; ++k) {
        const double order = static_cast<double>(k);
        const double next = ((2.0 * order - 1.0) * x * value - (order - 1.0) * before) / order;
        before = value;
        value = next;
    }
    return {value, static_cast<double>(degree) * (x * value - before) / (x * x - 1.0)};
}

struct Quadrature {
    std::vector<double> theta, weight;
};

// Gauss-Legendre on [0, pi/2].
Quadrature quarter_turn(std::size_t points) {
    Quadrature q;
    for (std::size_t i = 0; i < points; ++i) {
        const double index = static_cast<double>(points - i);
        double x = angle_of(kPi * (index - 0.25) / (static_cast<double>(points) + 0.5)).cosine;
        for (int step = 0; step < 6; ++step) {
            const Legendre p = legendre(points, x);
            x -= p.value / p.slope;
        }
        const double slope = legendre(points, x).slope;
        q.theta.push_back(kPi / 4.0 * (1.0 + x));
        q.weight.push_back(kPi / 4.0 * 2.0 / ((1.0 - x * x) * slope * slope));
    }
    return q;
}

struct Storage {
    std::vector<double> root_time, cosine, squared_sine, squared_cosine, inverse_cosine, weight,
        interpolation, premium_cosine, premium_weight, premium_interpolation;
    CollocationTables tables;
};

// Chebyshev's extrema as sqrt(tau / T); the last one is 0.
double node_of(std::size_t k, std::size_t nodes) {
    if (k == nodes) return 0.0;
    const double cosine = angle_of(kPi / 2.0 * static_cast<double>(k) / static_cast<double>(nodes)).cosine;
    return cosine * cosine;
}

void append_interpolation(std::size_t nodes, double root_time, std::vector<double>& matrix) {
    matrix.resize(matrix.size() + nodes);
    interpolate_boundary(nodes, root_time, matrix.data() + matrix.size() - nodes);
}

void append_equation_points(const CollocationSize& size, Storage& s) {
    const Quadrature q = quarter_turn(size.points);
    std::vector<double> sine;
    for (std::size_t j = 0; j < size.points; ++j) {
        const Angle angle = angle_of(q.theta[j]);
        sine.push_back(angle.sine);
        s.cosine.push_back(angle.cosine);
        s.squared_sine.push_back(angle.sine * angle.sine);
        s.squared_cosine.push_back(angle.cosine * angle.cosine);
        s.inverse_cosine.push_back(1.0 / angle.cosine);
        s.weight.push_back(2.0 * q.weight[j] * angle.sine);
    }
    for (std::size_t i = 0; i < size.nodes; ++i) {
        s.root_time.push_back(node_of(i, size.nodes));
        for (const double sin : sine) append_interpolation(size.nodes, s.root_time[i] * sin, s.interpolation);
    }
}

void append_premium_points(const CollocationSize& size, Storage& s) {
    const Quadrature q = quarter_turn(size.premium_points);
    for (std::size_t j = 0; j < size.premium_points; ++j) {
        const Angle angle = angle_of(q.theta[j]);
        s.premium_cosine.push_back(angle.cosine);
        s.premium_weight.push_back(2.0 * q.weight[j] * angle.sine * angle.cosine);
        append_interpolation(size.nodes, angle.sine, s.premium_interpolation);
    }
}

std::unique_ptr<const Storage> build(const CollocationSize& size) {
    auto s = std::make_unique<Storage>();
    append_equation_points(size, *s);
    append_premium_points(size, *s);
    s->tables = {s->root_time.data(),      s->cosine.data(),
                 s->squared_sine.data(),   s->squared_cosine.data(),
                 s->inverse_cosine.data(), s->weight.data(),
                 s->interpolation.data(),  s->premium_cosine.data(),
                 s->premium_weight.data(), s->premium_interpolation.data()};
    return s;
}

}  // namespace

// Barycentric; H = 0 at the last node, tau = 0, which is left out.
void interpolate_boundary(std::size_t nodes, double root_time, double* coefficients) {
    double sum = 0.0;
    for (std::size_t k = 0; k <= nodes; ++k) {
        const double distance = root_time - node_of(k, nodes);
        if (distance == 0.0) {
            for (std::size_t i = 0; i < nodes; ++i) coefficients[i] = i == k ? 1.0 : 0.0;
            return;
        }
        const double sign = k % 2 == 0 ? 1.0 : -1.0, ends = k == 0 || k == nodes ? 0.5 : 1.0;
        const double share = sign * ends / distance;
        sum += share;
        if (k < nodes) coefficients[k] = share;
    }
    for (std::size_t k = 0; k < nodes; ++k) coefficients[k] /= sum;
}

const CollocationTables& collocation_tables(std::size_t index) {
    static const std::unique_ptr<const Storage> all[kCollocationClasses] = {
        build(kCollocationSizes[0]), build(kCollocationSizes[1]), build(kCollocationSizes[2]),
        build(kCollocationSizes[3]), build(kCollocationSizes[4])};
    return all[index]->tables;
}

}  // namespace atalanta
