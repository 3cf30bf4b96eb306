// One edge of the exercise interval as a function of the time left. The two edges do not feel each other:
// what lies beyond an edge has its value already. Entries: Edge::solve, differentiate, log_edge.
//
// At an edge b the gap V - (1 - S) vanishes together with its slope. Collocating the slope alone is unstable
// where drift dominates, the gap alone is ill-conditioned. slope + c gap with c = 2 mu / v^2, mu = r - q -
// v^2/2, where that has the sign which damps an error, is neither: Newton takes three or four steps at any
// drift.
#pragma once

#include <type_traits>

#include "numerics/logarithm.hpp"
#include "pricing/american/dense_solver.hpp"
#include "pricing/american/double_boundary_flow.hpp"
#include "pricing/american/double_boundary_grid.hpp"

namespace atalanta {
namespace {

enum class Side { lower, upper };

struct EdgeEquation {
    double side;           // +1 upper, -1 lower: where the holder waits
    double log_at_expiry;  // of the edge
    double gap_weight;
};

inline EdgeEquation edge_equation(Side side, const Market<double>& m) {
    const bool upper = side == Side::upper;
    const double drift = 2.0 * (m.rate - m.yield) / (m.vol * m.vol) - 1.0;
    return {upper ? 1.0 : -1.0, upper ? 0.0 : log_ratio(-m.rate, -m.yield),
            (drift > 0.0) == upper ? drift : 0.0};
}

// The passages from every past time of every node, which both edges and all Newton steps share.
template <class Grid>
struct Passages {
    Passage<double> past[Grid::kNodes][Grid::kPast], whole[Grid::kNodes];

    Passages(const Grid& grid, const Market<double>& market, double reach) {
        for (std::size_t i = 0; i < Grid::kNodes; ++i) {
            const double x = reach * grid.node[i];
            whole[i] = passage_of(market, x);
            for (std::size_t j = 0; j < Grid::kPast; ++j) {
                past[i][j] = passage_of(market, x * grid.past[j].late);
            }
        }
    }
};

template <class Grid>
class Edge {
  public:
    static constexpr std::size_t kNodes = Grid::kNodes;

    Edge(Side side, const Grid& grid, const Market<double>& market)
        : grid_(&grid), market_(market), equation_(edge_equation(side, market)) {}

    // Collocates on the times left up to reach^2, from distances |log(b / b at expiry)| at the nodes. False
    // where that fails.
    bool solve(double reach, const Passages<Grid>& passages, const double (&start)[kNodes]);

    // Derivatives of the coefficients along vol, rate and yield; after solve.
    void differentiate();

    // log of the edge with x^2 years left, x <= reach.
    template <class Real>
    Real log_edge(double x) const;

  private:
    bool is_upper() const { return equation_.side > 0.0; }
    template <class Real>
    Real log_edge_from(const Real& interpolated) const;
    double least_interpolated(double x) const;
    double row_scale(std::size_t i) const;
    bool linearise(const Passages<Grid>& passages);
    void move(const double (&step)[kNodes], double share) {
        for (std::size_t k = 0; k < kNodes; ++k) coefficients_[k] += share * step[k];
    }
    void linearise_node(std::size_t i, const Passages<Grid>& passages);
    double add_past(std::size_t i, std::size_t j, const Passage<double>& passage, double log_spot,
                    double spot);
    bool descend(const Passages<Grid>& passages, const double (&step)[kNodes]);
    Jet node_residual(std::size_t i, const Market<Jet>& market) const;

