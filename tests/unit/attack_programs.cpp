// SPDX-License-Identifier: Apache-2.0
// Programs broken on purpose: each mutation is caught by the law that it offends, and the oracle agrees.

#include "attack_machine.hpp"
#include "attack_specs.hpp"

#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;

/// A place in a program: worker, index over all rows, bounds of the row.
struct spot {
    int worker;
    std::size_t index, begin, end;
};

spot spot_of(const program& p, std::size_t index) {
    std::size_t w = 0;
    while (p.offsets[w + 1] <= static_cast<std::int32_t>(index)) ++w;
    return {static_cast<int>(w), index, static_cast<std::size_t>(p.offsets[w]),
            static_cast<std::size_t>(p.offsets[w + 1])};
}

/// A random instruction for which `wanted` holds.
template <typename Wanted>
std::optional<spot> pick(const program& p, dice& d, Wanted wanted) {
    const int size = static_cast<int>(p.instructions.size());
    const int start = roll(d, 0, size - 1);
    for (int k = 0; k < size; ++k) {
        const auto i = static_cast<std::size_t>((start + k) % size);
        if (wanted(p.instructions[i])) return spot_of(p, i);
    }
    return std::nullopt;
}
auto having(std::initializer_list<action> ops) {
    return [ops = std::vector<action>(ops)](const instruction& x) { return std::ranges::count(ops, x.op) > 0; };
}
const auto any_compute = [](const instruction& x) { return is_compute(x.op); };
const auto any_send = [](const instruction& x) { return is_send(x.op); };
const auto any_receive = [](const instruction& x) { return is_recv(x.op); };
const auto any_gradient = having({action::backward, action::weight_gradient});
const auto any_transfer = [](const instruction& x) { return is_transfer(x.op); };

bool drop(program& p, const std::optional<spot>& at) {
    if (!at) return false;
    p.instructions.erase(p.instructions.begin() + static_cast<std::ptrdiff_t>(at->index));
    for (std::size_t w = static_cast<std::size_t>(at->worker) + 1; w < p.offsets.size(); ++w) --p.offsets[w];
    return true;
}

/// Moves an instruction so that it stands at `to`, within its row.
void move(program& p, std::size_t from, std::size_t to) {
    const auto i = p.instructions.begin();
    const auto a = static_cast<std::ptrdiff_t>(from), b = static_cast<std::ptrdiff_t>(to);
    if (a < b)
        std::rotate(i + a, i + a + 1, i + b + 1);
    else
        std::rotate(i + b, i + a, i + a + 1);
}

/// First place after (or last place before) `at` in its row for which `wanted` holds.
template <typename Wanted>
std::optional<std::size_t> next(const program& p, const spot& at, Wanted wanted) {
    for (std::size_t i = at.index + 1; i < at.end; ++i)
        if (wanted(p.instructions[i])) return i;
    return std::nullopt;
}
template <typename Wanted>
std::optional<std::size_t> previous(const program& p, const spot& at, Wanted wanted) {
    for (std::size_t i = at.index; i-- > at.begin;)
        if (wanted(p.instructions[i])) return i;
    return std::nullopt;
}

bool covers(const instruction& x, const instruction& y) {
    return x.first < y.first + y.count && y.first < x.first + x.count;
}

/// Exchanges what two transfers carry; each place keeps its group.
void exchange(instruction& a, instruction& b) {
    std::swap(a, b);
    std::swap(a.group, b.group);
}

// ---- law matched

