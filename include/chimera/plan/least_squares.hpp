// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace chimera {

struct fit_result {
    std::vector<double> at;  ///< the minimiser
    double cost = 0;         ///< half the sum of squared residuals there
    std::vector<double>
        covariance;  ///< n × n, (JᵀJ)⁻¹ Σr² / (m - n); infinite where the residuals do not fix a direction
    int iterations = 0;
    bool converged = false;
};

namespace detail {

/// Solves A x = b for a symmetric positive definite A (n × n, row after row) by Cholesky; false where it is not.
inline bool solve_spd(std::vector<double> a, std::span<const double> b, std::span<double> x) {
    const std::size_t n = x.size();
    for (std::size_t j = 0; j < n; ++j) {
        for (std::size_t i = j; i < n; ++i) {
            double sum = a[i * n + j];
            for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
            if (i == j && !(sum > 1e-14 * a[j * n + j] && std::isfinite(sum))) return false;
            a[i * n + j] = i == j ? std::sqrt(sum) : sum / a[j * n + j];
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        double sum = b[i];
        for (std::size_t k = 0; k < i; ++k) sum -= a[i * n + k] * x[k];
        x[i] = sum / a[i * n + i];
    }
    for (std::size_t i = n; i-- > 0;) {
        for (std::size_t k = i + 1; k < n; ++k) x[i] -= a[k * n + i] * x[k];
        x[i] /= a[i * n + i];
    }
    return true;
}

/// One problem's residuals, their derivatives by central differences, and the normal equations.
template <class Residuals>
class least_squares_problem {
public:
    least_squares_problem(const Residuals& of, std::size_t residuals, std::size_t unknowns)
        : of_(of), residuals(residuals), back_(residuals), n_(unknowns), jacobian_(residuals * unknowns),
          normal(unknowns * unknowns), gradient(unknowns) {}

    double cost(std::span<const double> x, std::vector<double>& r) const {
        of_(x, std::span<double>(r));
        double sum = 0;
        for (const double one : r) sum += one * one;
        return sum / 2;
    }

    /// JᵀJ and -Jᵀr at x, where the residuals are already known.
    void linearise(std::vector<double> x) {
        const std::size_t m = residuals.size();
        std::vector<double> ahead(m);
        for (std::size_t j = 0; j < n_; ++j) {
            const double at = x[j];
            const double h = 1e-5 * std::max(1.0, std::abs(at));
            x[j] = at + h;
            of_(std::span<const double>(x), std::span<double>(ahead));
            x[j] = at - h;
            of_(std::span<const double>(x), std::span<double>(back_));
            x[j] = at;
            for (std::size_t i = 0; i < m; ++i) jacobian_[j * m + i] = (ahead[i] - back_[i]) / (2 * h);
        }
        for (std::size_t a = 0; a < n_; ++a) {
            gradient[a] = -dot(a, residuals.data());
            for (std::size_t b = 0; b <= a; ++b)
                normal[a * n_ + b] = normal[b * n_ + a] = dot(a, jacobian_.data() + b * m);
        }
    }

private:
    double dot(std::size_t column, const double* with) const {
        const std::size_t m = residuals.size();
        double sum = 0;
        for (std::size_t i = 0; i < m; ++i) sum += jacobian_[column * m + i] * with[i];
        return sum;
    }

    const Residuals& of_;

public:
    std::vector<double> residuals;

private:
    std::vector<double> back_;
    std::size_t n_;
    std::vector<double> jacobian_;  // column after column

public:
    std::vector<double> normal;
    std::vector<double> gradient;
};

inline std::vector<double> covariance_of(const std::vector<double>& normal, std::size_t n, double variance) {
    std::vector<double> out(n * n, INFINITY), unit(n), column(n);
    for (std::size_t j = 0; j < n; ++j) {
        std::fill(unit.begin(), unit.end(), 0.0);
        unit[j] = 1;
        if (!solve_spd(normal, unit, column)) return out;
        for (std::size_t i = 0; i < n; ++i) out[i * n + j] = column[i] * variance;
    }
    return out;
}

}  // namespace detail

/// Minimises Σ r(x)² / 2 by Levenberg's and Marquardt's damped steps. `residuals(x, r)` writes `count` residuals; where they are not
/// finite the step is refused. Derivatives are central differences. Throws error for fewer residuals than unknowns, or
/// residuals that are not finite at the start.
template <class Residuals>
fit_result least_squares(const Residuals& residuals, std::size_t count, std::vector<double> start, int most = 200,
                         double tolerance = 1e-10) {
    const std::size_t n = start.size();
    if (n == 0 || count < n)
        refuse(std::to_string(count) + " residuals do not fix " + std::to_string(n) +
               " unknowns (as many are needed) fit fewer");
    detail::least_squares_problem<Residuals> p(residuals, count, n);
    fit_result out{std::move(start), 0, {}, 0, false};
    out.cost = p.cost(out.at, p.residuals);
    if (!std::isfinite(out.cost)) refuse("residuals are not finite (at the start of the fit) start elsewhere");
    p.linearise(out.at);
    std::vector<double> step(n), next(n), tried(count), damped;
    double damping = 1e-3;
    for (; out.iterations < most && !out.converged; ++out.iterations) {
        damped = p.normal;
        for (std::size_t j = 0; j < n; ++j) damped[j * n + j] += damping * std::max(damped[j * n + j], 1e-12);
        double cost = INFINITY;
        if (detail::solve_spd(damped, p.gradient, step)) {
            for (std::size_t j = 0; j < n; ++j) next[j] = out.at[j] + step[j];
            cost = p.cost(next, tried);
        }
        if (!(cost < out.cost)) {
            out.converged = damping > 1e12;
            damping *= 4;
            continue;
        }
        out.converged = out.cost - cost <= tolerance * out.cost;
        out.at = next;
        out.cost = cost;
        p.residuals = tried;
        damping = std::max(damping / 5, 1e-12);
        p.linearise(out.at);
    }
    const double freedom = static_cast<double>(std::max<std::size_t>(1, count - n));
    out.covariance = detail::covariance_of(p.normal, n, 2 * out.cost / freedom);
    return out;
}

}  // namespace chimera
