// thread_position_in_grid
// layout: rows, then the step (0 or 1) of right, spot, strike, years, rate, dividend_yield, vol.
const int n = layout[0], i = ATALANTA_THREAD;
if (i >= n) return;
const int s = 2 * i * layout[2], k = 2 * i * layout[3];
const atalanta_gpu::Contract contract = {right[i * layout[1]],       {spot[s], spot[s + 1]},
                                         {strike[k], strike[k + 1]}, years[i * layout[4]],
                                         rate[i * layout[5]],        dividend_yield[i * layout[6]]};
const atalanta_gpu::Greeks greeks = atalanta_gpu::greeks_single(contract, vol[i * layout[7]]);
value[i] = greeks.price;
value[n + i] = greeks.delta;
value[2 * n + i] = greeks.gamma;
value[3 * n + i] = greeks.vega;
value[4 * n + i] = greeks.theta;
value[5 * n + i] = greeks.rho;
value[6 * n + i] = greeks.phi;
