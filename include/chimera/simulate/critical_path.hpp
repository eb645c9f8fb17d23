// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/simulate/timeline.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// The counts of passes on a chain of slots that determines the makespan.
struct critical_path {
    int forwards = 0;   ///< forward passes
    int backwards = 0;  ///< full backwards and input gradients
    int others = 0;     ///< weight gradients, recomputes, updates
};

namespace detail {

[[nodiscard]] constexpr bool hands_gradient(action op) noexcept {
    return op == action::backward || op == action::input_gradient;
}

/// Follows back from the last step what each step waited for: its worker's step before, or the step that yielded its
/// input.
class critical_search {
public:
    constexpr critical_search(const timeline& of, double tolerance)
        : of_(of), tolerance_(tolerance), units_(static_cast<std::size_t>(of.head.units())),
          half_(units_ * static_cast<std::size_t>(of.head.stages)), producer_(2 * half_, none),
          opens_row_(of.steps.size(), 0), best_(of.steps.size(), unknown) {
        for (std::size_t i = 0; i < of.steps.size(); ++i) {
            const step& s = of.steps[i];
            if (s.op != action::forward && !hands_gradient(s.op)) continue;
            for (std::size_t u = 0; u < s.count; ++u)
                producer_[key(s.op != action::forward, s.stage, s.first) + u] = static_cast<std::int32_t>(i);
        }
        for (std::size_t w = 0; w + 1 < of.offsets.size(); ++w)
            if (of.offsets[w] < of.offsets[w + 1]) opens_row_[static_cast<std::size_t>(of.offsets[w])] = 1;
    }

    /// The chain's steps, last to first. Of the chains that take equally long, the one with most backwards: the longest
    /// once backwards cost more.
    [[nodiscard]] constexpr std::vector<std::int32_t> run() {
        double end = 0;
        for (const step& s : of_.steps) end = is_compute(s.op) ? (std::max)(end, s.end) : end;
        std::int32_t last = none;
        for (std::size_t i = 0; i < of_.steps.size(); ++i) {
            if (!is_compute(of_.steps[i].op) || of_.steps[i].end < end - tolerance_) continue;
            const auto at = static_cast<std::int32_t>(i);
            if (last == none || count(at) > count(last)) last = at;
        }
        std::vector<std::int32_t> out;
        for (std::int32_t at = last; at != none; at = chosen(at)) out.push_back(at);
        return out;
    }

private:
    static constexpr std::int32_t none = -1;
    static constexpr std::int32_t unknown = -1;
    struct pair {
        std::int32_t a = none;
        std::int32_t b = none;
    };

    [[nodiscard]] constexpr std::size_t key(bool gradient, int stage, int unit) const noexcept {
        return (gradient ? half_ : 0) + static_cast<std::size_t>(stage) * units_ + static_cast<std::size_t>(unit);
    }
    [[nodiscard]] constexpr double end_of(std::int32_t i) const noexcept {
        return of_.steps[static_cast<std::size_t>(i)].end;
    }

