// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/least_squares.hpp>
#include <chimera/calibrate/predictor.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace chimera {

/// A fitted number of the hardware with its 95 % confidence interval, which holds as far as the model is right.
struct estimate {
    const hardware_number* number = nullptr;  ///< number that was fitted
    double value = 0;                         ///< fitted value, in the number's unit
    double low = 0;                           ///< lower end of the interval
    double high = 0;                          ///< upper end of the interval
    double assumed = 0;  ///< part of its variance that rows leave: near 1 where they do not tell, and it stays as known

    /// Returns true if the rows tell the number, rather than what was known before.
    [[nodiscard]] constexpr bool told() const noexcept { return assumed < 0.5; }
};

/// The errors of predictions, relative to the measurements.
struct error_summary {
    double mean = 0;  ///< of the absolute errors
    double p95 = 0;   ///< 95 of 100 are at most that
    double most = 0;  ///< largest absolute error
};

/// The errors of rows with a size that no fitted row has: each value of the size leaves in turn.
struct extrapolation {
    std::string_view size;   ///< "hidden size", "tensor width" or "workers"
    std::size_t values = 0;  ///< values that it has among the rows
    error_summary unseen;    ///< errors of rows that were left out
};

/// The result of `calibrate`: fitted parameters and their errors. Rows are measured configurations; all errors are
/// relative: predicted / measured - 1.
struct calibration {
    hardware fitted;                    ///< hardware with the fitted numbers
    std::vector<estimate> estimates;    ///< fitted numbers with their intervals
    std::vector<double> errors;         ///< of every row: predicted / measured - 1
    std::vector<double> held_out;       ///< the same, each by a fit without the row's fold
    error_summary fit;                  ///< of `errors`
    error_summary unseen;               ///< of held_out
    int folds = 0;                      ///< parts that were left out in turn
    std::vector<extrapolation> beyond;  ///< for each size of which rows have several
};

/// The options of a fit, and the groups of rows that are left out in turn to test its predictions.
struct calibration_options {
    int folds = 0;  ///< parts that are left out in turn; 0: every row alone, or five where rows are more than 200
    double tolerable = 0;    ///< errors beyond it weigh less and less (soft L1); 0: all weigh as least squares have it
    std::uint64_t seed = 1;  ///< of the folds
};

/// Returns a summary of relative errors; p95 is the smallest one that at least 95 % do not exceed.
[[nodiscard]] inline error_summary sum_up(std::span<const double> errors) {
    std::vector<double> sorted;
    for (const double e : errors) sorted.push_back(std::abs(e));
    if (sorted.empty()) return {};
    std::sort(sorted.begin(), sorted.end());
    error_summary out;
    for (const double e : sorted) out.mean += e / static_cast<double>(sorted.size());
    out.p95 = sorted[(95 * sorted.size() + 99) / 100 - 1];
    out.most = sorted.back();
    return out;
}

namespace detail {

/// 97.5 % quantile of Student's t, by Cornish and Fisher's expansion of the normal one.
constexpr double student(double freedom) {
    const double z = 1.959963985, z3 = z * z * z, z5 = z3 * z * z, f = freedom;
    return z + (z3 + z) / (4 * f) + (5 * z5 + 16 * z3 + 3 * z) / (96 * f * f) +
           (3 * z5 * z * z + 19 * z5 + 17 * z3 - 15 * z) / (384 * f * f * f);
}

/// |r| beyond `scale` grows as its square root: least squares of it are the soft L1 norm.
inline double tamed(double r, double scale) {
    if (scale <= 0) return r;
    const double z = r / scale;
    return std::copysign(scale * std::sqrt(2 * (std::sqrt(1 + z * z) - 1)), r);
}

/// The part of every row in a fit. Rows of one family with layers, micro-batches, slices and stages alike share the
/// error of their layers' times: all of them together weigh as one. Squares are multiplied by it.
inline std::vector<double> weights_of(const predictor& rows) {
    std::map<std::tuple<double, int, int, int, int>, double> alike;
    const auto key = [&](const measurement& m) {
        double most = 0;
        for (const layer& l : rows.model_of(m).layers)
            if (l.kind == layer_kind::block) most = (std::max)(most, l.forward);
        return std::tuple(most, m.with.micro_batch, m.with.tensor, m.with.schedule.stages,
                          static_cast<int>(m.with.schedule.which));
    };
    for (const measurement& m : rows.rows()) ++alike[key(m)];
    std::vector<double> out;
    for (const measurement& m : rows.rows()) out.push_back(1 / alike[key(m)]);
    return out;
}

/// A fit, and how sure it is: the variance of every number's logarithm, and the part of it that rows do not reduce.
struct known_fit {
    std::vector<double> at, variance, assumed;
};

/// Fits the logarithms of numbers to rows and to what is known without them: each number is as likely as its spread
/// around its start has it (ridge, or Bayes with normal errors). The weight of rows follows from their own error, which
/// is estimated in turn.
class calibrator {
public:
    calibrator(predictor& rows, std::vector<const hardware_number*> numbers, std::vector<double> start,
               double tolerable)
        : of_(rows), numbers_(std::move(numbers)), start_(std::move(start)), weight_(weights_of(rows)),
          tolerable_(tolerable) {}

