// Options with cash dividends, slowly and to six digits: an independent program for the values that tests
// hold.
//
// Between ex-dates the spot is lognormal with a continuous yield; at each it falls by min(cash, spot). Finite
// differences in the spot itself on a sinh grid around the strike, TR-BDF2 in time with steps that grow from
// every date, policy iteration for exercise (whatever the shape of its region), cubic interpolation over the
// jumps, and Richardson's extrapolation of two grids. It shares neither variables nor scheme with the
// kernels.
//
//     c++ -O3 -std=c++20 tests/references/spot_model_pde.cpp -o pde
//     echo put,american,100,110,1,0.05,0,0.3,0.25:2;0.75:2 | ./pde 4000 1600
//
// Lines in: right, exercise, spot, strike, years, rate, yield, vol, dividends. Lines out: price, delta,
// gamma, theta, and a third of what the finer grid changed. Against the quadratures of 12 options: 2e-6 at
// most.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

using Values = std::vector<double>;

struct Option {
    int right;
    bool american;
    double spot, strike, years, rate, dividend_yield, vol;
    std::vector<std::pair<double, double>> dividends;  // those that count, the first date first
};

struct Result {
    double price, delta, gamma, theta;
};

struct Tridiagonal {
    Values below, middle, above;
};

// (matrix) v = f where v > payoff, else v = payoff; exercised is the start and the answer.
struct Exercise {
    const Values& payoff;
    bool allowed;
    std::vector<char> exercised;

    void solve(const Tridiagonal& matrix, const Values& f, Values& v) {
        for (int round = 0; round < 60; ++round) {
            sweep(matrix, f, v);
            if (!allowed || !changed(matrix, f, v)) return;
        }
    }

  private:
    void sweep(const Tridiagonal& matrix, const Values& f, Values& v) const {
        const std::size_t n = f.size();
        Values upper(n), right(n);
        for (std::size_t i = 0; i < n; ++i) {
            const bool fixed = allowed && exercised[i];
            const double below = fixed ? 0 : matrix.below[i], above = fixed ? 0 : matrix.above[i];
            const double pivot = (fixed ? 1 : matrix.middle[i]) - (i > 0 ? below * upper[i - 1] : 0);
            upper[i] = above / pivot;
            right[i] = ((fixed ? payoff[i] : f[i]) - (i > 0 ? below * right[i - 1] : 0)) / pivot;
        }
        v[n - 1] = right[n - 1];
        for (std::size_t i = n - 1; i-- > 0;) v[i] = right[i] - upper[i] * v[i + 1];
    }

    bool changed(const Tridiagonal& matrix, const Values& f, const Values& v) {
        const std::size_t n = f.size();
        bool any = false;
        for (std::size_t i = 0; i < n; ++i) {
            double residual = matrix.middle[i] * v[i] - f[i];
            if (i > 0) residual += matrix.below[i] * v[i - 1];
            if (i + 1 < n) residual += matrix.above[i] * v[i + 1];
            const char now = exercised[i] ? residual > -1e-13 : v[i] < payoff[i];
            any |= now != exercised[i];
            exercised[i] = now;
        }
        return any;
    }
};

// Spots: 0 first, the strike at a node.
Values sinh_grid(const Option& option, int points) {
    double cash = 0;
    for (const auto& [years, paid] : option.dividends) cash += paid;
    const double deviation = option.vol * std::sqrt(option.years);
    const double drift =
        std::abs(option.rate - option.dividend_yield) * option.years + deviation * deviation / 2;
    const double top =
        1.2 * (std::max(option.spot, option.strike) + cash) * std::exp(std::min(7 * deviation + drift, 9.0));
    const double width = option.strike * std::clamp(deviation, 0.01, 0.6);
    const double low = std::asinh(-option.strike / width), high = std::asinh((top - option.strike) / width);
    const int left = std::max(8, static_cast<int>(std::lround(-low / (high - low) * points)));
    const double step = -low / left;
    const int right = static_cast<int>(std::ceil(high / step));
    Values grid;
    for (int i = -left; i <= right; ++i) grid.push_back(option.strike + width * std::sinh(i * step));
    grid[0] = 0;
    return grid;
}