bool drop_send(program& p, dice& d) { return drop(p, pick(p, d, any_send)); }
bool drop_receive(program& p, dice& d) { return drop(p, pick(p, d, any_receive)); }
bool reorder_sends(program& p, dice& d) {
    const auto at = pick(p, d, any_send);
    if (!at) return false;
    instruction& a = p.instructions[at->index];
    const auto to = next(p, *at, [&](const instruction& x) { return is_send(x.op) && x.peer == a.peer; });
    if (!to) return false;
    exchange(a, p.instructions[*to]);
    return true;
}
bool reorder_groups(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    instruction& a = p.instructions[at->index];
    const auto to = next(p, *at, [&](const instruction& x) { return is_transfer(x.op) && x.group != a.group; });
    if (!to) return false;
    exchange(a, p.instructions[*to]);
    return true;
}
bool wrong_peer(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    instruction& x = p.instructions[at->index];
    x.peer = (x.peer + roll(d, 1, p.head.workers - 1)) % p.head.workers;
    return p.head.workers > 1;
}
bool wrong_message(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    p.instructions[at->index].message += roll(d, 0, 1) ? 1 : -1;
    return true;
}
bool wrong_load(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    instruction& x = p.instructions[at->index];
    if (roll(d, 0, 1))
        x.first += roll(d, 0, 1) ? 1 : -1;
    else
        ++x.count;
    return true;
}
bool wrong_kind(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    action& op = p.instructions[at->index].op;
    op = static_cast<action>(5 + (static_cast<int>(op) - 5 + roll(d, 1, 3)) % 4);
    return true;
}
bool early_send(program& p, dice& d) {
    const auto at = pick(p, d, any_send);
    if (!at) return false;
    const instruction x = p.instructions[at->index];
    const bool gradient = x.op == action::send_gradient;
    const auto maker = previous(p, *at, [&](const instruction& y) {
        const bool makes =
            gradient ? y.op == action::backward || y.op == action::input_gradient : y.op == action::forward;
        return makes && y.stage == (gradient ? x.stage + 1 : x.stage - 1) && covers(x, y);
    });
    move(p, at->index, *maker);
    return true;
}
bool late_receive(program& p, dice& d) {
    const auto at = pick(p, d, any_receive);
    if (!at) return false;
    const instruction x = p.instructions[at->index];
    const auto user = next(p, *at, [&](const instruction& y) {
        const bool uses =
            x.op == action::recv_gradient ? sends_gradient(static_cast<pass>(y.op)) : y.op == action::forward;
        return is_compute(y.op) && uses && y.stage == x.stage && covers(x, y);
    });
    move(p, at->index, *user);
    return true;
}
/// A group that sends and receives falls into two, sends first, on every worker: harmless unless sends wait.
bool split_groups(program& p, dice&) {
    bool split = false;
    std::int32_t fresh = 0;
    for (const instruction& x : p.instructions) fresh = std::max(fresh, x.group + 1);
    for (std::size_t i = 0; i < p.instructions.size();) {
        std::size_t end = i + 1;
        const std::size_t row = spot_of(p, i).end;
        while (end < row && is_transfer(p.instructions[end].op) && p.instructions[end].group == p.instructions[i].group)
            ++end;
        if (is_transfer(p.instructions[i].op)) {
            const auto begin = p.instructions.begin() + static_cast<std::ptrdiff_t>(i);
            const auto until = p.instructions.begin() + static_cast<std::ptrdiff_t>(end);
            const auto middle = std::stable_partition(begin, until, any_send);
            split = split || (middle != begin && middle != until);
            for (auto k = middle; k != until; ++k) k->group = fresh;
            ++fresh;
        }
        i = end;
    }
    return split;
}
bool group_again(program& p, dice& d) {
    const auto at = pick(p, d, any_transfer);
    if (!at) return false;
    const std::int32_t group = p.instructions[at->index].group;
    const auto to = next(p, *at, [&](const instruction& x) { return is_transfer(x.op) && x.group != group; });
    if (!to) return false;
    const auto between = next(p, *at, [](const instruction& x) { return !is_transfer(x.op); });
    if (!between || *between > *to) return false;
    p.instructions[*to].group = group;
    return true;
}
bool wrong_input(program& p, dice& d) {
    const auto at = pick(p, d, [](const instruction& x) { return is_compute(x.op) && x.inputs > 0; });
    if (!at) return false;
    instruction& x = p.instructions[at->index];
    if (roll(d, 0, 1))
        x.inputs = static_cast<std::uint8_t>(x.inputs - 1);
    else
        x.message += roll(d, 0, 1) ? 1 : -1;
    return true;
}

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

bool weight_gradient_first(program& p, dice& d) {
    const auto at = pick(p, d, having({action::weight_gradient}));
    if (!at) return false;
    const instruction x = p.instructions[at->index];
    move(p, at->index, *previous(p, *at, [&](const instruction& y) {
             return y.op == action::input_gradient && y.stage == x.stage && covers(x, y);
         }));
    return true;
}

// ---- law synchronised

