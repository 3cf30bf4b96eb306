// Prices a row of puts, then finds the volatility of each price again: columns in, columns out, no Python.
#include <atalanta/pricing/dispatch.hpp>
#include <atalanta/pricing/european.hpp>
#include <cstdio>
#include <vector>

int main() {
    const std::vector<double> strike = {80, 85, 90, 95, 100, 105, 110};
    const std::vector<double> vol = {0.31, 0.28, 0.25, 0.23, 0.21, 0.20, 0.20};
    const std::int8_t put = -1;
    const double spot = 100.0, years = 0.25, rate = 0.04, dividend_yield = 0.01;
    std::vector<double> price(strike.size()), implied(strike.size());

    atalanta::price({.size = strike.size(),
                     .right = {&put, true},
                     .spot = {&spot, true},
                     .strike = {strike.data(), false},
                     .years = {&years, true},
                     .rate = {&rate, true},
                     .dividend_yield = {&dividend_yield, true},
                     .vol = {vol.data(), false}},
                    price.data());
    atalanta::implied_vol({.size = strike.size(),
                           .price = {price.data(), false},
                           .right = {&put, true},
                           .spot = {&spot, true},
                           .strike = {strike.data(), false},
                           .years = {&years, true},
                           .rate = {&rate, true},
                           .dividend_yield = {&dividend_yield, true}},
                          implied.data(), nullptr);

    std::printf("instruction set %s\n", atalanta::active_kernels().name);
    for (std::size_t i = 0; i < strike.size(); ++i) {
        std::printf("strike %5.1f  price %8.5f  vol %.6f\n", strike[i], price[i], implied[i]);
    }
}