// The operator of Black, Scholes and Merton; linear at the upper end.
Tridiagonal generator(const Option& option, const Values& grid) {
    const std::size_t n = grid.size();
    const double drift = option.rate - option.dividend_yield;
    Tridiagonal made{Values(n), Values(n), Values(n)};
    made.middle[0] = -option.rate;
    for (std::size_t i = 1; i + 1 < n; ++i) {
        const double before = grid[i] - grid[i - 1], after = grid[i + 1] - grid[i];
        const double variance = std::pow(option.vol * grid[i], 2), carry = drift * grid[i];
        made.below[i] = (variance - carry * after) / (before * (before + after));
        made.above[i] = (variance + carry * before) / (after * (before + after));
        made.middle[i] = -(made.below[i] + made.above[i]) - option.rate;
    }
    const double slope = drift * grid[n - 1] / (grid[n - 1] - grid[n - 2]);
    made.below[n - 1] = -slope;
    made.middle[n - 1] = slope - option.rate;
    return made;
}

Tridiagonal implicit(const Tridiagonal& operator_, double step) {
    Tridiagonal made = operator_;
    for (double& x : made.below) x *= -step;
    for (double& x : made.above) x *= -step;
    for (double& x : made.middle) x = 1 - step * x;
    return made;
}

void tr_bdf2(const Tridiagonal& operator_, double step, Exercise& exercise, Values& v) {
    const double gamma = 2 - std::sqrt(2.0), half = gamma * step / 2;
    const std::size_t n = v.size();
    Values f(n), middle = v;
    for (std::size_t i = 0; i < n; ++i) {
        double change = operator_.middle[i] * v[i];
        if (i > 0) change += operator_.below[i] * v[i - 1];
        if (i + 1 < n) change += operator_.above[i] * v[i + 1];
        f[i] = v[i] + half * change;
    }
    exercise.solve(implicit(operator_, half), f, middle);
    const double first = 1 / (gamma * (2 - gamma)), second = -std::pow(1 - gamma, 2) * first;
    for (std::size_t i = 0; i < n; ++i) f[i] = first * middle[i] + second * v[i];
    v = middle;
    exercise.solve(implicit(operator_, (1 - gamma) / (2 - gamma) * step), f, v);
}

// Value and two derivatives of the polynomial through `order` nodes around a spot.
void polynomial(const Values& grid, const Values& v, double spot, std::size_t order, double (&out)[3]) {
    const auto found = std::upper_bound(grid.begin(), grid.end(), spot) - grid.begin();
    const auto wanted = std::max<std::ptrdiff_t>(found - static_cast<std::ptrdiff_t>(order) / 2, 0);
    const std::size_t low = std::min(static_cast<std::size_t>(wanted), grid.size() - order);
    std::fill(std::begin(out), std::end(out), 0.0);
    for (std::size_t j = low; j < low + order; ++j) {
        double basis = 1, slope = 0, bend = 0;  // of the j-th Lagrange polynomial, factor by factor
        for (std::size_t k = low; k < low + order; ++k) {
            if (k == j) continue;
            const double factor = (spot - grid[k]) / (grid[j] - grid[k]), rise = 1 / (grid[j] - grid[k]);
            bend = bend * factor + 2 * slope * rise;
            slope = slope * factor + basis * rise;
            basis *= factor;
        }
        out[0] += basis * v[j];
        out[1] += slope * v[j];
        out[2] += bend * v[j];
    }
}

void pay_dividend(const Values& grid, double cash, Exercise& exercise, Values& v) {
    const Values after = v;
    double at[3];
    for (std::size_t i = 0; i < grid.size(); ++i) {
        polynomial(grid, after, std::max(grid[i] - cash, 0.0), 4, at);
        v[i] = exercise.allowed ? std::max(at[0], exercise.payoff[i]) : at[0];
    }
    std::fill(exercise.exercised.begin(), exercise.exercised.end(), char{0});
}

