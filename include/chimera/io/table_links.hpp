// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/program/instruction.hpp>
#include <chimera/program/links.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chimera::detail::reading {

using pairs_of_stages = std::vector<std::vector<std::int32_t>>;  // as read: no length checked

inline void add_links(link_kind kind, const pairs_of_stages& pairs, std::vector<stage_link>& out) {
    for (const std::vector<std::int32_t>& pair : pairs) {
        if (pair.size() != 2)
            refuse(std::string("key ") + (kind == link_kind::tied ? "tied" : "skips") + ": a list of " +
                   std::to_string(pair.size()) + " numbers (a link has two stages) give the earlier and the later one");
        out.push_back({kind, static_cast<std::uint16_t>(pair[0]), static_cast<std::uint16_t>(pair[1])});
    }
}

/// Returns the links of a file: skips first, then tied stages.
[[nodiscard]] inline std::vector<stage_link> links_of(const shape& head, const pairs_of_stages& skips,
                                                      const pairs_of_stages& tied) {
    std::vector<stage_link> out;
    add_links(link_kind::skip, skips, out);
    add_links(link_kind::tied, tied, out);
    if (!sound_links(head, out))
        refuse(
            "the links cannot be (each goes from a stage to a later one, once; a skip passes over a stage; tied only "
            "where weights change once) correct skips and tied");
    return out;
}

inline constexpr std::int32_t no_link = -2;

/// Returns the link of a transfer between from_stage, which its `list` holds, and its stage. -1 for neighbours,
/// `no_link` if nothing joins the two.
[[nodiscard]] inline std::int32_t link_of(const instruction& i, const std::vector<stage_link>& links) {
    const bool gradient = i.op == action::send_gradient || i.op == action::recv_gradient;
    for (std::size_t k = 0; k < links.size(); ++k)
        if (reads_link(links[k], gradient, i.stage) && (gradient ? links[k].to : links[k].from) == i.list)
            return static_cast<std::int32_t>(k);
    return i.list == (gradient ? i.stage + 1 : i.stage - 1) ? -1 : no_link;
}

}  // namespace chimera::detail::reading
