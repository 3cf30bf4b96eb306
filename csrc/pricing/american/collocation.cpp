// A piece of rows at a time: European Greeks for all of them, then, class by class, the rows of a class are
// gathered as puts on a unit strike, and what their kernel finds is added.
#include "pricing/american/collocation.hpp"

#include <algorithm>
#include <limits>

#include "base/thread_pool.hpp"
#include "pricing/american/collocation_regime.hpp"
#include "pricing/american/collocation_tables.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

constexpr std::size_t kPieceRows = 256;
constexpr std::size_t kPadding = 8;  // kernels take whole vectors
constexpr std::size_t kFirstOrder = kGreeksOfOrder[1];
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// First-order Greeks of the rows of a piece.
class PieceGreeks {
  public:
    GreekColumns columns() {
        GreekColumns all{};
        for (std::size_t c = 0; c < kFirstOrder; ++c) all.data[c] = values_[c];
        return all;
    }
    double& at(Greek greek, std::size_t i) { return values_[static_cast<std::size_t>(greek)][i]; }
    void fill(std::size_t i, double value) {
        for (auto& column : values_) column[i] = value;
    }
    void store(std::size_t count, const GreekColumns& out) const {
        for (std::size_t c = 0; c < kFirstOrder; ++c) {
            if (out.data[c] != nullptr) std::copy_n(values_[c], count, out.data[c]);
        }
    }

  private:
    double values_[kFirstOrder][kPieceRows];
};

// Exercise now.
void set_exercised(const AmericanRow& row, std::size_t i, PieceGreeks& greeks) {
    greeks.fill(i, 0.0);
    greeks.at(Greek::price, i) = row.right * (row.spot - row.strike);
    greeks.at(Greek::delta, i) = row.right;
}

// Gathered rows as unit puts, and the answers to them.
class GatheredPuts {
  public:
    void add(const AmericanRow& row, std::size_t i) {
        const double columns[] = {row.put_spot() / row.put_strike(), row.years, row.put_rate(), row.put_yield(),
                                  row.vol};
        for (std::size_t c = 0; c < kInputs; ++c) inputs_[c][size_] = columns[c];
        index_[size_++] = i;
    }

    // Answers and empties.
    template <class Add>
    void solve(std::size_t index, bool sensitivities, Add&& add) {
        if (size_ == 0) return;
        const std::size_t padded = (size_ + kPadding - 1) / kPadding * kPadding;
        for (auto& column : inputs_) std::fill(column + size_, column + padded, column[size_ - 1]);
        const UnitPuts puts = {padded, inputs_[0], inputs_[1], inputs_[2], inputs_[3], inputs_[4]};
        ExercisePremiums out = {outputs_[0], outputs_[1], outputs_[2], outputs_[3], nullptr, nullptr, nullptr};
        if (sensitivities) {
            out.vega = outputs_[4];
            out.rho = outputs_[5];
            out.phi = outputs_[6];
        }
        active_kernels().american->premiums[index](collocation_tables(index), puts, out);
        for (std::size_t k = 0; k < size_; ++k) add(index_[k], k, puts, out);
        size_ = 0;
    }

  private:
    static constexpr std::size_t kInputs = 5, kOutputs = 7;
    std::size_t size_ = 0;
    std::size_t index_[kPieceRows];
    alignas(64) double inputs_[kInputs][kPieceRows + kPadding], outputs_[kOutputs][kPieceRows + kPadding];
};

// theta by the equation that the value obeys where it is not exercised.
double theta_of(const AmericanRow& row, double price, double delta, double gamma) {
    const double deviation = row.vol * row.spot;
    return row.rate * price - (row.rate - row.dividend_yield) * row.spot * delta -
           0.5 * deviation * deviation * gamma;
}

void add_premium(const AmericanRow& row, std::size_t i, std::size_t k, const UnitPuts& puts,
                 const ExercisePremiums& out, PieceGreeks& greeks) {
    const double x = puts.spot[k], strike = row.put_strike();
    if (x <= out.boundary[k]) return set_exercised(row, i, greeks);
    const bool call = row.is_call();
    const double premium = std::max(out.premium[k], 0.0);
    const double intrinsic = row.right * (row.spot - row.strike);
    double& price = greeks.at(Greek::price, i);
    double& delta = greeks.at(Greek::delta, i);
    double& gamma = greeks.at(Greek::gamma, i);
    price = std::max(price + strike * premium, intrinsic);
    delta += call ? premium - x * out.delta[k] : out.delta[k];
    gamma += (call ? x * x : 1.0) * out.gamma[k] / strike;
    greeks.at(Greek::theta, i) = theta_of(row, price, delta, gamma);
    if (out.vega == nullptr) return;
    greeks.at(Greek::vega, i) += strike * out.vega[k];
    greeks.at(Greek::rho, i) += strike * (call ? out.phi : out.rho)[k];
    greeks.at(Greek::phi, i) += strike * (call ? out.rho : out.phi)[k];
}

void piece_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out) {
    PieceGreeks greeks;
    GatheredPuts gathered;
    std::uint8_t chosen[kPieceRows];
    const bool sensitivities =
        out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr;
    active_kernels().european->greeks_order_1(rows, greeks.columns());
    for (std::size_t i = 0; i < rows.size; ++i) {
        const AmericanRow row = american_row(rows, i);
        const Regime regime = regime_of(row);
        chosen[i] = kCollocationClasses;
        if (regime == Regime::undefined) greeks.fill(i, kNaN);
        if (regime == Regime::collocation) {
            chosen[i] = static_cast<std::uint8_t>(collocation_class(row, tolerance));
        }
    }
    for (std::size_t index = 0; index < kCollocationClasses; ++index) {
        for (std::size_t i = 0; i < rows.size; ++i) {
            if (chosen[i] == index) gathered.add(american_row(rows, i), i);
        }
        gathered.solve(index, sensitivities,
                       [&](std::size_t i, std::size_t k, const UnitPuts& puts, const ExercisePremiums& found) {
                           add_premium(american_row(rows, i), i, k, puts, found, greeks);
                       });
    }
    greeks.store(rows.size, out);
}

}  // namespace

void collocation_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out, int threads) {
    active_kernels();  // throws here, if at all
    parallel_ranges(rows.size, kPieceRows, threads, [&](std::size_t first, std::size_t count) {
        for (std::size_t done = 0; done < count; done += kPieceRows) {
            const std::size_t piece = std::min(kPieceRows, count - done);
            piece_greeks(rows.slice(first + done, piece), tolerance, out.from(first + done));
        }
    });
}

}  // namespace atalanta
