// What exercising in the past is worth: in the put form with strike 1, holding the exercised position earns
// rate - yield * spot a year, here discounted and weighted with the chance to be exercised.
// Entries: exercise_flow for one past time, expiry_flow for the payoff itself. Real is double or Jet.
#pragma once

#include "pricing/american/jet.hpp"

namespace atalanta {
namespace {

constexpr double kInverseRootTau = .39894228040143268;  // 1 / sqrt(2 pi)

template <class Real>
struct Market {
    Real vol, rate, yield;
};

// Constants of one past time; `wait` is the square root of the time that passed since.
template <class Real>
struct Passage {
    Real total_vol, drift, carry, discount;  // v z, (r - q - v^2/2) z / v, e^(-q z^2), e^(-r z^2)
};

template <class Real>
inline Passage<Real> passage_of(const Market<Real>& m, double wait) {
    const Real drift = (m.rate - m.yield - 0.5 * (m.vol * m.vol)) * wait / m.vol;
    const double time = wait * wait;
    return {m.vol * wait, drift, exponential(-time * m.yield), exponential(-time * m.rate)};
}

// whole N(a), where bell = whole phi(a).
template <class Real>
inline Real normal_share(const Real& a, const Real& whole, const Real& bell) {
    if (value_of(a) < 0.0) return mills(-a) * bell;
    return whole - mills(a) * bell;
}

// G = yield * spot leg - rate * strike leg of one past time, and its first two derivatives by the log spot.
template <class Real>
struct ExerciseFlow {
    Real gap, slope, bend;
    Real flow, flow_bend;  // -dG/d(log edge), d slope/d(log edge)
};

// side: +1 when what lies above the edge counts, -1 below.
template <class Real>
inline ExerciseFlow<Real> exercise_flow(const Market<Real>& m, const Passage<Real>& p, double side,
                                        const Real& log_spot, const Real& spot, const Real& log_edge) {
    const Real inverse = Real(1.0) / p.total_vol;
    const Real d2 = (log_spot - log_edge) * inverse + p.drift, d1 = d2 + p.total_vol;
    const Real strike_bell = p.discount * exponential(-0.5 * (d2 * d2)) * kInverseRootTau;
    const Real spot_bell = exponential(log_edge) * strike_bell;
    const Real spot_leg = m.yield * normal_share(side * d1, spot * p.carry, spot_bell);
    const Real strike_leg = m.rate * normal_share(side * d2, p.discount, strike_bell);
    const Real density = (side * inverse) * (m.yield * spot_bell),
               flow = density - (side * inverse) * (m.rate * strike_bell);
    const Real flow_bend = flow * (d2 * inverse), slope = spot_leg + flow;
    return {spot_leg - strike_leg, slope, slope + density - flow - flow_bend, flow, flow_bend};
}

// The same of the payoff at expiry: spot e^(-q T) N(d1) - e^(-r T) N(d2), against a strike of 1.
template <class Real>
struct ExpiryFlow {
    Real gap, slope, bend;
};

template <class Real>
inline ExpiryFlow<Real> expiry_flow(const Passage<Real>& p, const Real& log_spot, const Real& spot) {
    const Real inverse = Real(1.0) / p.total_vol;
    const Real d2 = log_spot * inverse + p.drift, d1 = d2 + p.total_vol;
    const Real bell = p.discount * exponential(-0.5 * (d2 * d2)) * kInverseRootTau;
    const Real spot_leg = normal_share(d1, spot * p.carry, bell);
    return {spot_leg - normal_share(d2, p.discount, bell), spot_leg, spot_leg + bell * inverse};
}

}  // namespace
}  // namespace atalanta
