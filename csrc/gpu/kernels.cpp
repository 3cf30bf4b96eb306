// The table of kernels: text beside emulation.
#include "gpu/kernels.hpp"

#include "gpu/emulated.hpp"
#include "gpu/texts.hpp"

namespace atalanta::gpu {
namespace {

constexpr Widths kSingle = {2, 1, 1}, kDoubleSingle = {3, 2, 2}, kSolved = {3, 2, 1};

constexpr Kernel kKernels[] = {
    {"price_single", "vol", text::price_single, kSingle, 1, emulate<price_single>},
    {"price_double_single", "vol", text::price_double_single, kDoubleSingle, 1, emulate<price_double_single>},
    {"greeks_single", "vol", text::greeks_single, kSingle, 7, emulate<greeks_single>},
    {"greeks_double_single", "vol", text::greeks_double_single, kDoubleSingle, 7,
     emulate<greeks_double_single>},
    {"implied_vol_single", "price", text::implied_vol_single, kSolved, 1, emulate<implied_vol_single>},
    {"implied_vol_double_single", "price", text::implied_vol_double_single, kDoubleSingle, 1,
     emulate<implied_vol_double_single>},
};

}  // namespace

std::span<const Kernel> kernels() {
    return kKernels;
}

std::string_view kernel_header() {
    return text::header;
}

}  // namespace atalanta::gpu
