#include "pricing/european_kernel.hpp"
#include "pricing/isa/families.hpp"

namespace atalanta::isa::ATALANTA_ISA {

constinit const EuropeanKernels european = {&price_european, &greeks_european<1>, &greeks_european<2>,
                                            &greeks_european<3>};

}  // namespace atalanta::isa::ATALANTA_ISA
