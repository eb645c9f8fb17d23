// SPDX-License-Identifier: Apache-2.0
// Schedules broken on purpose: each mutation is caught by the law that it offends, and the oracle agrees.

#include "attack_oracle.hpp"
#include "attack_specs.hpp"
#include "tests/dose.hpp"

#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <iostream>
#include <map>
#include <optional>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;

/// A place in a schedule: row and slot, and the slot's index over all rows.
struct spot {
    int worker, row_size;
    std::size_t index, begin;
};

std::optional<spot> pick(const schedule& s, dice& d) {
    if (s.entries.empty()) return std::nullopt;
    const int at = roll(d, 0, static_cast<int>(s.entries.size()) - 1);
    int w = 0;
    while (s.offsets[static_cast<std::size_t>(w) + 1] <= at) ++w;
    const int begin = s.offsets[static_cast<std::size_t>(w)];
    return spot{w, s.offsets[static_cast<std::size_t>(w) + 1] - begin, static_cast<std::size_t>(at),
                static_cast<std::size_t>(begin)};
}

void erase(schedule& s, const spot& at) {
    s.entries.erase(s.entries.begin() + static_cast<std::ptrdiff_t>(at.index));
    for (std::size_t w = static_cast<std::size_t>(at.worker) + 1; w < s.offsets.size(); ++w) --s.offsets[w];
}

/// Puts x into worker w's row where its tick belongs.
void insert(schedule& s, int w, const slot& x) {
    auto at = s.entries.begin() + s.offsets[static_cast<std::size_t>(w)];
    const auto end = s.entries.begin() + s.offsets[static_cast<std::size_t>(w) + 1];
    while (at != end && at->tick <= x.tick) ++at;
    s.entries.insert(at, x);
    for (std::size_t v = static_cast<std::size_t>(w) + 1; v < s.offsets.size(); ++v) ++s.offsets[v];
}

/// Each changes the schedule, or returns false where it finds nothing to change.
bool drop(schedule& s, dice& d) {
    const auto at = pick(s, d);
    erase(s, *at);
    return true;
}
bool duplicate(schedule& s, dice& d) {
    const auto at = pick(s, d);
    slot x = s.entries[at->index];
    x.tick = s.entries[at->begin + static_cast<std::size_t>(at->row_size) - 1]
                 .end();  // beyond the row: collides with nothing
    insert(s, at->worker, x);
    return true;
}
bool misplace(schedule& s, dice& d) {
    if (s.head.workers < 2) return false;
    const auto at = pick(s, d);
    const slot x = s.entries[at->index];
    erase(s, *at);
    insert(s, (at->worker + roll(d, 1, s.head.workers - 1)) % s.head.workers, x);
    return true;
}
bool wrong_stage(schedule& s, dice& d) {
    if (s.head.stages < 2) return false;
    slot& x = s.entries[pick(s, d)->index];
    x.stage = static_cast<std::uint16_t>((x.stage + roll(d, 1, s.head.stages - 1)) % s.head.stages);
    return true;
}
bool wrong_unit(schedule& s, dice& d) {
    if (s.head.units() < 2) return false;
    slot& x = s.entries[pick(s, d)->index];
    x.first = (x.first + roll(d, 1, s.head.units() - 1)) % s.head.units();
    return true;
}
bool wrong_pipeline(schedule& s, dice& d) {
    if (s.head.pipelines < 2) return false;
    slot& x = s.entries[pick(s, d)->index];
    x.pipeline = static_cast<std::uint16_t>((x.pipeline + roll(d, 1, s.head.pipelines - 1)) % s.head.pipelines);
    return true;
}
bool wrong_pass(schedule& s, dice& d) {
    slot& x = s.entries[pick(s, d)->index];
    x.op = static_cast<pass>((static_cast<int>(x.op) + roll(d, 1, 3)) %
                             4);  // never a recompute: that may be dropped at will
    return true;
}
bool beyond_range(schedule& s, dice& d) {
    slot& x = s.entries[pick(s, d)->index];
    switch (roll(d, 0, 3)) {
        case 0:
            x.stage = static_cast<std::uint16_t>(s.head.stages + roll(d, 0, 9));
            break;
        case 1:
            x.pipeline = static_cast<std::uint16_t>(s.head.pipelines + roll(d, 0, 9));
            break;
        case 2:
            x.first = -roll(d, 1, 1000000);
            break;
        default:
            x.first = s.head.units() + roll(d, 0, 1000000);
    }
    return true;
}
/// Two slots of a row change places, ticks stay. Harmless where neither waits for the other's inputs.
bool swap_slots(schedule& s, dice& d) {
    const auto at = pick(s, d);
    if (at->row_size < 2) return false;
    slot& a = s.entries[at->index];
    slot& b = s.entries[at->begin + static_cast<std::size_t>(roll(d, 0, at->row_size - 1))];
    if (a.ticks != b.ticks || &a == &b) return false;
    std::swap(a, b);
    std::swap(a.tick, b.tick);
    return true;
}
/// One slot starts when something it needs has one tick to go.
bool too_early(schedule& s, dice& d) {
    const auto at = pick(s, d);
    slot& x = s.entries[at->index];
    for (const slot& y : s.entries) {
        const oracle::step_at of_x{0, 0, x.op, x.pipeline, x.stage, x.first, 0, 0};
        if (y.first > x.first || x.first >= y.first + y.count) continue;
        if (!oracle::needs(of_x, {0, 0, y.op, y.pipeline, y.stage, x.first, 0, 0})) continue;
        x.tick = y.end() - 1;
        return true;
    }
    return false;
}
/// A slot is shifted by a few ticks, either way, where it stays in its place of the row.
bool shift(schedule& s, dice& d) {
    slot& x = s.entries[pick(s, d)->index];
    x.tick += roll(d, 1, 6) * (roll(d, 0, 1) ? 1 : -1);
    return true;
}
bool collide(schedule& s, dice& d) {
    const auto at = pick(s, d);
    if (at->index == at->begin || s.entries[at->index - 1].overlap != 0) return false;  // a pair may start together
    s.entries[at->index].tick = s.entries[at->index - 1].end() - 1;
    return true;
}
bool no_length(schedule& s, dice& d) {
    s.entries[pick(s, d)->index].ticks = 0;
    return true;
}
bool unsorted(schedule& s, dice& d) {
    const auto at = pick(s, d);
    if (at->row_size < 2 || at->index == at->begin) return false;
    std::swap(s.entries[at->index], s.entries[at->index - 1]);
    return true;
}
bool false_pair(schedule& s, dice& d) {
    const auto at = pick(s, d);
    slot& x = s.entries[at->index];
    const bool last = at->index + 1 == at->begin + static_cast<std::size_t>(at->row_size);
    if (!last && (x.op == pass::forward) != (s.entries[at->index + 1].op == pass::forward)) return false;
    x.overlap = 1;
    return true;
}

