#include "pricing/american/double_boundary.hpp"

#include <optional>

#include "pricing/american/double_boundary_put.hpp"

namespace atalanta {

namespace {

Option option_at(const OptionRows& rows, std::size_t i) {
    return {static_cast<double>(rows.right[i]),
            rows.spot[i],
            rows.strike[i],
            rows.years[i],
            rows.rate[i],
            rows.dividend_yield[i],
            rows.vol[i]};
}

// Of the rate that is further below zero.
double exponent_of(const Option& o) {
    return -(o.right < 0.0 ? o.dividend_yield : o.rate) * o.years;
}

bool is_ours(const Option& o) {
    return in_domain(o) && is_double_boundary(o.right, o.rate, o.dividend_yield) &&
           exponent_of(o) <= kLargestDoubleExponent;
}

// A call on S at K is a put on K at S with rate and yield exchanged.
Option put_form(const Option& o) {
    if (o.right < 0.0) return o;
    return {-1.0, o.strike, o.spot, o.years, o.dividend_yield, o.rate, o.vol};
}

FirstOrder undo_put_form(const Option& original, const FirstOrder& put) {
    if (original.right < 0.0) return put;
    const double share = original.strike / original.spot;
    FirstOrder call = put;
    call.delta = put.price / original.spot - share * put.delta;
    call.gamma = share * share * put.gamma;
    call.rho = put.phi;
    call.phi = put.rho;
    return call;
}

void store(const GreekColumns& out, std::size_t row, const FirstOrder& g) {
    const double values[] = {g.price, g.delta, g.gamma, g.vega, g.theta, g.rho, g.phi};
    for (std::size_t k = 0; k < 7; ++k) {
        if (out.data[k] != nullptr) out.data[k][row] = values[k];
    }
}

bool wants_tangents(const GreekColumns& out) {
    return out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr;
}

// How fine a row must be solved: errors grow with e^(-qT) of its put form, from 10 on beyond those of its
// class.
enum class Fineness { coarse, medium, fine };

Fineness fineness_of(const Option& o, double tolerance) {
    const double growth = exponential(exponent_of(o));
    const double within = growth > 10.0 ? tolerance * 10.0 / growth : tolerance;
    return within >= kCoarseBound   ? Fineness::coarse
           : within >= kMediumBound ? Fineness::medium
                                    : Fineness::fine;
}

template <class Precision>
void greeks_at(Fineness fineness, const OptionRows& rows, std::span<const std::size_t> chosen,
               double tolerance, const GreekColumns& out) {
    std::optional<DoubleBoundaryPut<Precision>> put;
    const bool tangents = wants_tangents(out);
    for (const std::size_t i : chosen) {
        const Option option = option_at(rows, i);
        if (!is_ours(option) || fineness_of(option, tolerance) != fineness) continue;
        if (!put) put.emplace();
        store(out, i, undo_put_form(option, put->greeks(put_form(option), tangents)));
    }
}

template <class Precision>
void edges_at(Fineness fineness, const OptionRows& rows, double tolerance, const double* remaining,
              std::size_t times, double* lower, double* upper) {
    std::optional<DoubleBoundaryPut<Precision>> put;
    for (std::size_t i = 0; i < rows.size; ++i) {
        const Option option = option_at(rows, i);
        if (!is_ours(option) || fineness_of(option, tolerance) != fineness) continue;
        if (!put) put.emplace();
        for (std::size_t k = 0; k < times; ++k) {
            const std::size_t at = k * rows.size + i;
            const Interval edges = put->edges(put_form(option), remaining[k]);
            const bool call = option.right > 0.0;
            lower[at] = option.strike * (call ? 1.0 / edges.upper : edges.lower);
            upper[at] = option.strike * (call ? 1.0 / edges.lower : edges.upper);
        }
    }
}

}  // namespace

bool is_double_boundary(double right, double rate, double dividend_yield) noexcept {
    if (right == -1.0) return dividend_yield < rate && rate < 0.0;
    return right == 1.0 && rate < dividend_yield && dividend_yield < 0.0;
}

void double_boundary_greeks(const OptionRows& rows, std::span<const std::size_t> chosen, double tolerance,
                            const GreekColumns& out) noexcept {
    for (const std::size_t i : chosen) store(out, i, undefined_first_order());
    greeks_at<CoarsePrecision>(Fineness::coarse, rows, chosen, tolerance, out);
    greeks_at<MediumPrecision>(Fineness::medium, rows, chosen, tolerance, out);
    greeks_at<FinePrecision>(Fineness::fine, rows, chosen, tolerance, out);
}

void double_boundary_edges(const OptionRows& rows, double tolerance, const double* remaining,
                           std::size_t times, double* lower, double* upper) noexcept {
    for (std::size_t at = 0; at < times * rows.size; ++at) lower[at] = upper[at] = kUndefined;
    edges_at<CoarsePrecision>(Fineness::coarse, rows, tolerance, remaining, times, lower, upper);
    edges_at<MediumPrecision>(Fineness::medium, rows, tolerance, remaining, times, lower, upper);
    edges_at<FinePrecision>(Fineness::fine, rows, tolerance, remaining, times, lower, upper);
}

}  // namespace atalanta
