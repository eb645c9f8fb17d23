// SPDX-License-Identifier: Apache-2.0
// Programs broken on purpose: each mutation is caught by the law that it offends, and the oracle agrees.

#include "attack_edits.hpp"
#include "tests/dose.hpp"

namespace chimera::attack {
namespace {

// ---- laws once and ordered

bool drop_compute(program& p, dice& d) {
    return drop(p, pick(p, d, having({action::forward, action::backward, action::weight_gradient})));
}
bool double_compute(program& p, dice& d) {
    const auto at = pick(p, d, any_compute);
    const instruction x = p.instructions[at->index];
    p.instructions.insert(p.instructions.begin() + static_cast<std::ptrdiff_t>(at->index), x);
    for (std::size_t w = static_cast<std::size_t>(at->worker) + 1; w < p.offsets.size(); ++w) ++p.offsets[w];
    return true;
}
bool misplace_compute(program& p, dice& d) {
    if (p.head.workers < 2) return false;
    const auto at = pick(p, d, any_compute);
    const instruction x = p.instructions[at->index];
    (void)drop(p, at);
    const int w = (at->worker + roll(d, 1, p.head.workers - 1)) % p.head.workers;
    const auto to = p.offsets[static_cast<std::size_t>(w)];
    p.instructions.insert(p.instructions.begin() + to, x);
    for (std::size_t v = static_cast<std::size_t>(w) + 1; v < p.offsets.size(); ++v) ++p.offsets[v];
    return true;
}
bool backward_first(program& p, dice& d) {
    const auto at = pick(p, d, having({action::backward, action::input_gradient}));
    const instruction x = p.instructions[at->index];
    const auto to = previous(p, *at, [&](const instruction& y) {
        return (y.op == action::forward || y.op == action::recompute) && y.stage == x.stage && covers(x, y);
    });
    move(p, at->index, *to);
    return true;
}

bool drop_weight_gradient(program& p, dice& d) { return drop(p, pick(p, d, having({action::weight_gradient}))); }

bool weight_gradient_first(program& p, dice& d) {
    const auto at = pick(p, d, having({action::weight_gradient}));
    if (!at) return false;
    const instruction x = p.instructions[at->index];
    move(p, at->index, *previous(p, *at, [&](const instruction& y) {
             return y.op == action::input_gradient && y.stage == x.stage && covers(x, y);
         }));
    return true;
}

// ---- law exclusive

bool false_pair(program& p, dice& d) {
    const auto at = pick(p, d, any_compute);
    instruction& x = p.instructions[at->index];
    const bool last = at->index + 1 == at->end;
    if (x.overlap || (!last && is_compute(p.instructions[at->index + 1].op) &&
                      (x.op == action::forward) != (p.instructions[at->index + 1].op == action::forward)))
        return false;
    x.overlap = 1;
    return true;
}
/// Something comes between the two of a pair.
bool torn_pair(program& p, dice& d) {
    const auto at = pick(p, d, [](const instruction& x) { return x.overlap != 0; });
    if (!at) return false;
    const auto from = next(p, {at->worker, at->index + 1, at->begin, at->end}, [](const instruction&) { return true; });
    if (!from) return false;
    move(p, *from, at->index + 1);
    return !any_compute(p.instructions[at->index + 1]);
}
bool third_in_a_pair(program& p, dice& d) {
    const auto at = pick(p, d, [](const instruction& x) { return x.overlap != 0; });
    if (!at) return false;
    p.instructions[at->index + 1].overlap = 1;
    return true;
}

// ---- law synchronised

bool update_first(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    const int stage = p.instructions[at->index].stage;
    const auto to =
        previous(p, *at, [&](const instruction& y) { return y.op == action::wait_gradient && y.stage == stage; });
    if (!to) return false;
    move(p, at->index, *to);
    return true;
}
bool wait_first(program& p, dice& d) {
    const auto at = pick(p, d, having({action::wait_gradient}));
    if (!at) return false;
    const int stage = p.instructions[at->index].stage;
    move(p, at->index,
         *previous(p, *at, [&](const instruction& y) { return y.op == action::reduce_gradient && y.stage == stage; }));
    return true;
}
/// Two reductions of one worker change places; all its stages have the same replicas in these families, or share some.
bool swap_collectives(program& p, dice& d) {
    const auto at = pick(p, d, having({action::reduce_gradient}));
    if (!at) return false;
    const auto to = next(p, *at, having({action::reduce_gradient}));
    if (!to) return false;
    std::swap(p.instructions[at->index], p.instructions[*to]);
    return true;
}
bool wrong_members(program& p, dice& d) {
    if (p.head.workers < 2) return false;
    auto& m = p.members[static_cast<std::size_t>(roll(d, 0, static_cast<int>(p.members.size()) - 1))];
    m = (m + roll(d, 1, p.head.workers - 1)) % p.head.workers;
    return true;
}

// ---- law reproducible

bool swap_members(program& p, dice& d) {
    const auto s = static_cast<std::size_t>(roll(d, 0, p.head.stages - 1));
    const std::int32_t begin = p.member_offsets[s], end = p.member_offsets[s + 1];
    if (end - begin < 2) return false;
    std::swap(p.members[static_cast<std::size_t>(roll(d, begin, end - 2))],
              p.members[static_cast<std::size_t>(end) - 1]);
    return true;
}

// ---- law housed

bool set_buffer(program& p, dice& d, std::initializer_list<action> of) {
    const auto at = pick(p, d, having(of));
    const int count = p.buffer_counts[static_cast<std::size_t>(at->worker)];
    if (count < 2) return false;
    instruction& x = p.instructions[at->index];
    std::int32_t& b = x.list < 0 ? x.buffer : p.buffers[static_cast<std::size_t>(x.list + roll(d, 0, x.count - 1))];
    b = (b + roll(d, 1, count - 1)) % count;
    return true;
}
bool forward_elsewhere(program& p, dice& d) { return set_buffer(p, d, {action::forward}); }
bool backward_elsewhere(program& p, dice& d) {
    return set_buffer(p, d, {action::backward, action::input_gradient, action::weight_gradient, action::recompute});
}
bool no_such_buffer(program& p, dice& d) {
    instruction& x = p.instructions[pick(p, d, any_compute)->index];
    (x.list < 0 ? x.buffer : p.buffers[static_cast<std::size_t>(x.list)]) = roll(d, 0, 1) ? -1 : 1 << 20;
    return true;
}
bool wrong_count(program& p, dice& d) {
    p.buffer_counts[static_cast<std::size_t>(roll(d, 0, p.head.workers - 1))] += roll(d, 0, 1) ? 1 : -1;
    return true;
}

constexpr mutation mutations[] = {
    {"drop a computation", drop_compute, law::once},
    {"drop a weight gradient", drop_weight_gradient, law::once},
    {"double a computation", double_compute, law::once},
    {"misplace a computation", misplace_compute, law::once},
    {"backward before its forward", backward_first, law::ordered},
    {"weight gradient before its input gradient", weight_gradient_first, law::ordered},
    {"false pair", false_pair, law::exclusive},
    {"torn pair", torn_pair, law::exclusive},
    {"a third in a pair", third_in_a_pair, law::exclusive},
    {"reduce before the last gradient", early_reduce, law::synchronised},
    {"drop a reduce", drop_reduce, law::synchronised},
    {"drop a wait", drop_wait, law::synchronised},
    {"drop an update", drop_update, law::synchronised},
    {"update before the wait", update_first, law::synchronised},
    {"wait before the reduce", wait_first, law::synchronised},
    {"swap collectives", swap_collectives, law::synchronised},
    {"wrong members", wrong_members, law::synchronised},
    {"gradient after the update", late_gradient, law::reproducible},
    {"swap members", swap_members, law::reproducible},
    {"forward into another buffer", forward_elsewhere, law::housed},
    {"backward from another buffer", backward_elsewhere, law::housed},
    {"no such buffer", no_such_buffer, law::housed},
    {"wrong buffer count", wrong_count, law::housed},
};

TEST(attack_programs, every_mutation_is_caught_by_its_law) {
    run(
        mutations, [](dice& d) { return random_case(d, 6, 8); }, 11213, dose(400));
}

TEST(attack_programs, the_oracle_finds_no_fault_in_what_lower_yields) {
    dice d(5);
    for (int k = 0; k < dose(300); ++k) {
        const auto c = random_case(d, 8, 10);
        ASSERT_TRUE(oracle::judge(lower(c.table, c.mode)).empty()) << c.name;
    }
}

}  // namespace
}  // namespace chimera::attack
