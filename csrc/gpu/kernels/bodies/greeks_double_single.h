// thread_position_in_grid
// layout: rows, then the step (0 or 1) of right, spot, strike, years, rate, dividend_yield, vol.
const int n = layout[0], i = ATALANTA_THREAD;
if (i >= n) return;
const int s = 3 * i * layout[2], k = 3 * i * layout[3];
const int y = 2 * i * layout[4], r = 2 * i * layout[5], q = 2 * i * layout[6];
const atalanta_gpu::WideContract contract = {right[i * layout[1]],
                                             {spot[s], spot[s + 1], spot[s + 2]},
                                             {strike[k], strike[k + 1], strike[k + 2]},
                                             {years[y], years[y + 1]},
                                             {rate[r], rate[r + 1]},
                                             {dividend_yield[q], dividend_yield[q + 1]}};
const int v = 2 * i * layout[7];
const atalanta_gpu::WideGreeks greeks = atalanta_gpu::greeks_double_single(contract, {vol[v], vol[v + 1]});
value[2 * i] = greeks.price.hi;
value[2 * i + 1] = greeks.price.lo;
value[2 * (n + i)] = greeks.delta.hi;
value[2 * (n + i) + 1] = greeks.delta.lo;
value[2 * (2 * n + i)] = greeks.gamma.hi;
value[2 * (2 * n + i) + 1] = greeks.gamma.lo;
value[2 * (3 * n + i)] = greeks.vega.hi;
value[2 * (3 * n + i) + 1] = greeks.vega.lo;
value[2 * (4 * n + i)] = greeks.theta.hi;
value[2 * (4 * n + i) + 1] = greeks.theta.lo;
value[2 * (5 * n + i)] = greeks.rho.hi;
value[2 * (5 * n + i) + 1] = greeks.rho.lo;
value[2 * (6 * n + i)] = greeks.phi.hi;
value[2 * (6 * n + i) + 1] = greeks.phi.lo;