    hardware at(hardware base, std::span<const double> logs) const {
        for (std::size_t j = 0; j < numbers_.size(); ++j) numbers_[j]->of(base) = std::exp(logs[j]);
        return base;
    }
    /// Fits to all rows, estimates their error and keeps it for `again`.
    known_fit fit(const hardware& base, const std::vector<std::size_t>& rows, std::vector<double> from) {
        fit_result found;
        for (int turn = 0; turn < 4; ++turn) {
            found = fit(base, rows, std::move(from), 200, error_);
            from = found.at;
            const double now = error_of(base, rows, found.at);
            if (std::abs(now - error_) < 0.1 * error_) break;
            error_ = now;
        }
        return judged(found, rows.size(), error_);
    }
    /// Fits to fewer rows, from where the fit to all ended.
    hardware again(const hardware& base, const std::vector<std::size_t>& rows, const std::vector<double>& from) {
        return at(base, fit(base, rows, from, 60, error_).at);
    }

private:
    fit_result fit(const hardware& base, const std::vector<std::size_t>& rows, std::vector<double> from, int most,
                   double error) {
        const std::size_t m = rows.size();
        const auto residuals = [&](std::span<const double> logs, std::span<double> r) {
            for (std::size_t j = 0; j < logs.size(); ++j)
                if (!possible(*numbers_[j], logs[j], base)) return std::fill(r.begin(), r.end(), INFINITY);
            const hardware on = at(base, logs);
            for (std::size_t i = 0; i < m; ++i)
                r[i] = std::sqrt(weight_[rows[i]]) * tamed(of_.error(rows[i], on), tolerable_);
            for (std::size_t j = 0; j < logs.size(); ++j)
                r[m + j] = (std::max)(error, 1e-9) * (logs[j] - start_[j]) / numbers_[j]->spread;
        };
        const std::size_t count = m + from.size();
        return least_squares(residuals, count, std::move(from), most, 1e-7);
    }
    /// Root of the mean square of the rows' tamed errors.
    double error_of(const hardware& base, const std::vector<std::size_t>& rows, std::span<const double> logs) {
        const hardware on = at(base, logs);
        double squares = 0, weights = 0;
        for (const std::size_t i : rows) {
            const double e = tamed(of_.error(i, on), tolerable_);
            squares += weight_[i] * e * e;
            weights += weight_[i];
        }
        return std::sqrt(squares / weights);
    }
    known_fit judged(const fit_result& found, std::size_t m, double error) const {
        const std::size_t n = numbers_.size();
        const double freedom = static_cast<double>((std::max<std::size_t>)(1, m));
        known_fit out{found.at, {}, {}};
        for (std::size_t j = 0; j < n; ++j) {
            const double own = (std::max)(error, 1e-9) / numbers_[j]->spread;
            const double inverse = found.covariance[j * n + j] / (std::max)(2 * found.cost / freedom, 1e-300);
            out.variance.push_back(inverse * error * error);
            out.assumed.push_back(inverse * own * own);
        }
        return out;
    }
    /// Returns whether a number keeps within what is possible; one that may be 0 comes as near to it as matters. No
    /// product is faster than the data sheet has it.
    static bool possible(const hardware_number& number, double log, const hardware& base) {
        const double peak = number.name == "flops" ? base.peak : number.name == "fp8_flops" ? base.fp8_peak : 0;
        const double most = peak > 0 ? peak : number.most;
        return log >= std::log((std::max)(number.least, 1e-15)) - 1e-9 && log <= std::log(most) + 1e-9;
    }

    predictor& of_;
    std::vector<const hardware_number*> numbers_;
    std::vector<double> start_, weight_;
    double tolerable_;
    double error_ = 0.05;  // of a row
};

/// The configuration that every row measures, numbered from 0.
inline std::vector<std::size_t> runs_of(const std::vector<measurement>& rows) {
    std::vector<std::size_t> out, first;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::size_t run = 0;
        while (run < first.size() && !same_run(rows[first[run]], rows[i])) ++run;
        if (run == first.size()) first.push_back(i);
        out.push_back(run);
    }
    return out;
}

/// The fold of every configuration: parts that differ by at most one, drawn without regard to their order.
inline std::vector<int> draw_folds(std::size_t runs, int folds, std::uint64_t seed) {
    std::vector<int> out(runs);
    for (std::size_t i = 0; i < runs; ++i) out[i] = static_cast<int>(i % static_cast<std::size_t>(folds));
    for (std::size_t i = runs; i-- > 1;) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;  // Knuth's multiplier
        std::swap(out[i], out[(seed >> 33) % (i + 1)]);
    }
    return out;
}

