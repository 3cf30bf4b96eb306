// thread_position_in_grid
// layout: rows, then the step (0 or 1) of right, spot, strike, years, rate, dividend_yield, vol.
const int i = ATALANTA_THREAD;
if (i >= layout[0]) return;
const int s = 2 * i * layout[2], k = 2 * i * layout[3];
const atalanta_gpu::Contract contract = {right[i * layout[1]],       {spot[s], spot[s + 1]},
                                         {strike[k], strike[k + 1]}, years[i * layout[4]],
                                         rate[i * layout[5]],        dividend_yield[i * layout[6]]};
value[i] = atalanta_gpu::price_single(contract, vol[i * layout[7]]);
