// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included from .cu files: plain data.

#include <cstdint>

namespace chimera {

/// A way in which two stages that need not be neighbours depend on each other.
enum class link_kind : std::uint8_t {
    skip,  ///< the later stage reads the earlier one's output, too, and returns a gradient for it
    tied,  ///< both hold one tensor of weights: its gradient is the sum over all workers that hold either stage
};

/// Two stages that depend on each other beyond the chain of stages, `from` < `to`. A skip passes over one stage at
/// least: an encoder's output that a decoder's stage reads, say. Tied is a table of embeddings, say, that the last
/// stage uses as its head; neither stage's own gradient holds it.
struct stage_link {
    link_kind kind = link_kind::skip;  ///< way in which they are joined
    std::uint16_t from = 0;            ///< the earlier stage
    std::uint16_t to = 0;              ///< the later stage

    friend constexpr bool operator==(const stage_link&, const stage_link&) = default;
};

}  // namespace chimera
