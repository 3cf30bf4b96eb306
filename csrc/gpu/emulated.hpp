// The kernels compiled for the host, each row a call with the parameters that MLX generates. Entry:
// emulate<body>(arguments). Tests include this with flags of their own, so everything has internal linkage.
#pragma once

#include "gpu/kernels.hpp"

namespace atalanta::gpu {
namespace {

// clang-format off: the order matters
#include "gpu/kernels/prelude.h"
#include "gpu/kernels/tables.h"
#include "gpu/kernels/double_single.h"
#include "gpu/kernels/exponentials.h"
#include "gpu/kernels/tails.h"
#include "gpu/kernels/european.h"
#include "gpu/kernels/implied_vol.h"
// clang-format on

struct Thread {
    int x;
};

#define ATALANTA_PARAMETERS(last)                                                                \
    Thread thread_position_in_grid, const int *layout, const float *right, const float *spot,    \
        const float *strike, const float *years, const float *rate, const float *dividend_yield, \
        const float *last, float *value

inline void price_single(ATALANTA_PARAMETERS(vol)) {
#include "gpu/kernels/bodies/price_single.h"
}
inline void price_double_single(ATALANTA_PARAMETERS(vol)) {
#include "gpu/kernels/bodies/price_double_single.h"
}
inline void greeks_single(ATALANTA_PARAMETERS(vol)) {
#include "gpu/kernels/bodies/greeks_single.h"
}
inline void greeks_double_single(ATALANTA_PARAMETERS(vol)) {
#include "gpu/kernels/bodies/greeks_double_single.h"
}
inline void implied_vol_single(ATALANTA_PARAMETERS(price)) {
#include "gpu/kernels/bodies/implied_vol_single.h"
}
inline void implied_vol_double_single(ATALANTA_PARAMETERS(price)) {
#include "gpu/kernels/bodies/implied_vol_double_single.h"
}
#undef ATALANTA_PARAMETERS

// CUDA starts whole blocks: so does this, so that a body without its bounds test is found out.
constexpr int kBlock = 256;

template <void (*body)(Thread, const int*, const float*, const float*, const float*, const float*,
                       const float*, const float*, const float*, float*)>
void emulate(const Arguments& a) {
    const float* const* c = a.columns;
    const int threads = (a.layout[0] + kBlock - 1) / kBlock * kBlock;
    for (int i = 0; i < threads; ++i) {
        body({i}, a.layout, c[0], c[1], c[2], c[3], c[4], c[5], c[6], a.value);
    }
}

}  // namespace
}  // namespace atalanta::gpu