struct mutation {
    const char* name;
    bool (*apply)(schedule&, dice&);
    law caught_by;
    bool may_be_harmless = false;
};

constexpr mutation mutations[] = {
    {"drop a slot", drop, law::once, true},  // a recompute may go
    {"duplicate a slot", duplicate, law::once},    {"misplace a slot", misplace, law::once},
    {"wrong stage", wrong_stage, law::once, true},  // likewise, to a stage of the same worker without one
    {"wrong unit", wrong_unit, law::once},         {"wrong pipeline", wrong_pipeline, law::once},
    {"wrong pass", wrong_pass, law::once},         {"beyond range", beyond_range, law::once},
    {"start too early", too_early, law::ordered},  {"swap two slots", swap_slots, law::ordered, true},
    {"shift in time", shift, law::ordered, true},  {"collide", collide, law::exclusive},
    {"no length", no_length, law::exclusive},      {"unsorted row", unsorted, law::exclusive},
    {"false pair", false_pair, law::exclusive},
};

TEST(attack_schedules, every_mutation_is_caught_by_its_law) {
    dice d(1906);
    std::size_t total = 0;
    for (const mutation& m : mutations) {
        int caught = 0, harmless = 0, other = 0;
        while (caught < dose(1000)) {
            const auto c = attack::random_case(d, 10, 12);
            schedule s = c.table;
            if (!m.apply(s, d)) continue;
            const oracle::verdict expected = oracle::judge(s);
            const report found = verify(s);
            ASSERT_EQ(found.ok(), expected.empty()) << m.name << " on " << c.name;
            ASSERT_EQ(found.broken(law::once), expected.contains(law::once)) << m.name << " on " << c.name;
            ASSERT_EQ(found.broken(law::exclusive), expected.contains(law::exclusive)) << m.name << " on " << c.name;
            const bool comparable = !expected.contains(law::once);  // otherwise "the" pass of a unit is not defined
            ASSERT_TRUE(!comparable || found.broken(law::ordered) == expected.contains(law::ordered))
                << m.name << " on " << c.name;
            if (expected.empty()) {
                ASSERT_TRUE(m.may_be_harmless) << m.name << " on " << c.name;
                ++harmless;
            } else if (found.broken(m.caught_by)) {
                ++caught;
            } else {  // a shift or swap may offend another law instead
                ASSERT_TRUE(m.may_be_harmless) << m.name << " on " << c.name << ": " << message(found.faults.front());
                ++other;
            }
        }
        total += static_cast<std::size_t>(caught);
        std::cout << m.name << ": " << caught << " caught by " << name(m.caught_by) << ", " << other
                  << " by another law, " << harmless << " harmless\n";
    }
    std::cout << total << " mutations of schedules caught\n";
}

TEST(attack_schedules, a_limit_below_the_peak_is_exceeded_where_the_oracle_says) {
    dice d(7);
    for (int k = 0; k < dose(1000); ++k) {
        const auto c = attack::random_case(d, 8, 10);
        const std::vector<int> peaks = oracle::peaks(c.table);
        const report found = verify(c.table);
        ASSERT_TRUE(std::ranges::equal(found.peaks, peaks)) << c.name;
        const int most = *std::ranges::max_element(peaks), parts = c.table.head.micro_batch_parts;
        const int limit = (most - 1) / parts;
        const report tight = verify(c.table, {.activations = limit});
        int above = 0;
        for (const int p : peaks) above += p > limit * parts;
        ASSERT_EQ(tight.counts[static_cast<std::size_t>(law::bounded)], above) << c.name;
        ASSERT_TRUE(verify(c.table, {.activations = limit + 1}).ok()) << c.name;
    }
}

}  // namespace
}  // namespace chimera
