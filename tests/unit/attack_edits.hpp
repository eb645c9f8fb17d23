// SPDX-License-Identifier: Apache-2.0
#pragma once

// What mutations of programs are made with, and the run that holds each to the law it offends.

#include "attack_laws.hpp"
#include "attack_specs.hpp"

#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <optional>
#include <span>

namespace chimera::attack {

/// A place in a program: worker, index over all rows, bounds of the row.
struct spot {
    int worker;
    std::size_t index, begin, end;
};

inline spot spot_of(const program& p, std::size_t index) {
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
inline auto having(std::initializer_list<action> ops) {
    return [ops = std::vector<action>(ops)](const instruction& x) { return std::ranges::count(ops, x.op) > 0; };
}
inline const auto any_compute = [](const instruction& x) { return is_compute(x.op); };
inline const auto any_send = [](const instruction& x) { return is_send(x.op); };
inline const auto any_receive = [](const instruction& x) { return is_recv(x.op); };
inline const auto any_gradient = having({action::backward, action::weight_gradient});
inline const auto any_transfer = [](const instruction& x) { return is_transfer(x.op); };

inline bool drop(program& p, const std::optional<spot>& at) {
    if (!at) return false;
    p.instructions.erase(p.instructions.begin() + static_cast<std::ptrdiff_t>(at->index));
    for (std::size_t w = static_cast<std::size_t>(at->worker) + 1; w < p.offsets.size(); ++w) --p.offsets[w];
    return true;
}

/// Moves an instruction so that it stands at `to`, within its row.
inline void move(program& p, std::size_t from, std::size_t to) {
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

inline bool covers(const instruction& x, const instruction& y) {
    return x.first < y.first + y.count && y.first < x.first + x.count;
}

/// Exchanges what two transfers carry; each place keeps its group.
inline void exchange(instruction& a, instruction& b) {
    std::swap(a, b);
    std::swap(a.group, b.group);
}

struct mutation {
    const char* name;
    bool (*apply)(program&, dice&);  ///< false where it finds nothing to change
    law caught_by;
    bool may_be_harmless = false;
};

/// Where once holds, verify and the oracle agree law by law (ordered and matched as one); otherwise on whole or broken.
inline void expect_agreement(const report& found, const oracle::verdict& expected, const std::string& name) {
    ASSERT_EQ(found.ok(), expected.empty()) << name << (found.ok() ? "" : ": " + message(found.faults.front()));
    ASSERT_EQ(found.broken(law::once), expected.contains(law::once)) << name;
    if (found.broken(law::once)) return;
    ASSERT_EQ(found.broken(law::ordered) || found.broken(law::matched), expected.contains(law::matched)) << name;
    for (const law l : {law::exclusive, law::synchronised, law::housed, law::reproducible})
        ASSERT_EQ(found.broken(l), expected.contains(l))
            << name << ", " << chimera::name(l) << (found.ok() ? "" : ": " + message(found.faults.back()));
}

/// Applies each mutation to random programs until its law has caught it `times` times.
inline void run(std::span<const mutation> mutations, std::function<case_of(dice&)> any, unsigned seed, int times) {
    dice d(seed);
    for (const mutation& m : mutations) {
        int caught = 0, harmless = 0;
        for (int tries = 0; caught < times; ++tries) {
            ASSERT_LT(tries, 100000) << m.name;
            const auto c = any(d);
            program p = lower(c.table, c.mode);
            if (!m.apply(p, d)) continue;
            const report found = verify(p);
            ASSERT_NO_FATAL_FAILURE(expect_agreement(found, oracle::judge(p), m.name + (" on " + c.name)));
            if (found.ok()) {
                ASSERT_TRUE(m.may_be_harmless) << m.name << " on " << c.name;
                ++harmless;
                continue;
            }
            ASSERT_TRUE(found.broken(m.caught_by) || m.may_be_harmless)
                << m.name << " on " << c.name << ": " << message(found.faults.front());
            caught += found.broken(m.caught_by);
        }
        std::cout << m.name << ": " << caught << " caught by " << name(m.caught_by) << ", " << harmless
                  << " harmless\n";
    }
}

// Mutations of reductions and updates, whether these come once or again and again.

inline bool drop_reduce(program& p, dice& d) { return drop(p, pick(p, d, having({action::reduce_gradient}))); }
inline bool drop_wait(program& p, dice& d) { return drop(p, pick(p, d, having({action::wait_gradient}))); }
inline bool drop_update(program& p, dice& d) { return drop(p, pick(p, d, having({action::update_weights}))); }
inline bool early_reduce(program& p, dice& d) {
    const auto at = pick(p, d, having({action::reduce_gradient}));
    if (!at) return false;
    const int stage = p.instructions[at->index].stage;
    const auto to = previous(p, *at, [&](const instruction& y) { return any_gradient(y) && y.stage == stage; });
    if (!to) return false;
    move(p, at->index, *to);
    return true;
}
inline bool late_gradient(program& p, dice& d) {
    const auto at = pick(p, d, any_gradient);
    const int stage = p.instructions[at->index].stage;
    const auto to =
        next(p, *at, [&](const instruction& y) { return y.op == action::update_weights && y.stage == stage; });
    move(p, at->index, *to);
    return true;
}

}  // namespace chimera::attack