/// Fits without each fold in turn. Rows of one configuration leave together.
inline void hold_out(calibration& out, calibrator& fitter, predictor& rows, const hardware& base,
                     const std::vector<double>& best, const calibration_options& options) {
    const std::size_t m = rows.size();
    const std::vector<std::size_t> run = runs_of(rows.rows());
    const std::size_t runs = *std::max_element(run.begin(), run.end()) + 1;
    const auto most = static_cast<int>((std::min<std::size_t>)(runs, 1000000));
    out.folds = options.folds > 0 ? (std::min)(options.folds, most) : m > 200 ? (std::min)(5, most) : most;
    const std::vector<int> fold = draw_folds(runs, out.folds, options.seed);
    out.held_out.assign(m, 0.0);
    for (int k = 0; k < out.folds; ++k) {
        std::vector<std::size_t> kept;
        for (std::size_t i = 0; i < m; ++i)
            if (fold[run[i]] != k) kept.push_back(i);
        if (kept.empty()) refuse("a fold leaves no row (all are of one configuration) give others");
        const hardware without = fitter.again(base, kept, best);
        for (std::size_t i = 0; i < m; ++i)
            if (fold[run[i]] == k) out.held_out[i] = rows.error(i, without);
    }
    out.unseen = sum_up(out.held_out);
}

/// Fits without the rows of each value of a size in turn: their errors are of sizes that a fit has not seen.
template <class Size>
void leave_sizes_out(calibration& out, calibrator& fitter, predictor& rows, const hardware& base,
                     const std::vector<double>& best, std::string_view name, const Size& size) {
    std::map<double, std::vector<std::size_t>> parts;
    for (std::size_t i = 0; i < rows.size(); ++i) parts[size(rows.rows()[i])].push_back(i);
    if (parts.size() < 2) return;
    std::vector<double> errors;
    for (const auto& [value, left] : parts) {
        std::vector<std::size_t> kept;
        for (const auto& [other, part] : parts)
            if (other != value) kept.insert(kept.end(), part.begin(), part.end());
        const hardware without = fitter.again(base, kept, best);
        for (const std::size_t i : left) errors.push_back(rows.error(i, without));
    }
    out.beyond.push_back({name, parts.size(), sum_up(errors)});
}

/// The parameters of a model's largest block tell hidden sizes apart.
inline double block_of(const model& network) {
    std::int64_t most = 0;
    for (const layer& l : network.layers)
        if (l.kind == layer_kind::block) most = (std::max)(most, l.parameters);
    return static_cast<double>(most);
}

}  // namespace detail

/// Fits the named numbers to the rows, all others as in `base`, by least squares of the relative errors; then once more
/// without each fold, for errors of rows that a fit has not seen. Throws error for fewer rows than numbers and one.
inline calibration calibrate(predictor& rows, const hardware& base, const std::vector<const hardware_number*>& numbers,
                             const calibration_options& options = {}) {
    const std::size_t m = rows.size(), n = numbers.size();
    if (n == 0) refuse("nothing is to be fitted (no number is named) name one or more");
    if (m < n + 1)
        refuse(std::to_string(m) + (m == 1 ? " row does" : " rows do") + " not fix " + std::to_string(n) +
               (n == 1 ? " number" : " numbers") +
               " (there must be more rows than numbers) give more rows or fit fewer");
    hardware from = base;
    std::vector<double> start;
    for (const hardware_number* number : numbers) {
        const double given = number->of(from);
        start.push_back(std::log(given > 0 && std::isfinite(given) ? given : number->start));
    }
    detail::calibrator fitter(rows, numbers, start, options.tolerable);
    std::vector<std::size_t> all(m);
    for (std::size_t i = 0; i < m; ++i) all[i] = i;
    const detail::known_fit best = fitter.fit(base, all, start);
    calibration out;
    out.fitted = fitter.at(base, best.at);
    for (std::size_t i = 0; i < m; ++i) out.errors.push_back(rows.error(i, out.fitted));
    out.fit = sum_up(out.errors);
    const double t = detail::student(static_cast<double>(m - n));
    for (std::size_t j = 0; j < n; ++j) {
        const double value = std::exp(best.at[j]), spread = std::exp(t * std::sqrt(best.variance[j]));
        out.estimates.push_back({numbers[j], value, value / spread, value * spread, best.assumed[j]});
    }
    detail::hold_out(out, fitter, rows, base, best.at, options);
    const auto beyond = [&](std::string_view name, const auto& size) {
        detail::leave_sizes_out(out, fitter, rows, base, best.at, name, size);
    };
    beyond("hidden size", [&](const measurement& row) { return detail::block_of(rows.model_of(row)); });
    beyond("tensor width", [](const measurement& row) { return static_cast<double>(row.with.tensor); });
    beyond("workers", [](const measurement& row) { return static_cast<double>(row.with.workers()); });
    return out;
}

}  // namespace chimera
