#include <algorithm>
#include <cmath>
#include <limits>

#include "pricing/dispatch.hpp"
#include "pricing/ladder/batch.hpp"
#include "pricing/ladder/ladder.hpp"

namespace atalanta {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// A thread keeps its lanes full out of so many options.
constexpr std::size_t kSearchesPerPiece = 8 * kLadderOptions;

// The searches of one call. Lanes take a new option as soon as theirs is finished.
class Searches {
  public:
    Searches(const QuotedRows& rows, const Terms& terms, const LadderKernels& kernels)
        : kernels_(kernels),
          tolerance_(terms.tolerance.cash),
          searches_(rows.size),
          highest_(rows.size),
          done_(rows.size) {
        for (std::size_t row = 0; row < rows.size; ++row) {
            searches_[row].option = ladder_option(rows, terms, row);
        }
    }

    void begin(const QuotedRows& rows, const double* start, double* vol, ImpliedVolStatus* status) {
        std::uint32_t most = 0;
        for (const LadderSearch& search : searches_) most = std::max(most, search.option.dividends);
        std::vector<double> by_cash(most);
        for (std::size_t row = 0; row < searches_.size(); ++row) {
            const double known = start == nullptr ? kNotANumber : start[row];
            const LadderOption option = searches_[row].option;
            const ImpliedVolStatus state = kernels_.begin_search(option, rows.price[row], known, tolerance_,
                                                                 by_cash.data(), &searches_[row]);
            if (status != nullptr) status[row] = state;
            done_[row] = state != ImpliedVolStatus::ok;
            highest_[row] = searches_[row].high;
            vol[row] = kNotANumber;
        }
    }

    // Searches on the grids that fit the present volatilities.
    void run(int threads, double* vol) {
        const LadderBatch batch(options(), done_, tolerance_, kernels_, kSearchesPerPiece);
        batch.for_each_piece(
            threads, kernels_.solve_doubles,
            [&](const LadderPiece& piece, double* memory, double*) { stream(batch, piece, memory); });
        for (const std::size_t row : batch.others()) searches_[row].option.vol = kNotANumber;
        for (std::size_t row = 0; row < searches_.size(); ++row) {
            if (done_[row]) continue;
            if (is_beyond_reach(row)) searches_[row].option.vol = kNotANumber;
            vol[row] = searches_[row].option.vol;
            done_[row] = !reopen(row, batch.shape(row));
        }
    }

    void explain_failures(const double* vol, ImpliedVolStatus* status) const {
        for (std::size_t row = 0; status != nullptr && row < searches_.size(); ++row) {
            if (status[row] == ImpliedVolStatus::ok && std::isnan(vol[row])) {
                status[row] = ImpliedVolStatus::above_bound;
            }
        }
    }

  private:
    std::vector<LadderOption> options() const {
        std::vector<LadderOption> all(searches_.size());
        for (std::size_t row = 0; row < all.size(); ++row) all[row] = searches_[row].option;
        return all;
    }

    // The search has run into the largest volatility that it tries, and the price there is below the quote.
    bool is_beyond_reach(std::size_t row) const {
        const LadderSearch& search = searches_[row];
        return search.option.vol > (1.0 - 1e-9) * highest_[row] &&
               search.last_price < search.target - search.within;
    }

    // The answer may ask for another grid than its start did; then the search goes on there.
    bool reopen(std::size_t row, const LadderShape& shape) {
        LadderSearch& search = searches_[row];
        LadderShape fitting;
        std::vector<std::uint16_t> steps(search.option.dividends + 1);
        if (!kernels_.shape(search.option, tolerance_, &fitting, steps.data())) return false;
        if (fitting.nodes == shape.nodes) return false;
        kernels_.reopen_search(&search);
        return true;
    }

    void stream(const LadderBatch& batch, const LadderPiece& piece, double* memory) {
        std::size_t lanes[kLadderOptions], next = 0, busy = 0;
        for (; busy < kLadderOptions && next < piece.count; ++busy) lanes[busy] = piece.options[next++];
        while (busy > 0) {
            LadderBlock block;
            LadderReading readings[kLadderOptions];
            block.count = busy;
            for (std::size_t i = 0; i < busy; ++i) {
                block.options[i] = searches_[lanes[i]].option;
                block.shapes[i] = batch.shape(lanes[i]);
            }
            kernels_.solve(block, memory, readings);
            std::size_t kept = 0;
            for (std::size_t i = 0; i < busy; ++i) {
                if (!kernels_.advance_search(&searches_[lanes[i]], readings[i].price)) {
                    lanes[kept++] = lanes[i];
                }
            }
            busy = kept;
            while (busy < kLadderOptions && next < piece.count) lanes[busy++] = piece.options[next++];
        }
    }

    const LadderKernels& kernels_;
    const double tolerance_;
    std::vector<LadderSearch> searches_;
    std::vector<double> highest_;  // volatilities, where the searches begin
    std::vector<bool> done_;
};

}  // namespace

void ladder_implied_vol(const QuotedRows& rows, const Terms& terms, const double* start, double* vol,
                        ImpliedVolStatus* status, int threads) {
    Searches searches(rows, terms, *active_kernels().ladder);
    searches.begin(rows, start, vol, status);
    searches.run(threads, vol);
    searches.run(threads, vol);
    searches.explain_failures(vol, status);
}

}  // namespace atalanta