bool early_reduce(program& p, dice& d) {
    const auto at = pick(p, d, having({action::reduce_gradient}));
    if (!at) return false;
    const int stage = p.instructions[at->index].stage;
    const auto to = previous(p, *at, [&](const instruction& y) { return any_gradient(y) && y.stage == stage; });
    if (!to) return false;
    move(p, at->index, *to);
    return true;
}
bool drop_reduce(program& p, dice& d) { return drop(p, pick(p, d, having({action::reduce_gradient}))); }
bool drop_wait(program& p, dice& d) { return drop(p, pick(p, d, having({action::wait_gradient}))); }
bool drop_update(program& p, dice& d) { return drop(p, pick(p, d, having({action::update_weights}))); }
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

bool late_gradient(program& p, dice& d) {
    const auto at = pick(p, d, any_gradient);
    const int stage = p.instructions[at->index].stage;
    const auto to =
        next(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage == stage; });
    move(p, at->index, *to);
    return true;
}
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

struct mutation {
    const char* name;
    bool (*apply)(program&, dice&);
    law caught_by;
    bool may_be_harmless = false;
};

constexpr mutation mutations[] = {
    {"drop a send", drop_send, law::matched},
    {"drop a receive", drop_receive, law::matched},
    {"reorder sends of a pair", reorder_sends, law::matched},
    {"reorder between groups", reorder_groups, law::matched, true},
    {"wrong peer", wrong_peer, law::matched},
    {"wrong message", wrong_message, law::matched},
    {"wrong load", wrong_load, law::matched},
    {"wrong kind of transfer", wrong_kind, law::matched},
    {"send before it is made", early_send, law::matched},
    {"receive after it is used", late_receive, law::matched},
    {"split all groups, sends first", split_groups, law::matched, true},
    {"a group in two pieces", group_again, law::matched},
    {"wrong input", wrong_input, law::matched},
    {"drop a computation", drop_compute, law::once},
    {"double a computation", double_compute, law::once},
    {"misplace a computation", misplace_compute, law::once},
    {"backward before its forward", backward_first, law::ordered},
    {"weight gradient before its input gradient", weight_gradient_first, law::ordered},
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

/// Where once holds, verify and the oracle agree law by law (ordered and matched as one); otherwise on whole or broken.
void expect_agreement(const report& found, const oracle::verdict& expected, const std::string& name) {
    ASSERT_EQ(found.ok(), expected.empty()) << name;
    ASSERT_EQ(found.broken(law::once), expected.contains(law::once)) << name;
    if (found.broken(law::once)) return;
    ASSERT_EQ(found.broken(law::ordered) || found.broken(law::matched), expected.contains(law::matched)) << name;
    for (const law l : {law::synchronised, law::housed, law::reproducible})
        ASSERT_EQ(found.broken(l), expected.contains(l)) << name << ", " << chimera::name(l);
}

TEST(attack_programs, every_mutation_is_caught_by_its_law) {
    dice d(11213);
    std::size_t total = 0;
    for (const mutation& m : mutations) {
        int caught = 0, harmless = 0;
        for (int tries = 0; caught < 400; ++tries) {
            ASSERT_LT(tries, 100000) << m.name;
            const auto c = attack::random_case(d, 6, 8);
            program p = lower(c.table, c.mode);
            if (!m.apply(p, d)) continue;
            const report found = verify(p);
            ASSERT_NO_FATAL_FAILURE(expect_agreement(found, oracle::judge(p), m.name + (" on " + c.name)));
            if (found.ok()) {
                ASSERT_TRUE(m.may_be_harmless) << m.name << " on " << c.name;
                ++harmless;
                continue;
            }
            ASSERT_TRUE(found.broken(m.caught_by))
                << m.name << " on " << c.name << ": " << message(found.faults.front());
            ++caught;
        }
        total += static_cast<std::size_t>(caught);
        std::cout << m.name << ": " << caught << " caught by " << name(m.caught_by) << ", " << harmless
                  << " harmless\n";
    }
    std::cout << total << " mutations of programs caught\n";
}

TEST(attack_programs, the_oracle_finds_no_fault_in_what_lower_yields) {
    dice d(5);
    for (int k = 0; k < 300; ++k) {
        const auto c = attack::random_case(d, 8, 10);
        ASSERT_TRUE(oracle::judge(lower(c.table, c.mode)).empty()) << c.name;
    }
}

}  // namespace
}  // namespace chimera
