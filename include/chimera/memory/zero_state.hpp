// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/model/layer_chain.hpp>

#include <algorithm>

namespace chimera {

/// The bytes of a worker that do not change while it computes.
struct state_bytes {
    double weights = 0;    ///< all versions of them
    double gradients = 0;  ///< gradients of the weights
    double optimiser = 0;  ///< the optimiser's state, copies of weights in 32 bits included

    /// Returns the sum of the three.
    [[nodiscard]] constexpr double total() const noexcept { return weights + gradients + optimiser; }
    /// Adds each part.
    constexpr state_bytes& operator+=(const state_bytes& more) {
        weights += more.weights;
        gradients += more.gradients;
        optimiser += more.optimiser;
        return *this;
    }
    friend constexpr bool operator==(const state_bytes&, const state_bytes&) = default;
};

/// Returns the bytes per parameter if `replicas` workers share the state that ZeRO level 1 (optimiser), 2 (gradients
/// too) or 3 (weights too) shards (Rajbhandari et al., arXiv 1910.02054). Mixed precision with Adam: 16, 4 + 12/d, 2 +
/// 14/d, 16/d; gradients in 32 bits (Megatron): 18, 6 + 12/d.
[[nodiscard]] constexpr state_bytes state_of(const precision& bytes, int zero, int replicas, int versions = 1) {
    const auto shared = [&](double all, int from) { return zero >= from ? all / replicas : all; };
    return {versions * shared(bytes.weight, 3), shared(bytes.gradient, 2), shared(bytes.optimiser, 1)};
}

/// Returns the number of weight versions that a stage keeps in an iteration. It is one for synchronous families and two
/// for PipeDream-2BW if it updates twice. A PipeDream stage has k = stages - s micro-batches in flight: it keeps the
/// newest version and those that micro-batches in flight still read, k in the steady state. The first k micro-batches
/// all read the first version, so there are fewer if N is below 2k - 2.
[[nodiscard]] constexpr int weight_versions(const shape& head, int stage) {
    if (head.update == update_rule::flushed) return 1;
    const int each = (std::max)(1, head.update_every), pipelines = (std::max)(1, head.pipelines);
    const int micro_batches = (head.micro_batches + pipelines - 1) / pipelines, in_flight = head.stages - stage;
    const int updates = (std::max)(1, (micro_batches + each - 1) / each);
    if (head.update == update_rule::double_buffered) return (std::min)(2, updates);
    if (each > 1 || (std::min)(in_flight, updates) == 1) return (std::min)(in_flight, updates);
    return 2 + (std::max)(0, (std::min)(in_flight - 2, micro_batches - in_flight));
}

}  // namespace chimera
