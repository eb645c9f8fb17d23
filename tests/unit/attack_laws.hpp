// SPDX-License-Identifier: Apache-2.0
#pragma once

// The laws of programs once more, from their definitions.

#include "attack_machine.hpp"

#include <functional>
#include <iterator>
#include <string>

namespace chimera::oracle {

/// Order per ordered pair of workers, groups in one piece, no double or needless transfer, inputs named rightly.
inline bool tidy_transfers(const program_view& p) {
    std::map<std::pair<int, int>, std::vector<int>> sent, received;
    std::set<std::tuple<bool, int, int>> carried;
    std::map<int, instruction> arrivals;
    for (int w = 0; w < p.head.workers; ++w) {
        std::set<int> groups;
        int open = -1;
        for (const instruction& x : p.row(w)) {
            const int group = moves(x.op) ? x.group : -1;
            if (group >= 0 && group != open && !groups.insert(group).second) return false;
            open = group;
            if (!moves(x.op)) continue;
            const int from = is_gradient(x.op) ? x.stage + 1 : x.stage - 1;
            if (from < 0 || from >= p.head.stages) return false;
            const int source = p.worker_of(x.pipeline, from), target = p.worker_of(x.pipeline, x.stage);
            if (source == target || (sends(x.op) ? source : target) != w || (sends(x.op) ? target : source) != x.peer)
                return false;
            if (sends(x.op))
                sent[{w, x.peer}].push_back(x.message);
            else
                received[{x.peer, w}].push_back(x.message), arrivals[x.message] = x;
            for (int u = x.first; u < x.first + x.count && sends(x.op); ++u)
                if (!carried.insert({is_gradient(x.op), x.stage, u}).second) return false;
        }
    }
    for (const instruction& x : p.instructions) {
        if (x.op > action::recompute) continue;
        const bool gradient = x.op == action::backward || x.op == action::input_gradient;
        std::multiset<int> named, needed;
        for (int k = 0; k < x.inputs; ++k) {
            const instruction& v = arrivals[x.message + k];
            if (v.stage != x.stage || is_gradient(v.op) != gradient) return false;
            for (int u = v.first; u < v.first + v.count; ++u) named.insert(u);
        }
        const int from = gradient ? x.stage + 1 : x.stage - 1;
        const bool asks = (gradient || x.op == action::forward) && from >= 0 && from < p.head.stages;
        if (asks && p.worker_of(x.pipeline, from) != p.worker_of(x.pipeline, x.stage))
            for (int u = x.first; u < x.first + x.count; ++u) needed.insert(u);
        if (named != needed) return false;
    }
    return sent == received;
}

inline std::set<int> holders_of(const program_view& p, int stage) {
    std::set<int> out;
    for (int k = 0; k < p.head.pipelines; ++k) out.insert(p.worker_of(k, stage));
    return out;
}

/// Positions of `op` for a stage in a worker's row.
inline std::vector<int> places(const program_view& p, int w, int stage, std::set<action> ops) {
    std::vector<int> out;
    int i = 0;
    for (const instruction& x : p.row(w)) {
        if (x.stage == stage && ops.contains(x.op)) out.push_back(i);
        ++i;
    }
    return out;
}

/// Which update each unit's gradient is for: micro-batches of its pipeline in order, update_every at a time.
inline std::map<int, int> groups_of(const program_view& p) {
    std::map<int, std::set<int>> of_pipeline;
    for (const instruction& x : p.instructions)
        for (int u = x.first; x.op == action::forward && u < x.first + x.count; ++u) of_pipeline[x.pipeline].insert(u);
    std::map<int, int> group;
    for (const auto& [pipeline, units] : of_pipeline) {
        int before = 0;
        for (const int u : units)
            group[u] =
                p.head.update == update_rule::flushed ? 0 : before++ / (p.head.update_every * p.head.micro_batch_parts);
    }
    return group;
}

/// Per worker and stage, group after group: all its gradients, reduction and wait where it is shared, update; nothing else.
inline bool in_groups(const program_view& p) {
    auto group = groups_of(p);
    int updates = 0;
    for (const auto& [unit, g] : group) updates = std::max(updates, g + 1);
    for (int s = 0; s < p.head.stages; ++s) {
        const std::set<int> holders = holders_of(p, s);
        for (int w = 0; w < p.head.workers; ++w) {
            std::vector<std::string> found, right;
            std::map<int, int> gradients;
            for (const instruction& x : p.row(w)) {
                if (x.stage != s) continue;
                for (int u = x.first;
                     (x.op == action::backward || x.op == action::weight_gradient) && u < x.first + x.count; ++u) {
                    found.push_back(std::to_string(group[u]));
                    ++gradients[group[u]];
                }
                if (x.op >= action::reduce_gradient) found.emplace_back(name(x.op));
            }
            for (int g = 0; g < updates && holders.contains(w); ++g) {
                right.insert(right.end(), static_cast<std::size_t>(gradients[g]), std::to_string(g));
                if (holders.size() > 1) right.insert(right.end(), {"reduce_gradient", "wait_gradient"});
                right.emplace_back("update_weights");
            }
            if (found != right) return false;
        }
    }
    return true;
}

inline bool synchronised(const program_view& p) {
    const bool flushed = p.head.update == update_rule::flushed;
    if (!flushed && !in_groups(p)) return false;
    for (int s = 0; s < p.head.stages; ++s) {
        const std::set<int> group = holders_of(p, s);
        const auto listed = p.replica_group(s);
        if (!std::equal(listed.begin(), listed.end(), group.begin(), group.end())) return false;
        for (int w = 0; flushed && w < p.head.workers; ++w) {
            const auto adds = places(p, w, s, {action::backward, action::weight_gradient});
            const auto reduces = places(p, w, s, {action::reduce_gradient}),
                       waits = places(p, w, s, {action::wait_gradient});
            const auto updates = places(p, w, s, {action::update_weights});
            const std::size_t one = group.contains(w), shared = group.contains(w) && group.size() > 1;
            if (updates.size() != one || reduces.size() != shared || waits.size() != shared) return false;
            const int last = adds.empty() ? -1 : adds.back();
            if (one && updates[0] < last) return false;
            if (shared && !(last < reduces[0] && reduces[0] < waits[0] && waits[0] < updates[0])) return false;
        }
    }
    std::vector<std::vector<int>> orders(static_cast<std::size_t>(p.head.workers));
    for (int w = 0; w < p.head.workers; ++w)
        for (const instruction& x : p.row(w))
            if (x.op == action::reduce_gradient) orders[static_cast<std::size_t>(w)].push_back(x.stage);
    for (const auto& a : orders)
        for (const auto& b : orders) {
            std::vector<int> of_a, of_b;
            std::ranges::copy_if(a, std::back_inserter(of_a), [&](int s) { return std::ranges::count(b, s) > 0; });
            std::ranges::copy_if(b, std::back_inserter(of_b), [&](int s) { return std::ranges::count(a, s) > 0; });
            if (of_a != of_b) return false;
        }
    return true;
}

/// Buffers of activations. What the first of a pair lets go stays until the second has ended.
inline bool rooms(const program_view& p) {
    for (int w = 0; w < p.head.workers; ++w) {
        std::map<int, cell> tenants;
        std::vector<std::pair<int, cell>> leaving;
        std::size_t peak = 0;
        for (const instruction& x : p.row(w)) {
            if (x.op > action::recompute) continue;
            const auto leavers = leaving;
            leaving.clear();
            for (int k = 0; k < x.count; ++k) {
                const int b = p.buffer_of(x, k);
                const cell who{x.stage, x.first + k};
                if (b < 0 || b >= p.buffer_counts[static_cast<std::size_t>(w)]) return false;
                if (x.op == action::forward && !tenants.emplace(b, who).second) return false;
                if (!tenants.contains(b) || tenants[b] != who) return false;
                peak = std::max(peak, tenants.size());
                if (x.op != action::backward && x.op != action::weight_gradient) continue;
                if (x.overlap)
                    leaving.emplace_back(b, who);
                else
                    tenants.erase(b);
            }
            for (const auto& [b, who] : leavers)
                if (tenants.contains(b) && tenants[b] == who) tenants.erase(b);
        }
        if (static_cast<int>(peak) != p.buffer_counts[static_cast<std::size_t>(w)]) return false;
    }
    return true;
}

/// Versions of one stage's weights on one worker; version n is what n updates left.
inline bool versions(const program_view& p, int w, int stage, int count, std::map<int, int>& group) {
    std::vector<instruction> row;
    for (const instruction& x : p.row(w))
        if (x.stage == stage && (x.op <= action::recompute || x.op == action::update_weights)) row.push_back(x);
    std::map<int, int> holds{{0, 0}};                    // buffer -> version
    std::map<int, int> home;                             // unit -> buffer that its forward read
    std::map<int, std::size_t> born{{0, 0}}, last_read;  // version -> place in the row
    int made = 0, newest = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const instruction& x = row[i];
        if (x.version >= count) return false;
        if (x.op == action::update_weights) {
            for (const auto& [u, b] : home) {  // nobody may need what it overwrites
                const bool needed = std::any_of(row.begin() + static_cast<std::ptrdiff_t>(i), row.end(),
                                                [&, unit = u](const instruction& y) {
                                                    return y.op <= action::recompute && y.op != action::forward &&
                                                           y.first <= unit && unit < y.first + y.count;
                                                });
                if (b == x.version && needed) return false;
            }
            holds[x.version] = ++made;
            newest = x.version;
            born[made] = i;
            continue;
        }
        for (int u = x.first; u < x.first + x.count; ++u) {
            if (x.op == action::forward) {
                const int right = p.head.update == update_rule::stashed ? made : std::max(0, group[u] - 1);
                if (!holds.contains(x.version) || holds[x.version] != right) return false;
                home[u] = x.version;
            }
            if (home.contains(u) && home[u] != x.version) return false;
        }
        last_read[holds[x.version]] = i;
    }
    if (newest != 0) return false;
    int peak = 1;
    for (int n = 1; n <= made; ++n) {  // right after an update: the newest, and what is read later
        int live = 1;
        for (int v = 0; v < n; ++v) live += last_read.contains(v) && last_read[v] > born[n];
        peak = std::max(peak, live);
    }
    return peak == count;
}

