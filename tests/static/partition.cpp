// SPDX-License-Identifier: Apache-2.0
#include <chimera/partition/bounded.hpp>
#include <chimera/partition/contiguous.hpp>

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

}  // namespace
