// SPDX-License-Identifier: Apache-2.0
// Slots put into gaps keep every law and the memory, and no pass makes an order longer; `thorough` never does, either.

#include <chimera/algebra/compact.hpp>
#include <chimera/algebra/inserter.hpp>
#include <chimera/core/query.hpp>
#include <chimera/core/random.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include "tests/dose.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace chimera {
namespace {

constexpr std::array timed_families{family::zb_h1,  family::zb_h2, family::zb_interleaved, family::zb_v,
                                    family::v_half, family::v_min, family::v_1f1b};

/// A family with ticks, of odd and even sizes, with any memory that it takes.
family_spec random_spec(detail::draw& random) {
    family_spec out{.which = timed_families[static_cast<std::size_t>(random.index(7))]};
    const bool line = out.which == family::zb_h1 || out.which == family::zb_h2;
    const int chunks = line ? 1 : out.which == family::zb_interleaved ? 2 + random.index(3) : 2;
    const int workers = 2 + random.index(13);
    out.stages = workers * chunks;
    if (out.which == family::zb_interleaved) out.chunks = chunks;
    out.micro_batches = 1 + random.index(30);
    if (random.index(3) > 0) {
        const int most = random.index(2) == 0 ? 4 : 200;
        out.forward_ticks = 1 + random.index(most);
        out.input_ticks = 1 + random.index(most);
        out.weight_ticks = 1 + random.index(most);
        out.hop_ticks = random.index(2) == 0 ? 0 : random.index(most);
    }
    if (!line && out.which != family::v_1f1b && random.index(2) == 0)
        out.activations = out.which == family::zb_interleaved ? chunks * (1 + random.index(2 * workers))
                                                              : 2 + random.index(2 * workers + 2);
    return out;
}

std::string words(const family_spec& of) {
    return std::string(name(of.which)) + " " + std::to_string(of.stages) + " stages, " +
           std::to_string(of.micro_batches) + " micro-batches, " + std::to_string(of.activations) + " activations, " +
           std::to_string(of.forward_ticks) + " " + std::to_string(of.input_ticks) + " " +
           std::to_string(of.weight_ticks) + " " + std::to_string(of.hop_ticks);
}

std::vector<std::int32_t> peaks(const schedule& order) {
    std::vector<std::int32_t> out;
    for (int w = 0; w < order.head.workers; ++w) out.push_back(peak_units(order, worker{w}));
    return out;
}

/// Returns whether no slot starts before its inputs have travelled: as early as these allow is never later.
bool waits_for_inputs(const schedule& order, std::int32_t hop) {
    schedule early = order;
    const auto travel = [hop](int) { return hop; };
    if (detail::play<std::int32_t>(early, detail::own_ticks{}, travel, detail::tick_sink{early.entries.data()}) !=
        order.entries.size())
        return false;
    for (std::size_t i = 0; i < order.entries.size(); ++i)
        if (early.entries[i].tick > order.entries[i].tick) return false;
    return true;
}

TEST(thorough_orders, slots_in_gaps_keep_laws_and_memory_and_no_pass_is_longer) {
    detail::draw random(411);
    int shorter = 0;
    for (int k = 0; k < dose(1500); ++k) {
        const family_spec of = random_spec(random);
        const schedule order = generate(of);
        std::vector<std::int32_t> limits = peaks(order);
        for (std::int32_t& limit : limits) limit += random.index(3);  // room that the order does not need
        detail::inserter moved(order, limits, of.hop_ticks);
        std::int32_t length = makespan(order);
        for (int i = 0; i < 5; ++i) {
            moved.play(i % 2 == 1);
            const schedule& now = moved.order();
            const report found = verify(now);
            ASSERT_TRUE(found.ok()) << words(of) << ": " << message(found.faults.front());
            ASSERT_TRUE(waits_for_inputs(now, of.hop_ticks)) << words(of) << ", pass " << i;
            const auto held = peaks(now);
            for (std::size_t w = 0; w < held.size(); ++w) ASSERT_LE(held[w], limits[w]) << words(of) << ", pass " << i;
            ASSERT_LE(makespan(now), length) << words(of) << ", pass " << i;
            length = makespan(now);
        }
        shorter += length < makespan(order) ? 1 : 0;
    }
    std::cout << shorter << " orders became shorter\n";
    EXPECT_GT(shorter, dose(1500) / 5);
}

TEST(thorough_orders, none_is_longer_than_without) {
    detail::draw random(97);
    int shorter = 0;
    for (int k = 0; k < dose(300); ++k) {
        family_spec of = random_spec(random);
        const std::int32_t quick = makespan(generate(of));
        of.thorough = true;
        const schedule order = generate(of);
        ASSERT_TRUE(verify(order).ok()) << words(of);
        ASSERT_LE(makespan(order), quick) << words(of);
        shorter += makespan(order) < quick ? 1 : 0;
    }
    std::cout << shorter << " orders are shorter\n";
    EXPECT_GT(shorter, dose(300) / 5);
}

}  // namespace
}  // namespace chimera
