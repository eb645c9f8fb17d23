// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera::detail {

inline constexpr std::size_t most_links = 4096;

/// Returns whether links join stages that exist, each pair once and in order, and skips pass over a stage. Weights that
/// change within an iteration cannot be tied: their stages change at different times. At most 4,096 links.
[[nodiscard]] constexpr bool sound_links(const shape& head, std::span<const stage_link> links) noexcept {
    if (links.empty()) return true;
    if (links.size() > most_links || static_cast<std::size_t>(head.stages) + links.size() > 65536) return false;
    for (std::size_t k = 0; k < links.size(); ++k) {
        const stage_link& l = links[k];
        const bool tied = l.kind == link_kind::tied;
        if (!tied && l.kind != link_kind::skip) return false;
        if (l.to >= head.stages || l.from + (tied ? 1 : 2) > l.to) return false;
        if (tied && head.update != update_rule::flushed) return false;
        for (std::size_t i = 0; i < k; ++i)
            if (links[i] == l) return false;
    }
    return true;
}

/// Returns the links that tie weights, in order: the k-th has the number stages + k among all that is reduced.
[[nodiscard]] constexpr std::vector<stage_link> tied_links(std::span<const stage_link> links) {
    std::vector<stage_link> out;
    for (const stage_link& l : links)
        if (l.kind == link_kind::tied) out.push_back(l);
    return out;
}

/// Returns true if a pass of `stage` reads what comes over a link: a forward at its later end, a gradient at its
/// earlier end.
[[nodiscard]] constexpr bool reads_link(const stage_link& l, bool gradient, std::int32_t stage) noexcept {
    return l.kind == link_kind::skip && (gradient ? l.from : l.to) == stage;
}
/// Returns true if a pass of `stage` makes what goes over a link.
[[nodiscard]] constexpr bool feeds_link(const stage_link& l, bool gradient, std::int32_t stage) noexcept {
    return l.kind == link_kind::skip && (gradient ? l.to : l.from) == stage;
}

}  // namespace chimera::detail
