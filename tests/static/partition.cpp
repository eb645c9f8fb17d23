// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/contiguous.hpp>
#include <chimera/partition/heterogeneous.hpp>
#include <chimera/partition/memory_bounded.hpp>
#include <chimera/partition/mode_per_stage.hpp>
#include <chimera/partition/shared_workers/shared.hpp>

#include <array>
#include <vector>

// Partitions in constant evaluation.

namespace {

using namespace chimera;

constexpr std::array<double, 9> seconds{1, 2, 3, 4, 5, 6, 7, 8, 9};

// 1 … 5 | 6 7 | 8 9: no cut into three is below 17.
static_assert(partition(seconds, 3) == std::vector<int>{0, 5, 7, 9});
static_assert(bottleneck(seconds, partition(seconds, 3)) == 17);
static_assert(bottleneck(seconds, partition_by_table(seconds, 3)) == 17);
static_assert(bottleneck(seconds, partition(seconds, 9)) == 9 && bottleneck(seconds, partition(seconds, 1)) == 45);

// Cutting costs 10 but after the layers of 4 and 6 seconds: 1 … 6 | 7 and 10 | 8 9.
constexpr std::array<double, 9> sends{10, 10, 10, 0, 10, 0, 10, 10, 10};
static_assert(bottleneck(seconds, partition_by_table(seconds, 3, sends), sends) == 21);

// 1F1B, three stages: 3, 2, 1 micro-batches in flight of 2 bytes a layer, and a byte of state.
constexpr std::array<double, 9> state{1, 1, 1, 1, 1, 1, 1, 1, 1}, activations{2, 2, 2, 2, 2, 2, 2, 2, 2};
constexpr std::array<double, 3> in_flight{3, 2, 1};
constexpr bool fits(double capacity, double want) {
    const auto got = bounded(seconds, 3, {state, activations, in_flight, capacity, {}});
    return got.fits() && got.seconds == want &&
           bounded_by_table(seconds, 3, {state, activations, in_flight, capacity, {}}).seconds == want;
}
static_assert(fits(35, 17) && fits(34, 18) && fits(21, 22) && fits(15, 30));
static_assert(!bounded(seconds, 3, {state, activations, in_flight, 14, {}}).fits());
static_assert(bounded(seconds, 3, {state, activations, in_flight, 14, {}}).missing == 1);

// Bidirectional, four stages: stages 0 and 3 together 22, stages 1 and 2 together 23, as 45 has no halves.
static_assert(coupled(seconds, mirrored(4)).seconds == 23 && coupled(seconds, mirrored(4)).proven);
// Round-robin over two workers: no better than 23 either; three stages of which the ends share a worker.
static_assert(coupled(seconds, looped(4, 2)).seconds == 23);
static_assert(coupled(seconds, mirrored(3)).seconds == 23);

// A worker twice as fast first takes 1 … 7 in 14, last it takes 7 … 9 in 12.
constexpr std::array<device, 3> unlike{device{.speed = 2}, device{}, device{}};
static_assert(heterogeneous({seconds, {}, {}, {}, {}}, unlike).seconds == 14);
static_assert(best_order({seconds, {}, {}, {}, {}}, unlike).seconds == 12);
static_assert(best_order({seconds, {}, {}, {}, {}}, unlike).order == std::vector<int>{1, 2, 0});

// Two stages of four equal layers, 10 seconds and 4 bytes each, or 13 seconds and 1 byte, a stage all or nothing; two micro-batches
// in flight on the first, one on the second.
constexpr std::array<double, 4> alike{10, 10, 10, 10}, nothing{};
constexpr std::array<double, 2> two_one{2, 1};
constexpr std::array<double, 4> four{4, 4, 4, 4}, three{3, 3, 3, 3}, one{1, 1, 1, 1};
constexpr double by_stage(double capacity) {
    const std::array<stage_mode, 2> modes{stage_mode{{}, four, {}, 0, 0}, stage_mode{three, one, {}, 0, 0}};
    return partition_stagewise(alike, 2, {nothing, modes, two_one, capacity, {}, {}}).seconds;
}
static_assert(by_stage(16) == 20 && by_stage(15) == 26 && by_stage(4) == 26);

}  // namespace
