// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/unlike_workers.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail {

/// The best order of unlike workers. A state is how many workers of each type are used; a probe finds for every state
/// the layers that it can end with under a bound (a stage costs more the earlier it begins, so the last place where the
/// state before ends decides). The bound is bisected as in `bisection`: a probe that fails raises it to the least cost
/// that was turned down, one that does not lowers it to the largest cost on its way.
class order_search {
public:
    constexpr explicit order_search(const device_stages& stages_data)
        : of_(stages_data), width_(at(stages_data.layers) + 1) {
        for (std::size_t w = 0; w < stages_data.on.size(); ++w) add(static_cast<int>(w));
        std::size_t states = 1;
        for (kind& k : kinds_) {
            k.stride = states;
            states *= k.workers.size() + 1;
            if (states * width_ > std::size_t{1} << 26)
                refuse("the workers are of too many types to try every order (" + std::to_string(kinds_.size()) +
                       " types, " + std::to_string(stages_data.on.size()) + " workers) give the order");
        }
        ends_.assign(states * width_, 0);
    }

    /// The least bottleneck of any order; unbounded where no order fits.
    constexpr double find() {
        double low = 0;
        for (const device& d : of_.on) low += d.speed;
        low = of_.seconds.all() / low * (1 - 0x1p-30);
        if (!probe(unbounded)) return unbounded;
        double high = trace(unbounded);
        while (low < high) {
            const double middle = low + (high - low) / 2;
            const double bound = middle < high ? middle : low;
            if (probe(bound))
                high = trace(bound);
            else
                low = next_;
        }
        return high;
    }
    constexpr std::vector<int> cuts() const { return cuts_; }
    /// Per stage: the worker, those of one type in the order given.
    constexpr std::vector<int> order() const {
        std::vector<std::size_t> used(kinds_.size(), 0);
        std::vector<int> out;
        for (const std::size_t k : types_) out.push_back(kinds_[k].workers[used[k]++]);
        return out;
    }

private:
    struct kind {
        device same;
        std::vector<int> workers;
        std::size_t stride = 1;
    };
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

    constexpr void add(int w) {
        for (kind& k : kinds_) {
            if (k.same == of_.on[at(w)]) {
                k.workers.push_back(w);
                return;
            }
        }
        kinds_.push_back({of_.on[at(w)], {w}, 1});
    }
    constexpr std::size_t used(std::size_t state, const kind& k) const {
        return state / k.stride % (k.workers.size() + 1);
    }

    constexpr bool probe(double bound) {
        next_ = unbounded;
        std::fill(ends_.begin(), ends_.end(), std::uint8_t{0});
        ends_[0] = 1;
        for (std::size_t state = 1; state * width_ < ends_.size(); ++state) {
            std::size_t stages = 0;
            for (const kind& k : kinds_) stages += used(state, k);
            for (const kind& k : kinds_)
                if (used(state, k) > 0) extend(state, k, static_cast<int>(stages) - 1, bound);
        }
        return ends_.back() != 0;
    }
    /// Where `state` ends when a worker of type k holds its last stage, s.
    constexpr void extend(std::size_t state, const kind& k, int s, double bound) {
        const std::uint8_t* before = ends_.data() + (state - k.stride) * width_;
        std::uint8_t* here = ends_.data() + state * width_;
        const int last = of_.layers - (of_.stages - 1 - s);
        int i = -1;
        for (int j = s + 1; j <= last; ++j) {
            if (before[j - 1]) i = j - 1;
            if (i < 0 || !of_.fits_on(k.same, s, i, j)) continue;
            const double cost = of_.cost_on(k.same, i, j);
            if (cost <= bound)
                here[j] = 1;
            else
                next_ = (std::min)(next_, cost);
        }
    }
    /// Walks back from the end of all layers through what the last probe found; its largest cost.
    constexpr double trace(double bound) {
        double most = 0;
        cuts_.assign(at(of_.stages) + 1, of_.layers);
        types_.assign(at(of_.stages), 0);
        std::size_t state = ends_.size() / width_ - 1;
        for (int s = of_.stages; s-- > 0;) {
            const int j = cuts_[at(s) + 1];
            for (std::size_t t = 0; t < kinds_.size(); ++t) {
                if (used(state, kinds_[t]) == 0) continue;
                const std::size_t before = state - kinds_[t].stride;
                int i = j - 1;
                while (i >= 0 && !ends_[before * width_ + at(i)]) --i;
                if (i < 0 || !of_.fits_on(kinds_[t].same, s, i, j)) continue;
                const double cost = of_.cost_on(kinds_[t].same, i, j);
                if (cost > bound) continue;
                most = (std::max)(most, cost);
                cuts_[at(s)] = i;
                types_[at(s)] = t;
                state = before;
                break;
            }
        }
        return most;
    }

    const device_stages& of_;
    std::size_t width_;
    std::vector<kind> kinds_;
    std::vector<std::uint8_t> ends_;  // per state and number of layers: whether it can end there
    double next_ = unbounded;
    std::vector<int> cuts_;
    std::vector<std::size_t> types_;  // per stage
};

}  // namespace chimera::detail
