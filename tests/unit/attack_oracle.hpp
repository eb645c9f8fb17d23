// SPDX-License-Identifier: Apache-2.0
#pragma once

// The laws once more, written for plainness: definitions over maps and sets, quadratic where that is shorter, time
// tick by tick. Shares nothing with include/chimera/verify but the data types.

#include <chimera/program/program.hpp>
#include <chimera/verify/report.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace chimera::oracle {

using cell = std::pair<int, int>;  // stage, unit

/// Broken laws, by number.
using verdict = std::set<law>;

struct step_at {
    int worker, index;
    pass op;
    int pipeline, stage, unit;
    long begin, end;
};

inline std::vector<step_at> steps(const schedule_view& s) {
    std::vector<step_at> out;
    for (int w = 0; w < s.head.workers; ++w) {
        int index = 0;
        for (const slot& x : s.row(w)) {
            for (int u = x.first; u < x.first + x.count; ++u)
                out.push_back({w, index, x.op, x.pipeline, x.stage, u, x.tick, long{x.tick} + x.ticks});
            ++index;
        }
    }
    return out;
}

inline std::vector<step_at> steps(const program_view& p) {
    std::vector<step_at> out;
    for (int w = 0; w < p.head.workers; ++w) {
        int index = 0;
        for (const instruction& x : p.row(w)) {
            if (x.op <= action::recompute)
                for (int u = x.first; u < x.first + x.count; ++u)
                    out.push_back({w, index, static_cast<pass>(x.op), x.pipeline, x.stage, u, index, index + 1});
            ++index;
        }
    }
    return out;
}

/// Counts of passes per (stage, unit), and where they are.
template <typename View>
bool once(const View& t) {
    std::map<cell, std::map<pass, int>> counts;
    std::map<int, std::set<int>> pipelines;
    for (const step_at& x : steps(t)) {
        if (x.stage >= t.head.stages || x.unit < 0 || x.unit >= t.head.units() || x.pipeline >= t.head.pipelines)
            return false;
        if (t.worker_of(x.pipeline, x.stage) != x.worker) return false;
        ++counts[{x.stage, x.unit}][x.op];
        pipelines[x.unit].insert(x.pipeline);
    }
    for (int s = 0; s < t.head.stages; ++s)
        for (int u = 0; u < t.head.units(); ++u) {
            auto& n = counts[{s, u}];
            const bool full = n[pass::backward] == 1 && n[pass::input_gradient] == 0 && n[pass::weight_gradient] == 0;
            const bool halves = n[pass::backward] == 0 && n[pass::input_gradient] == 1 && n[pass::weight_gradient] == 1;
            if (n[pass::forward] != 1 || n[pass::recompute] > 1 || (!full && !halves) || pipelines[u].size() != 1)
                return false;
        }
    return true;
}

/// What must have ended before x starts, as a question about any other step y.
inline bool needs(const step_at& x, const step_at& y) {
    if (x.unit != y.unit) return false;
    const bool x_gradient = x.op == pass::backward || x.op == pass::input_gradient;
    const bool y_gradient = y.op == pass::backward || y.op == pass::input_gradient;
    if (x.op == pass::forward) return y.op == pass::forward && y.stage == x.stage - 1;
    if (x.op == pass::recompute) return y.op == pass::forward && y.stage == x.stage;
    if (x.op == pass::weight_gradient) return y.op == pass::input_gradient && y.stage == x.stage;
    if (x_gradient && y_gradient) return y.stage == x.stage + 1;
    return y.stage == x.stage && (y.op == pass::forward || y.op == pass::recompute);
}

inline bool ordered(const schedule_view& s) {
    const std::vector<step_at> all = steps(s);
    std::map<int, std::vector<step_at>> by_unit;
    for (const step_at& x : all) by_unit[x.unit].push_back(x);
    for (const auto& [unit, of] : by_unit)
        for (const step_at& x : of)
            for (const step_at& y : of)
                if (needs(x, y) && x.begin < y.end) return false;
    return true;
}

inline bool exclusive(const schedule_view& s) {
    for (int w = 0; w < s.head.workers; ++w) {
        const auto row = s.row(w);
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (row[i].ticks < 1 || row[i].tick < 0) return false;
            if (row[i].overlap && (i + 1 == row.size() || row[i + 1].overlap)) return false;
            if (row[i].overlap && (row[i].op == pass::forward) == (row[i + 1].op == pass::forward)) return false;
            for (std::size_t j = i + 1; j < row.size(); ++j) {
                if (row[j].tick < row[i].tick) return false;
                const bool meet = row[j].tick < row[i].tick + row[i].ticks;
                if (meet && !(j == i + 1 && row[i].overlap)) return false;
            }
        }
    }
    return true;
}

/// Most live units of each worker, looked at tick by tick.
inline std::vector<int> peaks(const schedule_view& s) {
    std::map<cell, std::pair<long, long>> life;
    std::map<cell, int> where;
    long end = 0;
    for (const step_at& x : steps(s)) {
        if (x.op == pass::forward) life[{x.stage, x.unit}].first = x.begin, where[{x.stage, x.unit}] = x.worker;
        if (x.op == pass::backward || x.op == pass::weight_gradient) life[{x.stage, x.unit}].second = x.end;
        end = std::max(end, x.end);
    }
    std::vector<int> most(static_cast<std::size_t>(s.head.workers), 0);
    for (long t = 0; t < end; ++t) {
        std::vector<int> live(most.size(), 0);
        for (const auto& [key, span] : life)
            if (span.first <= t && t < span.second) ++live[static_cast<std::size_t>(where[key])];
        for (std::size_t w = 0; w < most.size(); ++w) most[w] = std::max(most[w], live[w]);
    }
    return most;
}

inline verdict judge(const schedule_view& s) {
    verdict broken;
    if (!once(s)) broken.insert(law::once);
    if (!ordered(s)) broken.insert(law::ordered);
    if (!exclusive(s)) broken.insert(law::exclusive);
    return broken;
}

}  // namespace chimera::oracle
