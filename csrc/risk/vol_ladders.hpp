// Ladders of a book at several volatilities: what every contract is worth at any spot and any volatility
// between them, from solves made once. Entry: VolLadders.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "pricing/american.hpp"
#include "pricing/ladder/ladders.hpp"

namespace atalanta::risk {

// The options of a book, a column each, all of `size`. american: 0 or 1.
struct Contracts {
    std::size_t size;
    const std::int8_t* right;
    const double *spot, *strike, *years, *rate, *dividend_yield;
    const std::uint8_t* american;
    DividendSchedules dividends;
};

// Spots that will be asked for, as multiples of a contract's own.
struct Reach {
    double lowest, highest;
};

struct PresentReading {
    double price, delta, gamma, theta, vega;
};

// Immutable: threads may read it at the same time; reads allocate nothing. European contracts without a
// dividend before expiry are valued in closed form, the others are read from ladders: at a volatility that is
// a level exactly, else between the levels by a polynomial: through all of them where they lie as Chebyshev's
// places do, else through the six nearest, since in others it swings where the best exercise changes with the
// volatility. Beyond its ladders a
// contract is so far from its strike that the path of the spot decides: it is worth its best exercise there.
class VolLadders {
  public:
    static constexpr std::size_t kMostLevels = 32;

    // levels: `count` ascending volatilities of each contract, contract-major. Everything is copied. Throws
    // std::bad_alloc, and std::invalid_argument where ATALANTA_ISA is wrong or count is not from 1 to
    // kMostLevels.
    VolLadders(const Contracts& contracts, const double* levels, std::size_t count, Reach reach,
               Tolerance tolerance, int threads = 0);

    std::size_t size() const noexcept { return right_.size(); }
    std::size_t levels() const noexcept { return count_; }
    std::size_t solves() const noexcept;
    // Years for which a contract's values have been smooth over the spot: to its expiry, or to the next date
    // on which exercise ahead of a dividend is decided.
    double smooth_years(std::size_t contract) const noexcept;
    std::size_t bytes() const noexcept;

    // Values of a contract at `spots` spots, each at `vols` volatilities, into `out` (spots, vols). The
    // volatilities of spot s begin at vol[s * stride]: 0 where all spots have the same. NaN for one beyond
    // the levels.
    void values(std::size_t contract, const double* spot, std::size_t spots, const double* vol,
                std::size_t stride, std::size_t vols, double* out) const noexcept;

    // The same for every contract: spot (size, spots), out (size, spots, vols), and vol (size, vols) for all
    // spots or (size, spots, vols) for each.
    enum class VolsFor { all_spots, each_spot };
    void all_values(const double* spot, std::size_t spots, const double* vol, VolsFor vols_for,
                    std::size_t vols, double* out, int threads = 1) const noexcept;

    // Price and Greeks of a contract; vega is the slope of the polynomial through the levels.
    PresentReading present(std::size_t contract, double spot, double vol) const noexcept;

  private:
    static constexpr std::uint32_t kNoRow = std::numeric_limits<std::uint32_t>::max();
    struct Row;  // of a ladder to be solved
    struct Block;
    struct Mixture;
    struct Window {  // the levels of a polynomial, and its barycentric weights
        std::size_t first, count;
        double weight[kMostLevels];
    };

    OptionRows rows() const noexcept;
    Terms terms(Exercise exercise) const noexcept;
    bool in_closed_form(std::size_t contract) const noexcept;
    const Ladders* ladders_of(std::size_t contract) const noexcept;
    void plan(std::size_t contract, Reach reach, std::vector<Row>& american, std::vector<Row>& european);
    void weigh(std::size_t contract) noexcept;
    double threshold(std::size_t contract) const noexcept;
    std::uint32_t row_at(const Ladders& ladders, std::size_t place, double spot) const noexcept;
    double limit(std::size_t contract, double spot) const noexcept;
    void closed_form(std::size_t contract, const double* spot, std::size_t spots, const double* vol,
                     std::size_t stride, std::size_t vols, double* out) const noexcept;
    void from_ladders(std::size_t contract, const double* spot, std::size_t spots, const double* vol,
                      std::size_t stride, std::size_t vols, double* out) const noexcept;
    void at_levels(std::size_t contract, std::size_t from, std::size_t levels, const double* spot,
                   std::size_t count, Block& block) const noexcept;
    double between(std::size_t contract, const double* price, std::size_t stride, double vol) const noexcept;
    Window window(std::size_t contract, double vol) const noexcept;
    bool reaches(std::size_t contract, double vol) const noexcept;
    Mixture mixture(std::size_t contract, const double* vol, std::size_t vols) const noexcept;
    PresentReading present_in_closed_form(std::size_t contract, double spot, double vol) const noexcept;

    const KernelSet& kernels_;
    std::size_t count_;
    Tolerance tolerance_;
    std::vector<std::int8_t> right_;
    std::vector<double> spot_, strike_, years_, rate_, yield_;
    std::vector<std::uint8_t> american_;
    std::vector<std::size_t> offsets_;
    std::vector<double> ex_years_, cash_;
    std::vector<std::int32_t> schedule_;
    std::vector<double> level_, weight_;  // (size, count): volatilities and barycentric weights
    std::vector<std::uint8_t> spread_;  // (size): whether the polynomial through all levels is to be trusted
    std::vector<std::uint32_t> near_, far_;  // (size, count): rows of the ladders around spot and threshold
    std::optional<Ladders> american_ladders_, european_ladders_;
};

}  // namespace atalanta::risk
