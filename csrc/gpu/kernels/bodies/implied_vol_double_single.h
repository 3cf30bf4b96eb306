// thread_position_in_grid
// layout: rows, then the step (0 or 1) of right, spot, strike, years, rate, dividend_yield, price.
const int i = ATALANTA_THREAD;
if (i >= layout[0]) return;
const int s = 3 * i * layout[2], k = 3 * i * layout[3];
const int y = 2 * i * layout[4], r = 2 * i * layout[5], q = 2 * i * layout[6];
const atalanta_gpu::WideContract contract = {right[i * layout[1]],
                                             {spot[s], spot[s + 1], spot[s + 2]},
                                             {strike[k], strike[k + 1], strike[k + 2]},
                                             {years[y], years[y + 1]},
                                             {rate[r], rate[r + 1]},
                                             {dividend_yield[q], dividend_yield[q + 1]}};
const int p = 3 * i * layout[7];
const atalanta_gpu::Amount quoted = {price[p], price[p + 1], price[p + 2]};
const atalanta_gpu::DoubleSingle vol = atalanta_gpu::implied_vol(contract, quoted, 1);
value[2 * i] = vol.hi;
value[2 * i + 1] = vol.lo;
