// SPDX-License-Identifier: Apache-2.0
// A spec on a number of workers, of every family and by every option that changes how many stages a worker holds.

#include <chimera/program/fixed_program.hpp>
#include <chimera/schedule/family.hpp>
#include <chimera/verify.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace chimera {
namespace {

static_assert(zb_v{.micro_batches = 7}.for_workers(3).stages == 6);
static_assert(interleaved{.micro_batches = 6, .chunks = 5}.for_workers(3).stages == 15);
static_assert(wave{.waves = 3}.for_workers(4).stages == 24);
static_assert(data_parallel{}.for_workers(9).width == 9);
static_assert(bidirectional{}.for_workers(5).refused() == refusal::stages_odd);

// The program of a spec and that of its table are one constant.
constexpr auto& of_spec = fixed_lowered<zb_v{.micro_batches = 7}.for_workers(3)>;
constexpr auto& of_table = fixed_lowered<table_of<zb_v{.stages = 6, .micro_batches = 7}>>;
static_assert(&of_spec == &of_table && of_spec.head.workers == 3);

TEST(ForWorkers, EveryFamilyRunsOnSoMany) {
    for (std::size_t f = 0; f < family_labels.size(); ++f) {
        int allowed = 0;
        for (int workers = 1; workers <= 33; ++workers) {
            for (const int each : {0, 1, 2, 3, 5}) {
                family_spec spec{.which = static_cast<family>(f), .micro_batches = 2 * workers, .chunks = each};
                spec.waves = each;
                const family_spec found = spec.for_workers(workers);
                if (found.refused() != refusal::none) continue;
                ++allowed;
                EXPECT_EQ(found.workers(), workers) << family_labels[f];
                EXPECT_EQ(generate(found).head.workers, workers) << family_labels[f];
            }
        }
        EXPECT_GT(allowed, 16) << family_labels[f];
    }
}

TEST(ForWorkers, RefusesWhatNoFamilyRunsOn) {
    for (std::size_t f = 0; f < family_labels.size(); ++f) {
        for (const int workers : {0, -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
            const family_spec spec =
                family_spec{.which = static_cast<family>(f), .micro_batches = 8}.for_workers(workers);
            EXPECT_NE(spec.refused(), refusal::none) << family_labels[f] << ' ' << workers;
        }
    }
}

}  // namespace
}  // namespace chimera
