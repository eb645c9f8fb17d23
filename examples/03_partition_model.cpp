// SPDX-License-Identifier: Apache-2.0
// A model cut into stages, the slowest of which is as fast as any cut's: as a constant, from the catalogue, under a memory limit.
#include <chimera/core/query.hpp>
#include <chimera/model.hpp>
#include <chimera/partition.hpp>
#include <chimera/schedule.hpp>

#include <cstdio>
#include <vector>

using namespace chimera;

constexpr double seconds[] = {3, 1, 4, 1, 5, 9, 2, 6};               // of eight layers
static_assert(partition(seconds, 4) == std::vector{0, 3, 5, 6, 8});  // first layers, and one past the last
static_assert(bottleneck(seconds, partition(seconds, 4)) == 9);      // no cut into four has a faster slowest stage

void print(const model& of, const std::vector<double>& work, const std::vector<int>& cuts) {
    const std::vector<double> stages = stage_seconds(work, cuts);
    for (std::size_t s = 0; s < stages.size(); ++s) {
        const layer& first = of.layers[static_cast<std::size_t>(cuts[s])];
        const layer& last = of.layers[static_cast<std::size_t>(cuts[s + 1]) - 1];
        std::printf("  stage %zu: %s to %s, %.1f GFLOP\n", s, std::string(first.name.view()).c_str(),
                    std::string(last.name.view()).c_str(), stages[s] / 1e9);
    }
}

int main() {
    constexpr int stages = 8, micro_batches = 16;
    const model bert = named("bert-48");
    std::vector<double> work, state, activations;
    for (const layer& l : bert.layers) {
        work.push_back(l.forward + l.input_gradient + l.weight_gradient);  // FLOPs: any one unit will do
        state.push_back(static_cast<double>(l.parameters) * 16);           // bytes: weight, gradient, Adam
        activations.push_back(8 * l.activations);                          // bytes of a micro-batch of 8 samples
    }
    std::printf("bert-48, %d stages:\n", stages);
    print(bert, work, partition(work, stages));

    // How many micro-batches a stage keeps at once is what the schedule says.
    const schedule order = generate(one_f_one_b{.stages = stages, .micro_batches = micro_batches});
    std::vector<double> in_flight;
    for (int w = 0; w < stages; ++w) in_flight.push_back(peak_activations(order, worker{w}));
    const bounded_partition fits = bounded(work, stages, {state, activations, in_flight, 5e9, {}});
    if (!fits.fits()) return std::printf("stage %d lacks %.0f bytes\n", fits.stage, fits.missing), 1;
    std::printf("with 5 GB a worker and micro-batches of 8 samples:\n");
    print(bert, work, fits.cuts);
}
