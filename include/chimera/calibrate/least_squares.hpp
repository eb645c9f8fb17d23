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

/// The result of least squares.
struct fit_result {
    std::vector<double> at;  ///< the minimiser
    double cost = 0;         ///< half the sum of squared residuals there
    std::vector<double>
        covariance;      ///< n × n, (JᵀJ)⁻¹ Σr² / (m - n); infinite where the residuals do not fix a direction
    int iterations = 0;  ///< steps that were taken
    bool converged = false;  ///< no further step is worth its time; false: the limit of steps came first
};

namespace detail {

/// Solves A x = b for a symmetric positive definite A (n × n, row-major) by Cholesky; returns false if it is not.
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

inline double dot(const double* a, const double* b, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
    return sum;
}

/// Half the sum of squares of the residuals at x, which are left in r.
template <class Residuals>
double half_squares(const Residuals& residuals, std::span<const double> x, std::vector<double>& r) {
    residuals(x, std::span<double>(r));
    return dot(r.data(), r.data(), r.size()) / 2;
}

/// JᵀJ and -Jᵀr.
struct normal_equations {
    std::vector<double> matrix;  ///< n × n
    std::vector<double> right;
};

/// The normal equations at x, where the residuals are r; derivatives by central differences.
template <class Residuals>
void linearise(const Residuals& residuals, std::vector<double> x, const std::vector<double>& r, normal_equations& out) {
    const std::size_t n = x.size(), m = r.size();
    std::vector<double> ahead(m), back(m), jacobian(n * m);  // column after column
    for (std::size_t j = 0; j < n; ++j) {
        const double at = x[j];
        const double h = 1e-5 * (std::max)(1.0, std::abs(at));
        x[j] = at + h;
        residuals(std::span<const double>(x), std::span<double>(ahead));
        x[j] = at - h;
        residuals(std::span<const double>(x), std::span<double>(back));
        x[j] = at;
        for (std::size_t i = 0; i < m; ++i) jacobian[j * m + i] = (ahead[i] - back[i]) / (2 * h);
    }
    out.matrix.resize(n * n);
    out.right.resize(n);
    for (std::size_t a = 0; a < n; ++a) {
        const double* const column = jacobian.data() + a * m;
        out.right[a] = -dot(column, r.data(), m);
        for (std::size_t b = 0; b <= a; ++b)
            out.matrix[a * n + b] = out.matrix[b * n + a] = dot(column, jacobian.data() + b * m, m);
    }
}

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

/// Minimises Σ r(x)² / 2 by Levenberg's and Marquardt's damped steps. `residuals(x, r)` writes `count` residuals; where
/// they are not finite the step is refused. Derivatives are central differences. Throws error for fewer residuals than
/// unknowns, or residuals that are not finite at the start.
template <class Residuals>
[[nodiscard]] fit_result least_squares(const Residuals& residuals, std::size_t count, std::vector<double> start,
                                       int most = 200, double tolerance = 1e-10) {
    const std::size_t n = start.size();
    if (n == 0 || count < n)
        refuse(std::to_string(count) + " residuals do not fix " + std::to_string(n) +
               " unknowns (as many are needed) fit fewer");
    fit_result out{std::move(start), 0, {}, 0, false};
    std::vector<double> r(count), tried(count), step(n), next(n), damped;
    out.cost = detail::half_squares(residuals, out.at, r);
    if (!std::isfinite(out.cost)) refuse("residuals are not finite (at the start of the fit) start elsewhere");
    detail::normal_equations equations;
    detail::linearise(residuals, out.at, r, equations);
    double damping = 1e-3;
    for (; out.iterations < most && !out.converged; ++out.iterations) {
        damped = equations.matrix;
        for (std::size_t j = 0; j < n; ++j) damped[j * n + j] += damping * (std::max)(damped[j * n + j], 1e-12);
        double cost = INFINITY;
        if (detail::solve_spd(damped, equations.right, step)) {
            for (std::size_t j = 0; j < n; ++j) next[j] = out.at[j] + step[j];
            cost = detail::half_squares(residuals, next, tried);
        }
        if (!(cost < out.cost)) {
            out.converged = damping > 1e12;
            damping *= 4;
            continue;
        }
        out.converged = out.cost - cost <= tolerance * out.cost;
        out.at = next;
        out.cost = cost;
        r.swap(tried);
        damping = (std::max)(damping / 5, 1e-12);
        detail::linearise(residuals, out.at, r, equations);
    }
    const double freedom = static_cast<double>((std::max<std::size_t>)(1, count - n));
    out.covariance = detail::covariance_of(equations.matrix, n, 2 * out.cost / freedom);
    return out;
}

}  // namespace chimera
