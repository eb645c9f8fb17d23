// SPDX-License-Identifier: Apache-2.0
// Updates and weight versions of asynchronous programs broken on purpose; and the same programs whole.

#include "attack_edits.hpp"
#include "tests/dose.hpp"

namespace chimera::attack {
namespace {

std::int32_t versions(const program& p, const spot& at) {
    const int stage = p.instructions[at.index].stage;
    const auto members = p.view().replica_group(stage);
    return p.view().versions_of(stage,
                                static_cast<std::size_t>(std::ranges::find(members, at.worker) - members.begin()));
}

bool set_version(program& p, dice& d, std::initializer_list<action> of) {
    const auto at = pick(p, d, having(of));
    if (!at) return false;
    const int count = versions(p, *at);
    if (count < 2) return false;
    std::uint8_t& v = p.instructions[at->index].version;
    v = static_cast<std::uint8_t>((v + roll(d, 1, count - 1)) % count);
    return true;
}
bool forward_version(program& p, dice& d) { return set_version(p, d, {action::forward}); }
bool backward_version(program& p, dice& d) { return set_version(p, d, {action::backward, action::input_gradient}); }
bool weight_gradient_version(program& p, dice& d) { return set_version(p, d, {action::weight_gradient}); }
bool recompute_version(program& p, dice& d) { return set_version(p, d, {action::recompute}); }
bool update_elsewhere(program& p, dice& d) { return set_version(p, d, {action::update_weights}); }
bool no_such_version(program& p, dice& d) {
    const auto at = pick(p, d, having({action::forward, action::backward, action::update_weights}));
    p.instructions[at->index].version = static_cast<std::uint8_t>(versions(p, *at) + roll(d, 0, 9));
    return true;
}
bool wrong_version_count(program& p, dice& d) {
    p.version_counts[static_cast<std::size_t>(roll(d, 0, static_cast<int>(p.members.size()) - 1))] +=
        roll(d, 0, 1) ? 1 : -1;
    return true;
}

/// An update with something of its stage on the way to where `to` finds a place.
bool early_update(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    const int stage = p.instructions[at->index].stage;
    const auto to = previous(p, *at, [&](const instruction& y) { return any_gradient(y) && y.stage == stage; });
    if (!to) return false;
    move(p, at->index, *to);
    return true;
}
bool late_update(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    const int stage = p.instructions[at->index].stage;
    const auto to = next(p, *at, [&](const instruction& y) { return any_gradient(y) && y.stage == stage; });
    if (!to) return false;
    move(p, at->index, *to);
    return true;
}
/// Behind the next forward of the stage, but in front of its next gradient: in order, but the forward misses it.
bool update_behind_a_forward(program& p, dice& d) {
    if (p.head.update != update_rule::stashed) return false;
    const auto at = pick(p, d, having({action::update_weights}));
    const int stage = p.instructions[at->index].stage;
    const auto to = next(p, *at, [&](const instruction& y) { return y.op == action::forward && y.stage == stage; });
    const auto end = next(p, *at, [&](const instruction& y) { return any_gradient(y) && y.stage == stage; });
    if (!to || (end && *end < *to)) return false;
    move(p, at->index, *to);
    return true;
}
bool double_update(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    const instruction x = p.instructions[at->index];
    p.instructions.insert(p.instructions.begin() + static_cast<std::ptrdiff_t>(at->index), x);
    for (std::size_t w = static_cast<std::size_t>(at->worker) + 1; w < p.offsets.size(); ++w) ++p.offsets[w];
    return true;
}
/// Two updates of one stage: all that they differ in is the version that they write.
bool swap_updates(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    instruction& a = p.instructions[at->index];
    const auto to =
        next(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage == a.stage; });
    if (!to || p.instructions[*to].version == a.version) return false;
    std::swap(a, p.instructions[*to]);
    return true;
}
bool swap_updates_of_two_stages(program& p, dice& d) {
    const auto at = pick(p, d, having({action::update_weights}));
    instruction& a = p.instructions[at->index];
    const auto to =
        next(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage != a.stage; });
    if (!to) return false;
    std::swap(a, p.instructions[*to]);
    return true;
}
bool update_before_wait(program& p, dice& d) {
    const auto at = pick(p, d, having({action::wait_gradient}));
    if (!at) return false;
    const int stage = p.instructions[at->index].stage;
    move(p, at->index,
         *next(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage == stage; }));
    return true;
}
bool gradient_before_an_update(program& p, dice& d) {
    const auto at = pick(p, d, any_gradient);
    const int stage = p.instructions[at->index].stage;
    const auto to =
        previous(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage == stage; });
    if (!to) return false;
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
bool other_rule(program& p, dice&) {
    p.head.update = p.head.update == update_rule::stashed ? update_rule::double_buffered : update_rule::stashed;
    return true;
}
bool other_groups(program& p, dice& d) {
    p.head.update_every += roll(d, 0, 1) && p.head.update_every > 1 ? -1 : 1;
    return true;
}
bool flushed_after_all(program& p, dice&) {
    p.head.update = update_rule::flushed;
    p.head.update_every = 0;
    return true;
}

