// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/layers/gpt2_stage.hpp>

#include <memory>
#include <utility>

namespace chimera::executor {

/// A stage with a device of its own to compute on.
template <Device D>
std::shared_ptr<model_stage> make_owned_stage(D device, const gpt2_sizes& config, const layer_range& layers,
                                              const unit_shape& unit, std::uint64_t seed) {
    struct owned {
        owned(D given, const gpt2_sizes& c, const layer_range& l, const unit_shape& u, std::uint64_t s)
            : device(std::move(given)), stage(device, c, l, u, s) {}
        D device;
        gpt2_stage<D> stage;
    };
    const auto made = std::make_shared<owned>(std::move(device), config, layers, unit, seed);
    return {made, &made->stage};
}

}  // namespace chimera::executor
