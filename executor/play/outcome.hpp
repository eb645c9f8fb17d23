// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/settings.hpp>

#include <string>

namespace chimera::executor::play {

/// The outcome of settings: a schedule with its figures, or the reason why there is none.
struct outcome {
    std::string refused;            ///< why there is none; empty where there is
    std::optional<settings> fits;   ///< where refused: the nearest settings that are not
    std::optional<contender> made;  ///< with its timeline; none where refused
    std::string over;               ///< what is wrong with its peak under the memory limit; empty where it fits
    double peak_scale = 1;  ///< stages of the settings that one of its stages holds: of data_parallel all, else 1
    std::vector<double> peaks = {};  ///< most activations of each worker, of the settings' stages
};

/// The settings next to these that the library does not refuse: other stages and micro-batches, changed as little as
/// can be in proportion. None where nothing near fits.
std::optional<settings> nearest(const settings& of);

/// Generates, lowers and simulates. Never throws for what the library refuses.
outcome compute(const settings& of);

/// The contest of all families on the workers that the settings come to: the same model, costs and memory.
contest contest_of(const settings& of, const outcome& from);

}  // namespace chimera::executor::play