inline bool housed(const program_view& p) {
    if (!rooms(p)) return false;
    if (p.head.update == update_rule::flushed)
        return std::ranges::all_of(p.instructions, [](const instruction& x) { return x.version == 0; });
    auto group = groups_of(p);
    for (int s = 0; s < p.head.stages; ++s) {
        const auto members = p.replica_group(s);
        for (int w = 0; w < p.head.workers; ++w) {
            const auto k = std::ranges::find(members, w) - members.begin();
            const bool listed = k < std::ssize(members);
            const bool touches = std::ranges::any_of(p.row(w), [&](const instruction& x) {
                return x.stage == s && (x.op <= action::recompute || x.op == action::update_weights);
            });
            if (touches && !versions(p, w, s, listed ? p.versions_of(s, static_cast<std::size_t>(k)) : 1, group))
                return false;
        }
    }
    return true;
}

inline bool exclusive(const program_view& p) {
    for (int w = 0; w < p.head.workers; ++w) {
        const auto row = p.row(w);
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (!row[i].overlap) continue;
            if (i + 1 == row.size() || row[i].op > action::recompute || row[i + 1].op > action::recompute) return false;
            const instruction &a = row[i], &b = row[i + 1];
            if (b.overlap || (a.op == action::forward) == (b.op == action::forward)) return false;
            for (int u = a.first; u < a.first + a.count && a.stage == b.stage; ++u)
                if (b.first <= u && u < b.first + b.count) return false;
        }
    }
    return true;
}

