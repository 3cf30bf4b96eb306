// A piece of rows: European Greeks for all of them; then, class by class, what early exercise adds. The few
// rows of other regimes are answered one by one, those between two boundaries in one go.
#include "pricing/american/collocation_piece.hpp"

#include <algorithm>
#include <limits>
#include <span>

#include "pricing/american/certain_exercise.hpp"
#include "pricing/american/double_boundary.hpp"
#include "pricing/american/gathered_puts.hpp"
#include "pricing/american/perpetual.hpp"
#include "pricing/dispatch.hpp"

namespace atalanta {
namespace {

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
    // Those that cost nothing beside the price alone, where the others are not wanted.
    GreekColumns columns(bool sensitivities) {
        GreekColumns wanted = columns();
        if (sensitivities) return wanted;
        for (const Greek greek : {Greek::vega, Greek::rho, Greek::phi}) {
            wanted.data[static_cast<std::size_t>(greek)] = nullptr;
        }
        return wanted;
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

void set_certain(const AmericanRow& row, std::size_t i, PieceGreeks& greeks) {
    const CertainExercise certain = certain_exercise(row);
    greeks.fill(i, 0.0);
    greeks.at(Greek::price, i) = certain.price;
    greeks.at(Greek::delta, i) = certain.delta;
    greeks.at(Greek::theta, i) = certain.theta;
    greeks.at(Greek::rho, i) = certain.rho;
    greeks.at(Greek::phi, i) = certain.phi;
}

void set_exercised(const AmericanRow& row, std::size_t i, PieceGreeks& greeks) {
    greeks.fill(i, 0.0);
    greeks.at(Greek::price, i) = row.right * (row.spot - row.strike);
    greeks.at(Greek::delta, i) = row.right;
}

// The expiry plays no part any more.
void set_perpetual(const AmericanRow& row, std::size_t i, PieceGreeks& greeks) {
    const double strike = row.put_strike(), x = row.put_spot() / strike;
    const PerpetualPut put = perpetual_put(x, row.put_rate(), row.put_yield(), row.vol);
    if (x <= put.boundary) return set_exercised(row, i, greeks);
    const bool call = row.is_call();
    greeks.fill(i, 0.0);
    if (put.value == 0.0) return;  // x may be infinite
    greeks.at(Greek::price, i) = strike * put.value;
    greeks.at(Greek::delta, i) = call ? put.value - x * put.delta : put.delta;
    greeks.at(Greek::gamma, i) = (call ? x * (x * put.gamma) : put.gamma) / strike;
    greeks.at(Greek::vega, i) = strike * put.vega;
    greeks.at(Greek::rho, i) = strike * (call ? put.phi : put.rho);
    greeks.at(Greek::phi, i) = strike * (call ? put.rho : put.phi);
}

// theta by the equation that the value obeys where it is not exercised.
double theta_of(const AmericanRow& row, double price, double delta, double gamma) {
    const double deviation = row.vol * row.spot;
    return row.rate * price - (row.rate - row.dividend_yield) * row.spot * delta -
           0.5 * deviation * (deviation * gamma);
}

// Adds the premium of put k, on a unit strike, to the European Greeks of its row.
void add_premium(const AmericanRow& row, std::size_t i, double x, const ExercisePremiums& found,
                 std::size_t k, PieceGreeks& greeks) {
    if (x <= found.boundary[k]) return set_exercised(row, i, greeks);
    const bool call = row.is_call();
    const double strike = row.put_strike(), premium = std::max(found.premium[k], 0.0);
    double& price = greeks.at(Greek::price, i);
    double& delta = greeks.at(Greek::delta, i);
    double& gamma = greeks.at(Greek::gamma, i);
    price = std::max(price + strike * premium, row.right * (row.spot - row.strike));
    delta += call ? premium - x * found.delta[k] : found.delta[k];
    gamma += (call ? x * (x * found.gamma[k]) : found.gamma[k]) / strike;
    greeks.at(Greek::theta, i) = theta_of(row, price, delta, gamma);
    if (found.vega == nullptr) return;
    greeks.at(Greek::vega, i) += strike * found.vega[k];
    greeks.at(Greek::rho, i) += strike * (call ? found.phi : found.rho)[k];
    greeks.at(Greek::phi, i) += strike * (call ? found.rho : found.phi)[k];
}

void add_premiums(const OptionRows& rows, std::size_t index, bool sensitivities, GatheredPuts& gathered,
                  PieceGreeks& greeks) {
    alignas(64) double columns[7][GatheredPuts::kCapacity];
    ExercisePremiums found = {columns[0], columns[1], columns[2], columns[3], nullptr, nullptr, nullptr};
    if (sensitivities) {
        found.vega = columns[4];
        found.rho = columns[5];
        found.phi = columns[6];
    }
    const UnitPuts puts = gathered.puts();
    active_kernels().american->premiums[index](collocation_tables(index), puts, found);
    for (std::size_t k = 0; k < gathered.size(); ++k) {
        const std::size_t i = gathered.row(k);
        add_premium(american_row(rows, i), i, puts.spot[k], found, k, greeks);
    }
}

// What is left to do for a row, beside the classes of collocation.
constexpr std::size_t kAnswered = kCollocationClasses, kBetweenTwo = kCollocationClasses + 1;

// Answers what it can; what is left to do.
std::size_t answer_or_classify(const OptionRows& rows, std::size_t i, double tolerance, PieceGreeks& greeks) {
    const AmericanRow row = american_row(rows, i);
    switch (regime_of(row)) {
        case Regime::undefined:
            greeks.fill(i, kNaN);
            break;
        case Regime::certain:
            set_certain(row, i, greeks);
            break;
        case Regime::european:
            break;
        case Regime::double_boundary:
            return kBetweenTwo;
        case Regime::perpetual:
            set_perpetual(row, i, greeks);
            break;
        case Regime::collocation:
            return collocation_class(row, tolerance);
    }
    return kAnswered;
}

// The rows of which this is left to do, in order; places has room for all.
std::span<const std::size_t> rows_of(std::size_t left, const std::uint8_t* chosen, std::size_t size,
                                     std::size_t* places) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < size; ++i) {
        if (chosen[i] == left) places[found++] = i;
    }
    return {places, found};
}

}  // namespace

void piece_greeks(const OptionRows& rows, double tolerance, const GreekColumns& out) noexcept {
    PieceGreeks greeks;
    GatheredPuts gathered;
    std::uint8_t chosen[kPieceRows];
    std::size_t places[kPieceRows];
    const bool sensitivities =
        out[Greek::vega] != nullptr || out[Greek::rho] != nullptr || out[Greek::phi] != nullptr;
    active_kernels().european->greeks_order_1(rows, greeks.columns());
    for (std::size_t i = 0; i < rows.size; ++i) {
        chosen[i] = static_cast<std::uint8_t>(answer_or_classify(rows, i, tolerance, greeks));
    }
    double_boundary_greeks(rows, rows_of(kBetweenTwo, chosen, rows.size, places), tolerance,
                           greeks.columns(sensitivities));
    for (std::size_t index = 0; index < kCollocationClasses; ++index) {
        gathered.clear();
        for (const std::size_t i : rows_of(index, chosen, rows.size, places)) {
            gathered.add(american_row(rows, i), i);
        }
        if (gathered.size() > 0) add_premiums(rows, index, sensitivities, gathered, greeks);
    }
    greeks.store(rows.size, out);
}

}  // namespace atalanta
