// SPDX-License-Identifier: Apache-2.0
// Transfers of programs broken on purpose: law matched catches each, and the oracle agrees.

#include "attack_edits.hpp"
#include "tests/dose.hpp"

namespace chimera::attack {
namespace {

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
};

TEST(attack_transfers, every_mutation_is_caught_by_its_law) {
    run(
        mutations, [](dice& d) { return random_case(d, 6, 8); }, 11213, dose(400));
}

}  // namespace
}  // namespace chimera::attack
