// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/bottleneck_bisection.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera::detail {

/// The dynamic program over (stages used, layers used): best[s+1][j] = min over i of max(best[s][i], cost(s, i, j)),
/// i from the first that fits. Needs only that cost falls as i grows, so costs may depend on where a stage ends (a
/// boundary it sends) and on the stage (its worker), and single layers may fit nowhere.
/// Candidates i stay in a queue in which best rises: a later i that is no worse is never worse afterwards. Along it
/// best rises and cost falls, so the least maximum lies where they cross. Where cost also rises with j (`rising`) the
/// crossing only moves on and what lies before it is dropped: O(layers · stages). Else it is bisected.
template <StageProblem Problem>
class table {
public:
    constexpr explicit table(const Problem& problem, bool rising)
        : of_(problem), rising_(rising), width_(at(problem.layers) + 1), from_(at(problem.stages) * width_, -1) {}

    /// The least bottleneck; unbounded where nothing fits.
    constexpr double find() {
        std::vector<double> before(width_, unbounded), after(width_, unbounded);
        before[0] = 0;
        std::vector<int> queue(width_, 0);
        for (int s = 0; s < of_.stages; ++s) {
            fill(s, before.data(), after.data(), queue.data());
            before.swap(after);
        }
        return before[at(of_.layers)];
    }
    /// First layer of every stage, then the number of layers; after a bounded `find`.
    constexpr std::vector<int> cut() const {
        std::vector<int> out(at(of_.stages) + 1, of_.layers);
        for (int s = of_.stages; s-- > 0;) out[at(s)] = from_[at(s) * width_ + at(out[at(s + 1)])];
        return out;
    }

private:
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

    constexpr void fill(int s, const double* before, double* after, int* queue) {
        int head = 0, tail = 0, low = s;
        int* from = from_.data() + at(s) * width_;
        for (int j = 0; j <= of_.layers; ++j) after[j] = unbounded;
        for (int j = s + 1; j <= of_.layers - (of_.stages - 1 - s); ++j) {
            if (before[j - 1] < unbounded) {
                while (tail > head && before[queue[tail - 1]] >= before[j - 1]) --tail;
                queue[tail++] = j - 1;
            }
            while (low < j && !of_.fits(s, low, j)) ++low;
            while (head < tail && queue[head] < low) ++head;
            if (head == tail) continue;
            const int place = crossing(s, j, before, queue, head, tail);
            if (rising_) head = place;
            take(s, j, queue[place], before, after, from);
            if (place + 1 < tail) take(s, j, queue[place + 1], before, after, from);
        }
    }
    constexpr void take(int s, int j, int i, const double* before, double* after, int* from) const {
        const double value = (std::max)(before[i], static_cast<double>(of_.cost(s, i, j)));
        if (value < after[j]) {
            after[j] = value;
            from[j] = i;
        }
    }
    /// The last place where cost is above best, or the first place of all.
    constexpr int crossing(int s, int j, const double* before, const int* queue, int head, int tail) const {
        const auto above = [&](int place) { return of_.cost(s, queue[place], j) > before[queue[place]]; };
        if (rising_) {
            while (head + 1 < tail && above(head + 1)) ++head;
            return head;
        }
        int last = tail - 1;
        while (head < last) {
            const int middle = head + (last - head + 1) / 2;
            if (above(middle))
                head = middle;
            else
                last = middle - 1;
        }
        return head;
    }

    const Problem& of_;
    bool rising_;
    std::size_t width_;
    std::vector<int> from_;  // per stage and end: first layer of the stage
};

}  // namespace chimera::detail
