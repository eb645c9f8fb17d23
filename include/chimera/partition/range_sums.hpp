// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/refusal.hpp>

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace chimera::detail {

[[noreturn]] inline void refuse_number(const char* what, std::size_t index) {
    refuse(std::string(what) + " " + std::to_string(index) +
           " cannot be used (negative, infinite or not a number, or the sum is too large) use finite numbers from 0");
}

/// Refuses stage and layer counts that no partition has: every stage holds at least one layer.
constexpr void check_counts(std::size_t layers, int stages) {
    if (layers == 0) refuse("there are no layers (every stage holds at least one) give at least one");
    if (stages < 1) refuse(text(refusal::stages_below_one), refusal::stages_below_one);
    if (layers >= std::size_t{1} << 30) refuse("there are too many layers (more than 2^30) join layers");
    if (static_cast<std::size_t>(stages) > layers)
        refuse(std::to_string(stages) + " stages are more than the " + std::to_string(layers) +
               " layers (every stage holds at least one) use " + std::to_string(layers) + " stages at most");
}

/// Refuses a list whose length is not the one the layers or stages ask for.
constexpr void check_length(const char* what, std::size_t have, std::size_t want) {
    if (have != want)
        refuse(std::string(what) + " has " + std::to_string(have) + " numbers (" + std::to_string(want) +
               " are needed) give one for each");
}

/// Refuses negative, infinite and undefined numbers.
constexpr void check_numbers(const char* what, std::span<const double> numbers) {
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (!(numbers[i] >= 0) || numbers[i] > (std::numeric_limits<double>::max)()) refuse_number(what, i);
}

/// Sums of ranges by one subtraction. Rounding keeps the order: a range never has a smaller sum than one inside it,
/// which is all that the searches rely on. Sums of integers below 2^53 are exact.
class range_sums {
public:
    constexpr range_sums() = default;

    /// Refuses negative, infinite and undefined numbers, naming `what`.
    constexpr range_sums(const char* what, std::span<const double> numbers) : at_(numbers.size() + 1, 0.0) {
        bool good = true;
        double sum = 0;
        double* out = at_.data();
        const double* in = numbers.data();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            const double x = in[i];
            good = good & (x >= 0);
            largest_ = x > largest_ ? x : largest_;
            sum += x;
            out[i + 1] = sum;
        }
        if (!good || sum > (std::numeric_limits<double>::max)()) find_fault(what, numbers);
    }

    constexpr double operator()(int from, int to) const { return at_[index(to)] - at_[index(from)]; }
    constexpr double all() const { return at_.back(); }
    constexpr double largest() const { return largest_; }
    constexpr int size() const { return static_cast<int>(at_.size()) - 1; }

private:
    static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }
    static void find_fault(const char* what, std::span<const double> numbers) {
        check_numbers(what, numbers);
        refuse_number(what, numbers.size() - 1);
    }

    std::vector<double> at_;  // the first i numbers
    double largest_ = 0;
};

/// The number to the nearest multiple of 2^-52 of the power of two above `total`: sums and differences of such numbers
/// are exact up to that total. Integers stay as they are where it is below 2^52.
class exact_multiples {
public:
    constexpr explicit exact_multiples(double total) {
        while (power_ <= total) power_ *= 2;
        while (power_ > 1e-280 && power_ > 2 * total) power_ /= 2;
    }
    constexpr double operator()(double x) const { return (x + power_) - power_; }

private:
    double power_ = 1;
};

}  // namespace chimera::detail
