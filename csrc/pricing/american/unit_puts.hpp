// The columns of the collocation kernels: American puts on a strike of one, and what early exercise adds to
// their European counterparts. A call is a put whose spot and strike, rate and yield have changed places.
#pragma once

#include <cstddef>

namespace atalanta {

// Positive and finite spot, years, vol; exercise must be worth while somewhere: rate > 0, or rate = 0 and
// dividend_yield < 0. size is a multiple of 8.
struct UnitPuts {
    std::size_t size;
    const double* spot;
    const double* years;
    const double* rate;
    const double* dividend_yield;
    const double* vol;
};

// American less European. boundary: the spot at or below which exercise is optimal now; the other columns are
// meant for spots above it. Derivatives as in Greek; vega, rho and phi may be null together.
struct ExercisePremiums {
    double* boundary;
    double* premium;
    double* delta;
    double* gamma;
    double* vega;
    double* rho;
    double* phi;
};

}  // namespace atalanta