    /// Returns the step whose boundary tensor `s` needed last; none where it needs none.
    [[nodiscard]] constexpr std::int32_t source(const step& s) const noexcept {
        const bool gradient = hands_gradient(s.op);
        const int from = gradient ? s.stage + 1 : s.stage - 1;
        std::int32_t out = none;
        if ((s.op != action::forward && !gradient) || from < 0 || from == of_.head.stages) return out;
        for (int u = s.first; u < s.first + s.count; ++u) {
            const std::int32_t p = producer_[key(gradient, from, u)];
            if (out == none || (p != none && end_of(p) > end_of(out))) out = p;
        }
        return out;
    }
    /// Returns whether step i runs together with the next one of its worker.
    [[nodiscard]] constexpr bool pairs_with_next(std::int32_t i) const noexcept {
        const auto at = static_cast<std::size_t>(i);
        if (i < 0 || at + 1 >= of_.steps.size() || opens_row_[at + 1] != 0) return false;
        const step &a = of_.steps[at], &b = of_.steps[at + 1];
        return is_compute(a.op) && is_compute(b.op) && a.begin == b.begin && a.end == b.end && a.begin < a.end;
    }
    [[nodiscard]] constexpr std::int32_t later(std::int32_t a, std::int32_t b) const noexcept {
        return b == none || (a != none && end_of(a) >= end_of(b)) ? a : b;
    }
    /// Returns what the step waited for: one predecessor, or both where they were just in time together. A pair waits
    /// as one.
    [[nodiscard]] constexpr pair before(std::int32_t i) const noexcept {
        const step& s = of_.steps[static_cast<std::size_t>(i)];
        const std::int32_t first = opens_row_[static_cast<std::size_t>(i)] == 0 && pairs_with_next(i - 1) ? i - 1 : i;
        const std::int32_t row = opens_row_[static_cast<std::size_t>(first)] != 0 ? none : first - 1;
        std::int32_t data = source(of_.steps[static_cast<std::size_t>(first)]);
        if (pairs_with_next(first)) data = later(data, source(of_.steps[static_cast<std::size_t>(first) + 1]));
        if (row == none || data == none) return {(std::max)(row, data), none};
        if (end_of(row) < s.begin - tolerance_) return {data, none};
        if (end_of(data) < s.begin - tolerance_) return {row, none};
        return {data, row};
    }
    [[nodiscard]] constexpr std::int32_t known(std::int32_t i) const noexcept {
        return i == none ? 0 : best_[static_cast<std::size_t>(i)];
    }
    [[nodiscard]] constexpr std::int32_t chosen(std::int32_t i) const noexcept {
        const pair p = before(i);
        return p.b != none && known(p.b) > known(p.a) ? p.b : p.a;
    }
    /// Returns the most backwards on a chain that ends with step i. Depth first with a stack of its own: chains are
    /// long.
    constexpr std::int32_t count(std::int32_t i) {
        stack_.push_back(i);
        while (!stack_.empty()) {
            const std::int32_t at = stack_.back();
            const pair p = before(at);
            if (known(p.a) == unknown) {
                stack_.push_back(p.a);
            } else if (known(p.b) == unknown) {
                stack_.push_back(p.b);
            } else {
                const bool backward = hands_gradient(of_.steps[static_cast<std::size_t>(at)].op);
                best_[static_cast<std::size_t>(at)] = (std::max)(known(p.a), known(p.b)) + (backward ? 1 : 0);
                stack_.pop_back();
            }
        }
        return best_[static_cast<std::size_t>(i)];
    }

    const timeline& of_;
    double tolerance_;
    std::size_t units_;
    std::size_t half_;
    std::vector<std::int32_t> producer_;  // (kind, stage, unit) → step
    std::vector<std::uint8_t> opens_row_;
    std::vector<std::int32_t> best_;  // step → most backwards on a critical chain that ends with it
    std::vector<std::int32_t> stack_;
};

}  // namespace detail

/// Returns the chain of steps that determines when the last pass ends, as indices into `steps`, in order. `tolerance`:
/// seconds; smaller gaps count as none.
[[nodiscard]] constexpr std::vector<std::int32_t> critical_steps(const timeline& run, double tolerance) {
    std::vector<std::int32_t> out = detail::critical_search(run, tolerance).run();
    std::reverse(out.begin(), out.end());
    return out;
}

/// Returns the counts of passes on that chain. `tolerance`: seconds, as in `critical_steps`.
[[nodiscard]] constexpr critical_path find_critical_path(const timeline& run, double tolerance) {
    critical_path out;
    for (const std::int32_t i : detail::critical_search(run, tolerance).run()) {
        const action op = run.steps[static_cast<std::size_t>(i)].op;
        (op == action::forward ? out.forwards : detail::hands_gradient(op) ? out.backwards : out.others) += 1;
    }
    return out;
}

}  // namespace chimera
