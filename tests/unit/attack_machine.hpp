// SPDX-License-Identifier: Apache-2.0
#pragma once

// A program run naively: workers hold tokens, transfers move them, nothing is looked up. Laws ordered and matched are
// judged together here, because to a machine both mean that something is not there when it is needed.

#include "attack_oracle.hpp"

namespace chimera::oracle {

inline bool is_gradient(action op) { return op == action::send_gradient || op == action::recv_gradient; }
inline bool moves(action op) { return op >= action::send_activation && op <= action::recv_gradient; }
inline bool sends(action op) { return op == action::send_activation || op == action::send_gradient; }

class naive_machine {
public:
    explicit naive_machine(const program_view& program) : p(program), pc(static_cast<std::size_t>(p.head.workers), 0) {}

    /// True when every worker reaches its end and nothing was missing on the way.
    bool run() {
        for (bool moved = true; moved;) {
            moved = false;
            for (int w = 0; w < p.head.workers; ++w)
                while (step(w)) moved = true;
        }
        for (int w = 0; w < p.head.workers; ++w) whole = whole && at(w) == p.row(w).size();
        return whole;
    }

private:
    using token = std::tuple<int, bool, int, int>;  // worker, gradient, stage that consumes, unit

    std::size_t& at(int w) { return pc[static_cast<std::size_t>(w)]; }

    bool step(int w) {
        const auto row = p.row(w);
        if (at(w) == row.size()) return false;
        const instruction& x = row[at(w)];
        if (moves(x.op)) return transfer(w);
        if (x.op == action::reduce_gradient) reduced.insert({w, x.stage});
        if (x.op == action::wait_gradient && !all_reduced(x.stage)) return false;
        if (x.op <= action::recompute) compute(w, x);
        ++at(w);
        return true;
    }

    bool all_reduced(int stage) {
        for (int w = 0; w < p.head.workers; ++w)
            for (const instruction& x : p.row(w))
                if (x.op == action::reduce_gradient && x.stage == stage && !reduced.contains({w, stage})) return false;
        return true;
    }

    /// The calls of the group at pc: all are posted; done when the other end of each is.
    bool transfer(int w) {
        const auto row = p.row(w);
        std::size_t end = at(w);
        for (; end < row.size() && moves(row[end].op) && row[end].group == row[at(w)].group; ++end) {
            const instruction& x = row[end];
            const auto key = std::make_tuple(w, x.peer, x.message, sends(x.op));
            if (posted.contains(key)) continue;
            posted[key] = x;
            for (int u = x.first; u < x.first + x.count && sends(x.op); ++u)
                whole = whole && made.contains({w, is_gradient(x.op), x.stage, u});
        }
        for (std::size_t i = at(w); i < end; ++i) {
            const instruction& x = row[i];
            const auto other = posted.find(std::make_tuple(x.peer, w, x.message, !sends(x.op)));
            if (other == posted.end()) return false;
            const instruction& y = other->second;
            whole = whole && is_gradient(x.op) == is_gradient(y.op) &&
                    std::tie(x.stage, x.pipeline, x.first, x.count) == std::tie(y.stage, y.pipeline, y.first, y.count);
        }
        for (; at(w) < end; ++at(w)) {
            const instruction& x = row[at(w)];
            for (int u = x.first; u < x.first + x.count && !sends(x.op); ++u)
                arrived.insert({w, is_gradient(x.op), x.stage, u});
        }
        return true;
    }

    void need(bool there) { whole = whole && there; }

    void compute(int w, const instruction& x) {
        const auto op = static_cast<pass>(x.op);
        const bool gradient = op == pass::backward || op == pass::input_gradient;
        for (int u = x.first; u < x.first + x.count; ++u) {
            const auto has = [&](pass what) { return done.contains({what, x.stage, u}); };
            if (op == pass::forward && x.stage > 0) need(arrived.contains({w, false, x.stage, u}));
            if (gradient && x.stage + 1 < p.head.stages) need(arrived.contains({w, true, x.stage, u}));
            if (op != pass::forward) need(has(pass::forward));
            if (gradient) need(has(pass::recompute) || !recomputes(x.stage, u));
            if (op == pass::weight_gradient) need(has(pass::input_gradient));
            done.insert({op, x.stage, u});
            if (op == pass::forward) hand_on(w, x, false, x.stage + 1, u);
            if (gradient) hand_on(w, x, true, x.stage - 1, u);
        }
    }

    void hand_on(int w, const instruction& x, bool gradient, int to, int u) {
        if (to < 0 || to >= p.head.stages) return;
        made.insert({w, gradient, to, u});
        if (p.worker_of(x.pipeline, to) == w) arrived.insert({w, gradient, to, u});
    }

    bool recomputes(int stage, int unit) {
        for (const instruction& x : p.instructions)
            if (x.op == action::recompute && x.stage == stage && x.first <= unit && unit < x.first + x.count)
                return true;
        return false;
    }

    program_view p;
    std::vector<std::size_t> pc;
    bool whole = true;
    std::map<std::tuple<int, int, int, bool>, instruction> posted;
    std::set<token> made, arrived;
    std::set<std::tuple<pass, int, int>> done;
    std::set<std::pair<int, int>> reduced;
};

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

inline bool synchronised(const program_view& p) {
    for (int s = 0; s < p.head.stages; ++s) {
        const std::set<int> group = holders_of(p, s);
        const auto listed = p.replica_group(s);
        if (!std::equal(listed.begin(), listed.end(), group.begin(), group.end())) return false;
        for (int w = 0; w < p.head.workers; ++w) {
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

inline bool housed(const program_view& p) {
    for (int w = 0; w < p.head.workers; ++w) {
        std::map<int, cell> tenants;
        std::size_t peak = 0;
        for (const instruction& x : p.row(w)) {
            if (x.op > action::recompute) continue;
            for (int k = 0; k < x.count; ++k) {
                const int b = p.buffer_of(x, k);
                const cell who{x.stage, x.first + k};
                if (b < 0 || b >= p.buffer_counts[static_cast<std::size_t>(w)]) return false;
                if (x.op == action::forward && !tenants.emplace(b, who).second) return false;
                if (!tenants.contains(b) || tenants[b] != who) return false;
                peak = std::max(peak, tenants.size());
                if (x.op == action::backward || x.op == action::weight_gradient) tenants.erase(b);
            }
        }
        if (static_cast<int>(peak) != p.buffer_counts[static_cast<std::size_t>(w)]) return false;
    }
    return true;
}

inline bool reproducible(const program_view& p) {
    std::set<cell> added;
    for (int w = 0; w < p.head.workers; ++w) {
        std::set<int> used;
        for (const instruction& x : p.row(w)) {
            if (x.op == action::reduce_gradient || x.op == action::update_weights) used.insert(x.stage);
            if (x.op != action::backward && x.op != action::weight_gradient) continue;
            if (used.contains(x.stage)) return false;
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
inline verdict judge(const program_view& p) {
    verdict broken;
    if (!once(p)) broken.insert(law::once);
    const bool tidy = tidy_transfers(p);
    if (!naive_machine(p).run() || !tidy) broken.insert(law::matched);
    if (!synchronised(p)) broken.insert(law::synchronised);
    if (!housed(p)) broken.insert(law::housed);
    if (!reproducible(p)) broken.insert(law::reproducible);
    return broken;
}

}  // namespace chimera::oracle