Values payoff_on(const Option& option, const Values& grid) {
    Values payoff;
    for (double spot : grid) payoff.push_back(std::max(0.0, option.right * (spot - option.strike)));
    return payoff;
}

// The payoff, averaged over the cell of its kink: the start of a second-order scheme.
Values start(const Option& option, const Values& grid, const Values& payoff) {
    Values v = payoff;
    const auto kink = static_cast<std::size_t>(
        std::lower_bound(grid.begin(), grid.end(), option.strike * (1 - 1e-12)) - grid.begin());
    const double before = grid[kink] - grid[kink - 1], after = grid[kink + 1] - grid[kink];
    const double side = option.right > 0 ? after : before;
    v[kink] = side * side / (4 * (before + after));
    return v;
}

Result solved(const Option& option, int points, int steps) {
    const Values grid = sinh_grid(option, points), payoff = payoff_on(option, grid);
    const Tridiagonal operator_ = generator(option, grid);
    Exercise exercise{payoff, option.american, std::vector<char>(grid.size(), 0)};
    Values v = start(option, grid, payoff);
    double end = option.years;
    for (std::size_t left = option.dividends.size() + 1; left-- > 0;) {
        const double begin = left > 0 ? option.dividends[left - 1].first : 0.0, length = end - begin;
        const int count = std::max(40, static_cast<int>(std::ceil(steps * std::sqrt(length / option.years))));
        for (int s = 1; s <= count; ++s) {
            tr_bdf2(operator_, length * (2.0 * s - 1) / count / count, exercise, v);
        }
        if (left > 0) pay_dividend(grid, option.dividends[left - 1].second, exercise, v);
        end = begin;
    }
    double at[3];
    polynomial(grid, v, option.spot, 6, at);
    const double now = std::max(0.0, option.right * (option.spot - option.strike));
    const bool held = !option.american || at[0] > now + 1e-9;
    const double carry = (option.rate - option.dividend_yield) * option.spot * at[1];
    const double spread = 0.5 * std::pow(option.vol * option.spot, 2) * at[2];
    return {at[0], at[1], at[2], held ? option.rate * at[0] - carry - spread : 0.0};
}

Option read(const std::string& line) {
    std::vector<std::string> words;
    std::istringstream text(line);
    for (std::string word; std::getline(text, word, ',');) words.push_back(word);
    words.resize(9);
    const auto number = [&](std::size_t i) { return std::stod(words[i]); };
    Option option{words[0] == "call" ? 1 : -1,
                  words[1] == "american",
                  number(2),
                  number(3),
                  number(4),
                  number(5),
                  number(6),
                  number(7),
                  {}};
    std::istringstream dividends(words[8]);
    for (std::string entry; std::getline(dividends, entry, ';');) {
        const std::size_t colon = entry.find(':');
        const double years = std::stod(entry.substr(0, colon)), cash = std::stod(entry.substr(colon + 1));
        if (years > 0 && years < option.years) option.dividends.emplace_back(years, cash);
    }
    return option;
}

}  // namespace

int main(int count, char** words) {
    const int points = count > 1 ? std::atoi(words[1]) : 1500, steps = count > 2 ? std::atoi(words[2]) : 600;
    for (std::string line; std::getline(std::cin, line);) {
        const Option option = read(line);
        const Result coarse = solved(option, points, steps), fine = solved(option, 2 * points, 2 * steps);
        const auto limit = [](double far, double near) { return near + (near - far) / 3; };
        std::printf("%.10g,%.8g,%.8g,%.8g,%.1e\n", limit(coarse.price, fine.price),
                    limit(coarse.delta, fine.delta), limit(coarse.gamma, fine.gamma),
                    limit(coarse.theta, fine.theta), std::abs(fine.price - coarse.price) / 3);
    }
}