constexpr mutation mutations[] = {
    {"forward reads another version", forward_version, law::housed},
    {"backward reads another version", backward_version, law::housed},
    {"weight gradient of another version", weight_gradient_version, law::housed},
    {"recompute of another version", recompute_version, law::housed},
    {"update writes another version", update_elsewhere, law::housed, true},
    {"no such version", no_such_version, law::housed},
    {"wrong version count", wrong_version_count, law::housed},
    {"update behind a forward", update_behind_a_forward, law::housed},
    {"two updates of a stage swapped", swap_updates, law::housed, true},
    {"another rule", other_rule, law::housed, true},
    {"update too early", early_update, law::synchronised},
    {"update too late", late_update, law::synchronised},
    {"drop an update", drop_update, law::synchronised},
    {"double an update", double_update, law::synchronised},
    {"updates of two stages swapped", swap_updates_of_two_stages, law::synchronised, true},
    {"drop a reduce", drop_reduce, law::synchronised},
    {"drop a wait", drop_wait, law::synchronised},
    {"reduce too early", early_reduce, law::synchronised},
    {"update before the wait", update_before_wait, law::synchronised},
    {"gradient of the next group before the update", gradient_before_an_update, law::synchronised, true},
    {"another group size", other_groups, law::synchronised, true},
    {"gradient behind its update", late_gradient, law::reproducible},
    {"drop a weight gradient", drop_weight_gradient, law::once},
    {"weight gradient before its input gradient", weight_gradient_first, law::ordered},
};

TEST(attack_updates, every_mutation_is_caught_by_its_law) {
    run(
        mutations, [](dice& d) { return random_asynchronous(d, 6, 12); }, 1989, dose(300));
}

TEST(attack_updates, updates_within_the_iteration_need_a_header_that_says_so) {
    dice d(3);
    int broken = 0;
    for (int k = 0; k < dose(200); ++k) {
        const auto c = random_asynchronous(d, 6, 12);
        program p = lower(c.table, c.mode);
        const bool one_update = p.version_counts == std::vector<std::int32_t>(p.members.size(), 1) &&
                                std::ranges::count_if(p.instructions, having({action::update_weights})) ==
                                    static_cast<std::ptrdiff_t>(p.members.size());
        (void)flushed_after_all(p, d);
        ASSERT_EQ(verify(p).ok(), one_update) << c.name;
        broken += !one_update;
    }
    EXPECT_GT(broken, dose(100));
}

TEST(attack_updates, the_oracle_finds_no_fault_in_what_lower_yields) {
    dice d(5);
    for (int k = 0; k < dose(500); ++k) {
        const auto c = random_asynchronous(d, 8, 20);
        ASSERT_TRUE(oracle::judge(lower(c.table, c.mode)).empty()) << c.name;
    }
}

}  // namespace
}  // namespace chimera::attack
