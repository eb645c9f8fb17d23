// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/verify/ledger.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera::detail {

/// Who holds what, as the placement says.
struct holders {
    std::vector<std::int32_t> begin;    ///< workers + 1, into `stages`
    std::vector<std::int32_t> stages;   ///< worker after worker; a stage that it holds on two pipelines comes twice
    std::vector<std::int32_t> offsets;  ///< stages + tied links + 1, into `workers`
    std::vector<std::int32_t> workers;  ///< the replica groups, ascending
    [[nodiscard]] constexpr std::int32_t size(std::int32_t stage) const noexcept {
        return offsets[static_cast<std::size_t>(stage) + 1] - offsets[static_cast<std::size_t>(stage)];
    }
};

/// Calls visit(stage, worker) once for each stage that a worker holds, worker by worker.
template <typename Visit>
constexpr void each_holder(const holders& h, std::vector<std::int32_t>& last, Visit visit) {
    for (std::int32_t& w : last) w = -1;
    for (std::size_t w = 0; w + 1 < h.begin.size(); ++w)
        for (std::int32_t k = h.begin[w]; k < h.begin[w + 1]; ++k) {
            const auto s = static_cast<std::size_t>(h.stages[static_cast<std::size_t>(k)]);
            if (last[s] == static_cast<std::int32_t>(w)) continue;
            last[s] = static_cast<std::int32_t>(w);
            visit(s, static_cast<std::int32_t>(w));
        }
}

/// Adds the group of a tied link: the workers of both stages, each once.
constexpr void add_tied(holders& h, const stage_link& l) {
    std::vector<std::int32_t> both;
    for (const std::size_t s : {std::size_t{l.from}, std::size_t{l.to}})
        both.insert(both.end(), h.workers.begin() + h.offsets[s], h.workers.begin() + h.offsets[s + 1]);
    std::sort(both.begin(), both.end());
    both.erase(std::unique(both.begin(), both.end()), both.end());
    h.workers.insert(h.workers.end(), both.begin(), both.end());
    h.offsets.push_back(static_cast<std::int32_t>(h.workers.size()));
}

/// Two counting sorts of the placement: by worker, then by stage.
[[nodiscard]] constexpr holders find_holders(const program_view& p) {
    const auto stages = static_cast<std::size_t>(p.head.stages), workers = static_cast<std::size_t>(p.head.workers);
    const std::size_t places = p.placement.size();
    holders h{std::vector<std::int32_t>(workers + 1, 0), std::vector<std::int32_t>(places, 0),
              std::vector<std::int32_t>(stages + 1, 0), std::vector<std::int32_t>(places, -1)};
    for (const std::int32_t w : p.placement) ++h.begin[static_cast<std::size_t>(w) + 1];
    for (std::size_t w = 0; w < workers; ++w) h.begin[w + 1] += h.begin[w];
    std::vector<std::int32_t> fill = h.begin, last(stages, -1);
    for (std::size_t k = 0; k < places; ++k)
        h.stages[static_cast<std::size_t>(fill[static_cast<std::size_t>(p.placement[k])]++)] =
            static_cast<std::int32_t>(k % stages);
    each_holder(h, last, [&](std::size_t s, std::int32_t) { ++h.offsets[s + 1]; });
    for (std::size_t s = 0; s < stages; ++s) h.offsets[s + 1] += h.offsets[s];
    fill = h.offsets;
    each_holder(h, last, [&](std::size_t s, std::int32_t w) { h.workers[static_cast<std::size_t>(fill[s]++)] = w; });
    h.workers.resize(static_cast<std::size_t>(h.offsets.back()));
    for (const stage_link& l : p.links)
        if (l.kind == link_kind::tied) add_tied(h, l);
    return h;
}

}  // namespace chimera::detail
