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
        if (x.op == action::reduce_gradient) ++reduced[{w, x.stage}];
        if (x.op == action::wait_gradient && !all_reduced(x.stage, waited[{w, x.stage}])) return false;
        if (x.op == action::wait_gradient) ++waited[{w, x.stage}];
        if (x.op <= action::recompute) compute(w, x);
        ++at(w);
        return true;
    }

    /// Whether all that ever start the k-th reduction of the stage have done so.
    bool all_reduced(int stage, int k) {
        for (int w = 0; w < p.head.workers; ++w) {
            const auto starts = std::ranges::count_if(
                p.row(w), [&](const instruction& x) { return x.op == action::reduce_gradient && x.stage == stage; });
            if (starts > k && reduced[{w, stage}] <= k) return false;
        }
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
    std::map<std::pair<int, int>, int> reduced, waited;  // worker, stage: how many
};

}  // namespace chimera::oracle
