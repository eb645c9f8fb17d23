// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/groups.hpp>
#include <chimera/program/program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// How old the weights are that a stage's gradients were computed on: updates made between those weights and the update that
/// applies the gradient. 0 for synchronous families.
struct stage_staleness {
    std::int32_t largest = 0;
    double mean = 0;  ///< over the units
};

/// Staleness of every stage, read off the order of its instructions and their versions: of a program that keeps the laws.
/// Linear in instructions.
constexpr std::vector<stage_staleness> staleness(program_view of) {
    const auto stages = static_cast<std::size_t>(of.head.stages), units = static_cast<std::size_t>(of.head.units());
    std::vector<stage_staleness> out(stages, stage_staleness{});
    if (of.head.update == weights::flushed) return out;
    std::vector<std::int32_t> held(stages * 256, 0);  // (stage, buffer): updates that made what it holds
    std::vector<std::int32_t> read(stages * units, 0), made(stages, 0);
    std::vector<std::vector<std::int32_t>> group(stages);  // units whose gradients wait for the stage's next update
    std::vector<std::int64_t> sums(stages, 0);
    for (int w = 0; w < of.head.workers; ++w) {
        const auto row = of.row(w);
        for (const instruction& i : row) {
            if (is_transfer(i.op)) continue;
            made[i.stage] = 0;
            group[i.stage].clear();
            held[i.stage * std::size_t{256}] = 0;
        }
        for (const instruction& i : row) {
            if (i.op == action::update_weights) {
                for (const std::int32_t u : group[i.stage]) {
                    const std::int32_t age = made[i.stage] - read[i.stage * units + static_cast<std::size_t>(u)];
                    out[i.stage].largest = std::max(out[i.stage].largest, age);
                    sums[i.stage] += age;
                }
                group[i.stage].clear();
                held[i.stage * std::size_t{256} + i.version] = ++made[i.stage];
            } else if (is_compute(i.op)) {
                for (std::int32_t u = i.first; u < i.first + i.count; ++u) {
                    if (i.op == action::forward)
                        read[i.stage * units + static_cast<std::size_t>(u)] =
                            held[i.stage * std::size_t{256} + i.version];
                    if (ends_activation(static_cast<pass>(i.op))) group[i.stage].push_back(u);
                }
            }
        }
    }
    for (std::size_t s = 0; s < stages; ++s) out[s].mean = static_cast<double>(sums[s]) / static_cast<double>(units);
    return out;
}

/// Copies of a stage's weights that each worker keeps: the versions of all stages that it holds. Weights alone: gradients and
/// the optimiser's state are one per stage.
constexpr std::vector<std::int32_t> weight_copies(program_view of) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(of.head.workers), 0);
    for (int s = 0; s < of.head.stages; ++s) {
        const auto members = of.replica_group(s);
        for (std::size_t k = 0; k < members.size(); ++k)
            out[static_cast<std::size_t>(members[k])] += of.versions_of(s, k);
    }
    return out;
}

}  // namespace chimera
