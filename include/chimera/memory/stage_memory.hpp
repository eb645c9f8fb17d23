// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/memory/stage_bytes.hpp>
#include <chimera/memory/zero_state.hpp>

#include <cstdint>

namespace chimera {

/// A stage in the memory of its worker, in bytes, once recompute, ZeRO level and versions are chosen.
struct stage_memory {
    state_bytes state;     ///< weights, gradients and the optimiser's state, in bytes
    double kept = 0;       ///< of a unit, from its forward to its (weight) backward
    double unfolded = 0;   ///< of a unit, recomputed before its backward; 0 where nothing is
    double input = 0;      ///< boundary tensors of a unit
    double output = 0;     ///< the same, of what it hands on; 0 for the last stage
    double workspace = 0;  ///< while a pass runs
    double brief = 0;      ///< for a forward that keeps nothing, where the stage is recomputed

    /// Returns the bytes that a unit would keep if nothing were recomputed.
    [[nodiscard]] constexpr double whole() const noexcept { return unfolded > 0 ? unfolded : kept; }
};

/// Returns a stage's memory under a choice of recompute (not mixed), ZeRO level, `replicas` that share, and weight
/// versions. If weights are sharded, those of the layer that runs and of the next one are gathered. If gradients are
/// sharded, a layer's whole gradients are there until they are scattered. `split`: backwards come in two halves, and
/// what the first recomputes by layers stays until the second.
[[nodiscard]] constexpr stage_memory memory_of(const stage_bytes& stage, const precision& bytes,
                                               recompute_mode mode = recompute_mode::none, int zero = 0,
                                               int replicas = 1, int versions = 1, bool split = false) {
    stage_memory out;
    out.state = state_of(bytes, zero, replicas, versions);
    out.state.weights *= stage.parameters;
    out.state.gradients *= stage.parameters;
    out.state.optimiser *= stage.parameters;
    out.kept = stage.kept_by(mode);
    if (mode == recompute_mode::full) out.unfolded = stage.kept;
    if (mode == recompute_mode::layers && split) out.unfolded = stage.kept - stage.by_layers;
    out.input = stage.input;
    out.output = stage.output;
    out.workspace = stage.workspace;
    if (mode == recompute_mode::full) out.brief = stage.brief;
    if (mode == recompute_mode::selective) out.workspace += stage.core;
    if (mode == recompute_mode::layers && !split) out.workspace += stage.layer;
    if (zero >= 3 && replicas > 1) out.workspace += 2 * stage.largest * bytes.weight;
    if (zero >= 2 && replicas > 1) out.workspace += stage.largest * bytes.gradient;
    return out;
}

namespace detail {

/// Bytes filled up to a multiple of `alignment`; 1: as they are.
constexpr double padded_to(double bytes, double alignment) {
    if (alignment <= 1) return bytes;
    const auto whole = static_cast<std::int64_t>(bytes / alignment);
    return static_cast<double>(whole) * alignment < bytes ? static_cast<double>(whole + 1) * alignment : bytes;
}

}  // namespace detail
}  // namespace chimera
