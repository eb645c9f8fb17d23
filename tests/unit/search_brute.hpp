// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/search/problem.hpp>

#include <algorithm>
#include <limits>
#include <vector>

namespace search_test {

using namespace chimera;

/// Every order of every worker, units told apart, played in the plainest way. Shares no code with the search.
class brute {
public:
    explicit brute(const search_problem& of) : of_(of) {
        workers_ = of.placement == placing::fold   ? of.stages / 2
                   : of.placement == placing::loop ? of.stages / of.chunks
                                                   : of.stages;
        const int first_share = of.placement == placing::overlay ? (of.micro_batches + 1) / 2 : of.micro_batches;
        for (int u = 0; u < of.micro_batches; ++u)
            for (int s = 0; s < of.stages; ++s)
                for (int kind = 0; kind < (of.split ? 3 : 2); ++kind)
                    all_.push_back({kind, s, u, worker_of(u >= first_share, s)});
        rows_.resize(static_cast<std::size_t>(workers_));
        for (int w = 0; w < workers_; ++w) {
            std::vector<int> mine, row;
            for (int i = 0; i < static_cast<int>(all_.size()); ++i)
                if (all_[static_cast<std::size_t>(i)].worker == w) mine.push_back(i);
            arrange(w, mine, row);
        }
    }

    double least() {
        std::vector<const std::vector<int>*> chosen(static_cast<std::size_t>(workers_));
        choose(chosen, 0);
        return best_;
    }

private:
    struct one {
        int kind, stage, unit, worker;
    };

    int worker_of(bool mirrored, int s) const {
        if (of_.placement == placing::fold) return s < of_.stages / 2 ? s : of_.stages - 1 - s;
        if (of_.placement == placing::loop) return s % workers_;
        return mirrored ? of_.stages - 1 - s : s;
    }
    double seconds(const one& p) const {
        if (p.kind == 0) return of_.cost.forward[p.stage];
        if (!of_.split) return of_.cost.backward[p.stage];
        return p.kind == 1 ? of_.cost.input_gradient[p.stage] : of_.cost.weight_gradient[p.stage];
    }
    const one* input(const one& p) const {
        const auto find = [&](int kind, int stage) -> const one* {
            for (const one& q : all_)
                if (q.kind == kind && q.stage == stage && q.unit == p.unit) return &q;
            return nullptr;
        };
        if (p.kind == 0) return p.stage == 0 ? nullptr : find(0, p.stage - 1);
        if (p.kind == 1) return p.stage + 1 == of_.stages ? find(0, p.stage) : find(1, p.stage + 1);
        return find(1, p.stage);
    }

    /// All rows of a worker that keep forward < gradient < weight gradient of each unit and stage, and the limit.
    void arrange(int w, std::vector<int>& left, std::vector<int>& row) {
        if (left.empty()) return rows_[static_cast<std::size_t>(w)].push_back(row);
        const double limit =
            of_.memory.empty() ? 1e9 : of_.memory[of_.memory.size() == 1 ? 0 : static_cast<std::size_t>(w)];
        int live = 0;
        for (const int i : row) {
            const one& p = all_[static_cast<std::size_t>(i)];
            if (p.kind == 0) ++live;
            if (p.kind == (of_.split ? 2 : 1)) --live;
        }
        for (std::size_t n = 0; n < left.size(); ++n) {
            const int i = left[n];
            const one& p = all_[static_cast<std::size_t>(i)];
            if (p.kind == 0 && live + 1 > limit) continue;
            bool early = false;
            for (const int j : left) {
                const one& q = all_[static_cast<std::size_t>(j)];
                early = early || (q.stage == p.stage && q.unit == p.unit && q.kind < p.kind);
            }
            if (early) continue;
            left.erase(left.begin() + static_cast<std::ptrdiff_t>(n));
            row.push_back(i);
            arrange(w, left, row);
            row.pop_back();
            left.insert(left.begin() + static_cast<std::ptrdiff_t>(n), i);
        }
    }

    void choose(std::vector<const std::vector<int>*>& chosen, int w) {
        if (w == workers_) return play(chosen);
        for (const auto& row : rows_[static_cast<std::size_t>(w)]) {
            chosen[static_cast<std::size_t>(w)] = &row;
            choose(chosen, w + 1);
        }
    }

    void play(const std::vector<const std::vector<int>*>& rows) {
        if (inputs_.empty())
            for (const one& p : all_) {
                const one* in = input(p);
                inputs_.push_back(in ? static_cast<int>(in - all_.data()) : -1);
                lasts_.push_back(seconds(p));
                ways_.push_back(!in || in->worker == p.worker ? 0 : of_.cost.transfer[std::min(in->stage, p.stage)]);
            }
        ends_.assign(all_.size(), -1.0);
        std::vector<std::size_t> at(rows.size(), 0);
        std::vector<double> first(rows.size(), 0), free(rows.size(), 0);
        for (bool moved = true; moved;) {
            moved = false;
            for (std::size_t w = 0; w < rows.size(); ++w)
                for (; at[w] < rows[w]->size(); ++at[w], moved = true) {
                    const auto i = static_cast<std::size_t>((*rows[w])[at[w]]);
                    double start = free[w];
                    if (inputs_[i] >= 0) {
                        const double made = ends_[static_cast<std::size_t>(inputs_[i])];
                        if (made < 0) break;
                        start = std::max(start, made + ways_[i]);
                    }
                    if (at[w] == 0) first[w] = start;
                    ends_[i] = free[w] = start + lasts_[i];
                }
        }
        double most = 0;
        for (std::size_t w = 0; w < rows.size(); ++w) {
            if (at[w] < rows[w]->size()) return;  // locked out
            most = std::max(most, free[w] - (of_.minimise == objective::span ? first[w] : 0));
        }
        best_ = std::min(best_, most);
    }

    search_problem of_;
    int workers_ = 0;
    std::vector<one> all_;
    std::vector<std::vector<std::vector<int>>> rows_;
    std::vector<int> inputs_;
    std::vector<double> lasts_, ways_, ends_;
    double best_ = std::numeric_limits<double>::infinity();
};

}  // namespace search_test
