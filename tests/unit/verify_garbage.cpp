// SPDX-License-Identifier: Apache-2.0
// Whatever a file may hold: verify finds fault and never leaves its arrays (the sanitizers watch).

#include "attack_specs.hpp"

#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>

namespace chimera {
namespace {

using attack::dice;
using attack::roll;

/// Small numbers, numbers just beyond, and the ends of the type.
int odd_number(dice& d, int size) {
    switch (roll(d, 0, 7)) {
        case 0:
            return -1;
        case 1:
            return size;
        case 2:
            return std::numeric_limits<int>::max();
        case 3:
            return std::numeric_limits<int>::min();
        case 4:
            return static_cast<int>(d());
        default:
            return roll(d, 0, size);
    }
}

slot random_slot(dice& d, const shape& h) {
    slot x;
    x.tick = odd_number(d, 40);
    x.first = odd_number(d, h.units());
    x.stage = static_cast<std::uint16_t>(odd_number(d, h.stages));
    x.pipeline = static_cast<std::uint16_t>(odd_number(d, h.pipelines));
    x.ticks = static_cast<std::uint16_t>(odd_number(d, 3));
    x.op = static_cast<pass>(roll(d, 0, 4));
    x.count = static_cast<std::uint8_t>(odd_number(d, 3)) & 0x7f;
    x.overlap = static_cast<std::uint8_t>(roll(d, 0, 1)) & 1;
    return x;
}

void scramble(instruction& x, dice& d, const program& p) {
    switch (roll(d, 0, 12)) {
        case 11:
            x.version = static_cast<std::uint8_t>(odd_number(d, 3));
            break;
        case 12:
            x.overlap = 1;
            break;
        case 0:
            x.op = static_cast<action>(roll(d, 0, 15));
            break;
        case 1:
            x.count = odd_number(d, 3) & 0x7f;
            break;
        case 2:
            x.pipeline = static_cast<std::uint16_t>(odd_number(d, p.head.pipelines));
            break;
        case 3:
            x.stage = static_cast<std::uint16_t>(odd_number(d, p.head.stages));
            break;
        case 4:
            x.inputs = static_cast<std::uint8_t>(odd_number(d, 2));
            break;
        case 5:
            x.first = odd_number(d, p.head.units());
            break;
        case 6:
            x.peer = odd_number(d, p.head.workers);
            break;
        case 7:
            x.buffer = odd_number(d, 4);
            break;
        case 8:
            x.group = odd_number(d, 20);
            break;
        case 9:
            x.message = odd_number(d, p.messages);
            break;
        default:
            x.list = odd_number(d, static_cast<int>(p.buffers.size()));
    }
}

/// Of any family, a third of them asynchronous.
attack::case_of any_case(dice& d) {
    return roll(d, 0, 2) == 0 ? attack::random_asynchronous(d, 5, 5) : attack::random_case(d, 5, 5);
}

TEST(verify_garbage, slots_of_any_content) {
    dice d(1);
    for (int k = 0; k < 8000; ++k) {
        auto c = attack::random_case(d, 5, 5);
        const int changes = roll(d, 1, 8);
        for (int i = 0; i < changes; ++i)
            c.table.entries[static_cast<std::size_t>(roll(d, 0, static_cast<int>(c.table.entries.size()) - 1))] =
                random_slot(d, c.table.head);
        for (const fault& f : verify(c.table, {.activations = odd_number(d, 5)}).faults)
            EXPECT_FALSE(message(f).empty());
    }
}

TEST(verify_garbage, instructions_of_any_content) {
    dice d(2);
    for (int k = 0; k < 8000; ++k) {
        const auto c = any_case(d);
        program p = lower(c.table, c.mode);
        const int changes = roll(d, 1, 8);
        for (int i = 0; i < changes; ++i)
            scramble(p.instructions[static_cast<std::size_t>(roll(d, 0, static_cast<int>(p.instructions.size()) - 1))],
                     d, p);
        for (const fault& f : verify(p).faults) EXPECT_FALSE(message(f).empty());
    }
}

TEST(verify_garbage, headers_and_arrays_of_any_content) {
    dice d(3);
    int refused = 0;
    for (int k = 0; k < 8000; ++k) {
        const auto c = any_case(d);
        program p = lower(c.table, c.mode);
        std::int32_t* const sizes[] = {
            &p.head.workers,           &p.head.stages, &p.head.pipelines,   &p.head.micro_batches,
            &p.head.micro_batch_parts, &p.messages,    &p.head.update_every};
        std::vector<std::int32_t>* const arrays[] = {
            &p.placement, &p.offsets, &p.buffers, &p.member_offsets, &p.members, &p.buffer_counts, &p.version_counts};
        if (roll(d, 0, 9) == 0) {
            p.head.update = static_cast<update_rule>(roll(d, 0, 4));
            if (roll(d, 0, 1)) p.head.update_every = roll(d, 0, 3);
        } else if (roll(d, 0, 1)) {
            std::int32_t& size = *sizes[roll(d, 0, 6)];
            size = odd_number(d, std::max(1, 2 * size));
        } else if (auto& a = *arrays[roll(d, 0, 6)]; !a.empty()) {
            if (roll(d, 0, 2) == 0)
                a.pop_back();
            else if (roll(d, 0, 1))
                a.push_back(odd_number(d, 9));
            else
                a[static_cast<std::size_t>(roll(d, 0, static_cast<int>(a.size()) - 1))] = odd_number(d, 9);
        }
        const schedule s{p.head, p.placement, c.table.offsets, c.table.entries};
        const report found = verify(p), of_slots = verify(s);
        refused += !found.ok();
        for (const fault& f : found.faults) EXPECT_FALSE(message(f).empty());
        for (const fault& f : of_slots.faults) EXPECT_FALSE(message(f).empty());
    }
    EXPECT_GT(refused, 4000);
}

TEST(verify_garbage, empty_tables) {
    EXPECT_FALSE(verify(schedule{}).ok());
    EXPECT_FALSE(verify(program{}).ok());
    EXPECT_FALSE(verify(schedule_view{}).ok());
    EXPECT_FALSE(verify(program_view{}).ok());
}

TEST(verify_garbage, a_header_of_a_billion_slots_takes_no_memory) {
    schedule s = generate(gpipe{2, 2});
    s.head.micro_batches = 1000000000;
    const report found = verify(s);
    ASSERT_EQ(found.faults.size(), 1u);
    EXPECT_EQ(found.faults.front().what, complaint::too_few);
}

}  // namespace
}  // namespace chimera
