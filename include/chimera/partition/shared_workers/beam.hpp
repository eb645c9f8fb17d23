// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/partition/shared_workers/mirrored.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera::detail {

/// Any map of stages to workers. Stage after stage, labels: how many layers are used, and what every worker that has
/// stages to come has so far. Equal labels are one. Exhaustive, so a probe that fails proves its bound; unless a
/// stage has more than `most` labels: then those are kept whose workers are most alike, and nothing is proven.
template <SharedStages Problem>
class label_search {
public:
    constexpr label_search(const Problem& problem, std::size_t most) : of_(problem), most_(most) {
        for (int s = 0; s < problem.stages; ++s) workers_ = (std::max)(workers_, problem.on[at(s)] + 1);
        width_ = 2 * at(workers_);
        ends_.assign(at(workers_), 0);
        for (int s = 0; s < problem.stages; ++s) ends_[at(problem.on[at(s)])] = s;
    }

    constexpr bool probe(double bound, double longest) {
        bound_ = bound;
        longest_ = longest;
        next_ = unbounded;
        reached_ = 0;
        complete_ = true;
        kept_.assign(1, {label{0, 0, 0}});
        held_.assign(width_, 0.0);
        for (int s = 0; s < of_.stages && !kept_.back().empty(); ++s) advance(s);
        if (kept_.back().empty()) return false;
        trace();
        return true;
    }
    constexpr bool complete() const { return complete_; }
    constexpr double reached() const { return reached_; }
    constexpr double next() const { return next_; }
    constexpr std::vector<int> cuts() const { return cuts_; }

private:
    struct label {
        int layers = 0;
        std::size_t before = 0;  // among the labels of the stage before
        std::size_t row = 0;     // of what the workers hold
    };
    static constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

    constexpr void advance(int s) {
        std::vector<label> out;
        std::vector<double> rows;
        for (std::size_t b = 0; b < kept_.back().size(); ++b) extend(s, b, out, rows);
        unite(out, rows);
        if (out.size() > most_) thin(out, rows);
        held_.clear();
        for (std::size_t r = 0; r < out.size(); ++r) {
            for (std::size_t x = 0; x < width_; ++x) held_.push_back(rows[out[r].row * width_ + x]);
            out[r].row = r;
        }
        kept_.push_back(out);
    }
    constexpr void extend(int s, std::size_t b, std::vector<label>& out, std::vector<double>& rows) {
        const label from = kept_.back()[b];
        const double* held = held_.data() + from.row * width_;
        const std::size_t w = at(of_.on[at(s)]);
        const bool last = s + 1 == of_.stages;
        for (int j = last ? of_.layers : from.layers + 1; j <= of_.layers - (of_.stages - 1 - s); ++j) {
            const double part = of_.part(s, from.layers, j);
            const double bytes = held[2 * w + 1] + of_.bytes(s, from.layers, j);
            if (bytes > of_.capacity || part > longest_) return;
            if (held[2 * w] + part > bound_) {
                next_ = (std::min)(next_, held[2 * w] + part);
                return;
            }
            const std::size_t row = out.size();
            rows.insert(rows.end(), width_, 0.0);
            for (std::size_t v = 0; v < at(workers_); ++v) {
                if (ends_[v] <= s) continue;  // has all it will have
                rows[row * width_ + 2 * v] = held[2 * v] + (v == w ? part : 0);
                rows[row * width_ + 2 * v + 1] = v == w ? bytes : held[2 * v + 1];
            }
            if (worth(s, j, rows.data() + row * width_))
                out.push_back({j, b, row});
            else
                rows.resize(row * width_);
        }
    }
    /// Turns down what leaves more than the workers that still have stages can take.
    constexpr bool worth(int s, int j, const double* held) {
        double all = of_.rest(j, of_.layers);
        int open = 0;
        for (std::size_t v = 0; v < at(workers_); ++v) {
            if (ends_[v] <= s) continue;
            all += held[2 * v];
            ++open;
        }
        if (open == 0 || all <= bound_ * open * (1 + 0x1p-20)) return true;
        next_ = (std::min)(next_, all / open * (1 - 0x1p-30));
        return false;
    }
    constexpr void unite(std::vector<label>& out, const std::vector<double>& rows) const {
        const auto compare = [&](const label& a, const label& b) {
            if (a.layers != b.layers) return a.layers < b.layers ? -1 : 1;
            for (std::size_t x = 0; x < width_; ++x) {
                const double p = rows[a.row * width_ + x], q = rows[b.row * width_ + x];
                if (p != q) return p < q ? -1 : 1;
            }
            return 0;
        };
        std::sort(out.begin(), out.end(), [&](const label& a, const label& b) {
            const int c = compare(a, b);
            return c != 0 ? c < 0 : a.row < b.row;
        });
        out.erase(
            std::unique(out.begin(), out.end(), [&](const label& a, const label& b) { return compare(a, b) == 0; }),
            out.end());
    }
    constexpr void thin(std::vector<label>& out, const std::vector<double>& rows) {
        complete_ = false;
        std::vector<double> spread(rows.size() / width_, 0.0);
        for (const label& l : out)
            for (std::size_t v = 0; v < at(workers_); ++v)
                spread[l.row] += rows[l.row * width_ + 2 * v] * rows[l.row * width_ + 2 * v];
        std::vector<label> best;
        const std::size_t each =
            (std::max<std::size_t>)(1, most_ / (at(of_.layers) + 1));  // for every number of layers
        for (std::size_t first = 0; first < out.size();) {
            std::size_t last = first;
            while (last < out.size() && out[last].layers == out[first].layers) ++last;
            std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.begin() + static_cast<std::ptrdiff_t>(last),
                      [&](const label& a, const label& b) {
                          return spread[a.row] != spread[b.row] ? spread[a.row] < spread[b.row] : a.row < b.row;
                      });
            for (std::size_t l = first; l < (std::min)(last, first + each); ++l) best.push_back(out[l]);
            first = last;
        }
        out = best;
    }
    constexpr void trace() {
        cuts_.assign(at(of_.stages) + 1, of_.layers);
        std::size_t l = 0;
        for (int s = of_.stages; s >= 0; --s) {
            cuts_[at(s)] = kept_[at(s)][l].layers;
            l = kept_[at(s)][l].before;
        }
        std::vector<double> sums(at(workers_), 0.0);
        for (int s = 0; s < of_.stages; ++s) sums[at(of_.on[at(s)])] += of_.part(s, cuts_[at(s)], cuts_[at(s) + 1]);
        reached_ = *std::max_element(sums.begin(), sums.end());
    }

    const Problem& of_;
    std::size_t most_, width_ = 0;
    int workers_ = 0;
    std::vector<int> ends_;  // per worker: its last stage
    double bound_ = 0, longest_ = 0, next_ = 0, reached_ = 0;
    bool complete_ = true;
    std::vector<std::vector<label>> kept_;  // per number of stages
    std::vector<double> held_;              // of the last: cost and bytes of every worker that has stages to come
    std::vector<int> cuts_;
};

}  // namespace chimera::detail
