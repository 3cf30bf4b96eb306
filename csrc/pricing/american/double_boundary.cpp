#include "pricing/american/double_boundary.hpp"

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

bool is_ours(const Option& o) {
    return in_domain(o) && is_double_boundary(o.right, o.rate, o.dividend_yield);
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

template <class Precision>
void greeks_at(const OptionRows& rows, const GreekColumns& out) {
    DoubleBoundaryPut<Precision> put;
    const bool tangents = wants_tangents(out);
    for (std::size_t i = 0; i < rows.size; ++i) {
        const Option option = option_at(rows, i);
        store(out, i,
              is_ours(option) ? undo_put_form(option, put.greeks(put_form(option), tangents))
                              : undefined_first_order());
    }
}

template <class Precision>
void edges_at(const OptionRows& rows, const double* remaining, std::size_t times, double* lower,
              double* upper) {
    DoubleBoundaryPut<Precision> put;
    for (std::size_t i = 0; i < rows.size; ++i) {
        const Option option = option_at(rows, i);
        const bool ours = is_ours(option);
        for (std::size_t k = 0; k < times; ++k) {
            const std::size_t at = k * rows.size + i;
            Interval edges = {kUndefined, kUndefined};
            if (ours) edges = put.edges(put_form(option), remaining[k]);
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

void double_boundary_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out) noexcept {
    if (tolerance >= kCoarseBound) return greeks_at<CoarsePrecision>(rows, out);
    if (tolerance >= kMediumBound) return greeks_at<MediumPrecision>(rows, out);
    greeks_at<FinePrecision>(rows, out);
}

void double_boundary_edges(const OptionRows& rows, double tolerance, const double* remaining,
                           std::size_t times, double* lower, double* upper) noexcept {
    if (tolerance >= kCoarseBound) return edges_at<CoarsePrecision>(rows, remaining, times, lower, upper);
    if (tolerance >= kMediumBound) return edges_at<MediumPrecision>(rows, remaining, times, lower, upper);
    edges_at<FinePrecision>(rows, remaining, times, lower, upper);
}

}  // namespace atalanta
