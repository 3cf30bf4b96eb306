// American options on a path that is known: no volatility, or nothing left to move.
#pragma once

#include "pricing/american/collocation_regime.hpp"

namespace atalanta {

struct CertainExercise {
    double price, delta, theta, rho, phi;  // gamma and vega are 0
};

// The best moment of [0, years] to exercise on S e^((r - q) t), now where moments tie. The volatility is
// ignored: also the value that an option with one cannot fall below.
CertainExercise certain_exercise(const AmericanRow& row) noexcept;

}  // namespace atalanta
