#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/beside_boundary.hpp"
#include "pricing/ladder/differences.hpp"
#include "pricing/ladder/ladder.hpp"
#include "pricing/ladder/readings_of_options.hpp"

namespace atalanta {
namespace {

std::size_t longest_schedule(const DividendSchedules& schedules) {
    std::size_t longest = 0;
    for (std::size_t k = 0; k < schedules.count; ++k) {
        longest = std::max(longest, schedules.offsets[k + 1] - schedules.offsets[k]);
    }
    return longest;
}

std::uint32_t most_dividends(const std::vector<LadderOption>& options) {
    std::uint32_t most = 0;
    for (const LadderOption& option : options) most = std::max(most, option.dividends);
    return most;
}

// Where one call's results go.
struct GreekOutput {
    const GreekColumns& out;
    double* dividend_delta;
    std::size_t rows;

    bool wants_sensitivities() const {
        return out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr ||
               dividend_delta != nullptr;
    }
    void set(Greek greek, std::size_t row, double value) const {
        if (out[greek] != nullptr) out[greek][row] = value;
    }
    void set(std::size_t row, const LadderReading& reading) const {
        set(Greek::price, row, reading.price);
        set(Greek::delta, row, reading.delta);
        set(Greek::gamma, row, reading.gamma);
        set(Greek::theta, row, reading.theta);
    }
    void set(std::size_t row, const LadderSensitivities& sensitivities) const {
        set(Greek::vega, row, sensitivities.vega);
        set(Greek::rho, row, sensitivities.rho);
        set(Greek::phi, row, sensitivities.phi);
    }
    void set_cash(std::size_t row, std::size_t dividends, const double* by_cash, std::size_t stride) const {
        if (dividend_delta == nullptr) return;
        for (std::size_t d = 0; d < dividends; ++d) dividend_delta[d * rows + row] = by_cash[d * stride];
    }
};

// One pass over a batch; row_of: where the results of its options go.
class LadderPass {
  public:
    LadderPass(const LadderBatch& batch, const std::vector<std::size_t>& row_of, const GreekOutput& to)
        : batch_(batch), row_of_(row_of), to_(to), finer_(row_of.size()) {}

    void run(const LadderKernels& kernels, int threads) {
        const bool all = to_.wants_sensitivities();
        batch_.for_each_piece(threads, all ? kernels.differentiate_doubles : kernels.solve_doubles,
                              [&](const LadderPiece& piece, double* memory, double* by_cash) {
                                  solve_piece(kernels, piece, memory, by_cash, all);
                              });
    }

    // Options that are to be solved again at this share of the tolerance.
    std::vector<std::size_t> wanting(double finer) const {
        std::vector<std::size_t> found;
        for (std::size_t i = 0; i < finer_.size(); ++i) {
            if (finer_[i] == finer) found.push_back(i);
        }
        return found;
    }

  private:
    void solve_piece(const LadderKernels& kernels, const LadderPiece& piece, double* memory, double* by_cash,
                     bool all) {
        LadderBlock block;
        batch_.fill(piece, block);
        LadderReading readings[kLadderOptions];
        LadderSensitivities sensitivities[kLadderOptions];
        if (all) {
            kernels.differentiate(block, memory, readings, sensitivities, by_cash);
        } else {
            kernels.solve(block, memory, readings);
        }
        for (std::size_t i = 0; i < piece.count; ++i) {
            const std::size_t row = row_of_[piece.options[i]];
            finer_[piece.options[i]] = finer_beside(block.options[i], block.shapes[i], readings[i]);
            to_.set(row, readings[i]);
            if (!all) continue;
            to_.set(row, sensitivities[i]);
            to_.set_cash(row, block.options[i].dividends, by_cash + i, kLadderOptions);
        }
    }

    const LadderBatch& batch_;
    const std::vector<std::size_t>& row_of_;
    const GreekOutput& to_;
    std::vector<double> finer_;
};

void solve_again(const LadderBatch& coarse, const std::vector<std::size_t>& rows, double tolerance,
                 const LadderKernels& kernels, const GreekOutput& to, int threads) {
    if (rows.empty()) return;
    std::vector<LadderOption> options;
    options.reserve(rows.size());
    for (const std::size_t row : rows) options.push_back(coarse.option(row));
    const LadderBatch batch(std::move(options), {}, tolerance, kernels);
    LadderPass(batch, rows, to).run(kernels, threads);
}

// Where the adjoint march does not know the derivatives of prices.
class DerivativesByDifference {
  public:
    DerivativesByDifference(const LadderBatch& batch, const GreekOutput& to) : batch_(batch), to_(to) {}