inline bool reproducible(const program_view& p) {
    std::set<cell> added;
    auto group = groups_of(p);
    for (int w = 0; w < p.head.workers; ++w) {
        std::map<int, int> reduced, updated;  // stage -> groups whose sum was used
        for (const instruction& x : p.row(w)) {
            if (x.op == action::reduce_gradient) ++reduced[x.stage];
            if (x.op == action::update_weights) ++updated[x.stage];
            if (x.op != action::backward && x.op != action::weight_gradient) continue;
            if (std::max(reduced[x.stage], updated[x.stage]) > group[x.first]) return false;
            for (int u = x.first; u < x.first + x.count; ++u)
                if (!added.insert({x.stage, u}).second) return false;
        }
    }
    for (int s = 0; s < p.head.stages; ++s)
        if (std::ranges::adjacent_find(p.replica_group(s), std::greater_equal<>{}) != p.replica_group(s).end())
            return false;
    return true;
}

/// Laws ordered and matched come out as `matched`.
inline verdict judge(program_argument p) {
    verdict broken;
    if (!once(p)) broken.insert(law::once);
    const bool tidy = tidy_transfers(p);
    if (!naive_machine(p).run() || !tidy) broken.insert(law::matched);
    if (!exclusive(p)) broken.insert(law::exclusive);
    if (!synchronised(p)) broken.insert(law::synchronised);
    if (!housed(p)) broken.insert(law::housed);
    if (!reproducible(p)) broken.insert(law::reproducible);
    return broken;
}

}  // namespace chimera::oracle