    const Grid* grid_;
    Market<double> market_;
    EdgeEquation equation_;
    double reach_ = 0.0;
    double coefficients_[kNodes] = {};  // of the distance, squared for the upper edge
    double tangents_[kNodes][kDirections] = {};
    double at_first_ = 0.0;  // the interpolated value at the first node
    double residual_[kNodes];
    DenseSolver<kNodes> jacobian_;
};

template <std::size_t N>
inline double dot(const double (&a)[N], const double (&b)[N]) {
    double sum = 0.0;
    for (std::size_t k = 0; k < N; ++k) sum += a[k] * b[k];
    return sum;
}

template <std::size_t N>
inline double largest_of(const double (&a)[N]) {
    double largest = 0.0;
    for (std::size_t k = 0; k < N; ++k) largest = magnitude(a[k]) > largest ? magnitude(a[k]) : largest;
    return largest;
}

// Close to expiry the interpolation of h^2 has an absolute error only, and must not cross zero.
template <class Grid>
double Edge<Grid>::least_interpolated(double x) const {
    if (!is_upper()) return -1.0;
    const double share = x / (reach_ * grid_->node[0]);
    return 0.05 * at_first_ * (share < 1.0 ? share * share : 1.0);
}

template <class Grid>
template <class Real>
Real Edge<Grid>::log_edge_from(const Real& interpolated) const {
    if (is_upper()) return -square_root(interpolated);
    if constexpr (std::is_same_v<Real, double>) {
        return interpolated + equation_.log_at_expiry;
    } else {
        Jet base(equation_.log_at_expiry);
        base.along[1] = 1.0 / market_.rate;
        base.along[2] = -1.0 / market_.yield;
        return interpolated + base;
    }
}

template <class Grid>
template <class Real>
Real Edge<Grid>::log_edge(double x) const {
    const double within = x < reach_ ? x : reach_;
    double basis[kNodes];
    chebyshev_basis<kNodes>(2.0 * within / reach_ - 1.0, basis);
    Real interpolated(dot(basis, coefficients_));
    const double least = least_interpolated(within);
    if (value_of(interpolated) < least) return log_edge_from(Real(least));
    if constexpr (std::is_same_v<Real, Jet>) {
        for (std::size_t k = 0; k < kNodes; ++k) {
            for (std::size_t p = 0; p < kDirections; ++p) interpolated.along[p] += basis[k] * tangents_[k][p];
        }
    }
    return log_edge_from(interpolated);
}

// Keeps the rows of the system of one size where the weight of the gap is large.
template <class Grid>
double Edge<Grid>::row_scale(std::size_t i) const {
    return 1.0 / (1.0 + magnitude(equation_.gap_weight) * market_.vol * (reach_ * grid_->node[i]));
}

// One past time in the residual of node i, and in its row of the Jacobian by way of the edge back then.
// Returns the derivative by the edge at the node.
template <class Grid>
double Edge<Grid>::add_past(std::size_t i, std::size_t j, const Passage<double>& passage, double log_spot,
                            double spot) {
    const double c = equation_.gap_weight, x = reach_ * grid_->node[i];
    const PastTime& past = grid_->past[j];
    const double raw = dot(grid_->at_past[i][j], coefficients_), least = least_interpolated(x * past.early);
    const double log_past = log_edge_from(raw < least ? least : raw);
    const ExerciseFlow<double> f = exercise_flow(market_, passage, equation_.side, log_spot, spot, log_past);
    const double weight = row_scale(i) * (x * x) * past.weight;
    residual_[i] += weight * (f.slope + c * f.gap);
    double by_past = weight * (f.flow_bend - c * f.flow);
    if (is_upper()) by_past = raw < least ? 0.0 : by_past * (0.5 / log_past);
    for (std::size_t k = 0; k < kNodes; ++k) jacobian_.matrix[i][k] += by_past * grid_->at_past[i][j][k];
    return weight * (f.bend + c * f.slope);
}

template <class Grid>
void Edge<Grid>::linearise_node(std::size_t i, const Passages<Grid>& passages) {
    const double log_spot = log_edge_from(dot(grid_->at_node[i], coefficients_));
    const double spot = exponential(log_spot);
    residual_[i] = 0.0;
    for (std::size_t k = 0; k < kNodes; ++k) jacobian_.matrix[i][k] = 0.0;
    double own = 0.0;
    for (std::size_t j = 0; j < Grid::kPast; ++j) own += add_past(i, j, passages.past[i][j], log_spot, spot);
    if (is_upper()) {
        const ExpiryFlow<double> f = expiry_flow(passages.whole[i], log_spot, spot);
        residual_[i] += row_scale(i) * (f.slope + equation_.gap_weight * f.gap);
        own = (own + row_scale(i) * (f.bend + equation_.gap_weight * f.slope)) * (0.5 / log_spot);
    }
    for (std::size_t k = 0; k < kNodes; ++k) jacobian_.matrix[i][k] += own * grid_->at_node[i][k];
}

// False where the edge has left its side or the system is not a number.
template <class Grid>
bool Edge<Grid>::linearise(const Passages<Grid>& passages) {
    at_first_ = dot(grid_->at_node[0], coefficients_);
    for (std::size_t i = 0; i < kNodes; ++i) {
        if (!(dot(grid_->at_node[i], coefficients_) > 0.0)) return false;
        linearise_node(i, passages);
        if (!(magnitude(residual_[i]) < 1e300)) return false;
    }
    return true;
}

// Moves along the Newton step, or a part of it that shrinks the residual; false where none does.
template <class Grid>
bool Edge<Grid>::descend(const Passages<Grid>& passages, const double (&step)[kNodes]) {
    constexpr double kLeastShare = 1e-3;
    const double before = largest_of(residual_);
    double share = 1.0;
    move(step, share);
    while (!linearise(passages) || !(largest_of(residual_) < before)) {
        share *= 0.5;
        if (share < kLeastShare) return false;
        move(step, -share);
    }
    return true;
}

template <class Grid>
bool Edge<Grid>::solve(double reach, const Passages<Grid>& passages, const double (&start)[kNodes]) {
    constexpr int kMostSteps = 24;
    constexpr double kLastStep = 1e-5;  // quadratic: the step after it would be lost in rounding
    reach_ = reach;
    for (std::size_t i = 0; i < kNodes; ++i) {
        coefficients_[i] = is_upper() ? start[i] * start[i] : start[i];
    }
    grid_->interpolation.solve(coefficients_);
    if (!linearise(passages)) return false;
    for (int iteration = 0; iteration < kMostSteps; ++iteration) {
        double step[kNodes];
        if (!jacobian_.factorise()) return false;
        for (std::size_t k = 0; k < kNodes; ++k) step[k] = -residual_[k];
        jacobian_.solve(step);
        if (largest_of(step) <= kLastStep * largest_of(coefficients_)) {
            move(step, 1.0);
            return true;
        }
        if (!descend(passages, step)) return false;
    }
    return false;
}

template <class Grid>
Jet Edge<Grid>::node_residual(std::size_t i, const Market<Jet>& market) const {
    const double c = equation_.gap_weight, x = reach_ * grid_->node[i];
    const Jet log_spot = log_edge_from(Jet(dot(grid_->at_node[i], coefficients_))),
              spot = exponential(log_spot);
    Jet sum;
    for (std::size_t j = 0; j < Grid::kPast; ++j) {
        const PastTime& past = grid_->past[j];
        const double raw = dot(grid_->at_past[i][j], coefficients_);
        const double least = least_interpolated(x * past.early);
        const Jet log_past = log_edge_from(Jet(raw < least ? least : raw));
        const ExerciseFlow<Jet> f = exercise_flow(market, passage_of(market, x * past.late), equation_.side,
                                                  log_spot, spot, log_past);
        sum = sum + (x * x * past.weight) * (f.slope + c * f.gap);
    }
    if (!is_upper()) return row_scale(i) * sum;
    const ExpiryFlow<Jet> f = expiry_flow(passage_of(market, x), log_spot, spot);
    return row_scale(i) * (sum + f.slope + c * f.gap);
}

template <class Grid>
void Edge<Grid>::differentiate() {
    const Market<Jet> market = {variable_jet(market_.vol, 0), variable_jet(market_.rate, 1),
                                variable_jet(market_.yield, 2)};
    double change[kDirections][kNodes];
    for (std::size_t i = 0; i < kNodes; ++i) {
        const Jet residual = node_residual(i, market);
        for (std::size_t p = 0; p < kDirections; ++p) change[p][i] = -residual.along[p];
    }
    for (std::size_t p = 0; p < kDirections; ++p) {
        jacobian_.solve(change[p]);
        for (std::size_t k = 0; k < kNodes; ++k) tangents_[k][p] = change[p][k];
    }
}

}  // namespace
}  // namespace atalanta
