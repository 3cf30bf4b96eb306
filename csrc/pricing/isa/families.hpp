// The kernel tables of each instruction set. Every .cpp of this folder that defines one is compiled once per
// instruction set, with its flags and with ATALANTA_ISA naming its namespace here.
#pragma once

#include "pricing/kernel_set.hpp"

namespace atalanta::isa {

namespace avx512 {
extern const EuropeanKernels european;
extern const ImpliedVolKernels implied_vol;
extern const AmericanKernels american;
extern const LadderKernels ladder;
}  // namespace avx512
namespace avx2 {
extern const EuropeanKernels european;
extern const ImpliedVolKernels implied_vol;
extern const AmericanKernels american;
extern const LadderKernels ladder;
}  // namespace avx2
namespace neon {
extern const EuropeanKernels european;
extern const ImpliedVolKernels implied_vol;
extern const AmericanKernels american;
extern const LadderKernels ladder;
}  // namespace neon
namespace baseline {
extern const EuropeanKernels european;
extern const ImpliedVolKernels implied_vol;
extern const AmericanKernels american;
extern const LadderKernels ladder;
}  // namespace baseline

}  // namespace atalanta::isa