    // Grids that end at a low spot, whatever the vol: kinks thousands of cells away from the spot pass cells
    // as the width of these moves with the vol, so that the derivative by it is none of the price.
    void add_vega(std::size_t row) {
        constexpr double kOfVol = 0.01, kLeastLower = 2e-7;  // vol sqrt(years): below, there is a limit
        const LadderOption& o = batch_.option(row);
        const bool falls = o.vol * std::sqrt(o.years) > kLeastLower;
        add(row, &LadderOption::vol, Greek::vega, kOfVol * o.vol, falls ? Side::both : Side::above);
    }
    // Grids below which the path counts as known. Steps move the spot by a small part of a deviation, beside
    // which such a price may bend.
    void add_others(std::size_t row) {
        constexpr double kOfDeviation = 0.1, kMostOfRate = 1e-3;
        const LadderOption& o = batch_.option(row);
        const double by_rate = std::min(kOfDeviation * o.vol / std::sqrt(o.years), kMostOfRate);
        add(row, &LadderOption::rate, Greek::rho, by_rate, Side::both);
        add(row, &LadderOption::dividend_yield, Greek::phi, by_rate, Side::both);
        const double by_cash = kOfDeviation * o.vol * std::sqrt(o.years) * o.spot;
        for (std::uint32_t d = 0; d < o.dividends; ++d) add_cash(row, d, by_cash);
    }
    // A dividend of nothing, where waiting costs nothing either: whether the option waits for it is a tie.
    void add_nothings(std::size_t row) {
        constexpr double kOfSpot = 2e-3;
        const LadderOption& o = batch_.option(row);
        if (!o.american || (o.right < 0.0 ? o.rate : o.dividend_yield) != 0.0) return;
        for (std::uint32_t d = 0; d < o.dividends; ++d) {
            if (o.cash[d] == 0.0) add_cash(row, d, kOfSpot * o.spot);
        }
    }
    void find(double tolerance, const LadderKernels& kernels, int threads) {
        constexpr double kFiner = 0.2;
        differences_.find(kFiner * tolerance, kernels, threads);
    }

  private:
    void add(std::size_t row, double LadderOption::* parameter, Greek greek, double step, Side side) {
        double* const column = to_.out[greek];
        if (column != nullptr) differences_.add(batch_.option(row), parameter, step, side, column + row);
    }
    void add_cash(std::size_t row, std::uint32_t d, double step) {
        if (to_.dividend_delta == nullptr) return;
        const LadderOption& o = batch_.option(row);
        differences_.add_cash(o, d, step, o.cash[d] > step ? Side::both : Side::above,
                              to_.dividend_delta + d * to_.rows + row);
    }

    const LadderBatch& batch_;
    const GreekOutput& to_;
    Differences differences_;
};

void set_by_difference(const LadderBatch& batch, std::size_t size, double tolerance,
                       const LadderKernels& kernels, const GreekOutput& to, int threads) {
    DerivativesByDifference wanted(batch, to);
    for (std::size_t row = 0; row < size; ++row) {
        const LadderShape& shape = batch.shape(row);
        if (shape.nodes == 0) continue;  // of no grid
        if (shape.deviations > kWideGrid) wanted.add_vega(row);
        if (shape.known_below) {
            wanted.add_others(row);
        } else {
            wanted.add_nothings(row);
        }
    }
    wanted.find(tolerance, kernels, threads);
}

void fill(std::vector<LadderOption> options, double tolerance, const GreekOutput& to, int threads) {
    const LadderKernels& kernels = *active_kernels().ladder;
    std::vector<double> limit_by_cash(most_dividends(options));
    std::vector<std::size_t> all(options.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const LadderBatch batch(std::move(options), {}, tolerance, kernels);
    for (const std::size_t row : batch.others()) {
        LadderSensitivities sensitivities;
        const LadderOption& option = batch.option(row);
        to.set(row, kernels.limit(option, &sensitivities, limit_by_cash.data()));
        to.set(row, sensitivities);
        to.set_cash(row, option.dividends, limit_by_cash.data(), 1);
    }
    LadderPass pass(batch, all, to);
    pass.run(kernels, threads);
    for (const double finer : {kFinerBeside, kFinerBesideTwo, kFinerAppearing}) {
        solve_again(batch, pass.wanting(finer), finer * tolerance, kernels, to, threads);
    }
    set_by_difference(batch, all.size(), tolerance, kernels, to, threads);
}

}  // namespace

void ladder_greeks(const OptionRows& rows, const Terms& terms, const GreekColumns& out,
                   double* dividend_delta, int threads) {
    std::vector<LadderOption> options(rows.size);
    for (std::size_t row = 0; row < rows.size; ++row) {
        options[row] = ladder_option(rows, terms, row);
        options[row].vol = rows.vol[row];
    }
    if (dividend_delta != nullptr) {
        std::fill_n(dividend_delta, longest_schedule(terms.dividends) * rows.size, 0.0);
    }
    fill(std::move(options), terms.tolerance.cash, {out, dividend_delta, rows.size}, threads);
}

std::vector<LadderReading> readings_of_options(const std::vector<LadderOption>& options, double tolerance,
                                               int threads) {
    const std::size_t size = options.size();
    std::vector<double> columns(4 * size);
    GreekColumns out = {};
    constexpr Greek kRead[] = {Greek::price, Greek::delta, Greek::gamma, Greek::theta};
    for (std::size_t k = 0; k < 4; ++k)
        out.data[static_cast<std::size_t>(kRead[k])] = columns.data() + k * size;
    fill(options, tolerance, {out, nullptr, size}, threads);
    std::vector<LadderReading> readings(size);
    for (std::size_t i = 0; i < size; ++i) {
        readings[i] = {columns[i], columns[size + i], columns[2 * size + i], columns[3 * size + i]};
    }
    return readings;
}

}  // namespace atalanta
