// SPDX-License-Identifier: Apache-2.0
// Random specs of every family keep every law, as schedules and as programs.

#include "attack_specs.hpp"

#include <chimera/core/query.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <iostream>

namespace chimera {
namespace {

using attack::case_of;

TEST(verify_families, ten_thousand_random_specs_keep_all_laws) {
    attack::dice d(2107);
    std::size_t slot_total = 0, instructions = 0;
    constexpr int specs = 10500;
    for (int k = 0; k < specs; ++k) {
        const case_of c = attack::random_case(d, 32, 64);
        const report table = verify(c.table);
        ASSERT_TRUE(table.ok()) << c.name << ": " << message(table.faults.front());
        const program p = lower(c.table, c.mode);
        const report whole = verify(p);
        ASSERT_TRUE(whole.ok()) << c.name << ": " << message(whole.faults.front());
        for (std::size_t w = 0; w < table.peaks.size(); ++w)
            ASSERT_EQ(table.peaks[w], peak_units(c.table, worker{static_cast<int>(w)})) << c.name;
        ASSERT_EQ(whole.peaks, table.peaks) << c.name;
        slot_total += c.table.entries.size();
        instructions += p.instructions.size();
    }
    std::cout << specs << " specs, " << slot_total << " slots, " << instructions << " instructions: no fault\n";
}

}  // namespace
}  // namespace chimera
