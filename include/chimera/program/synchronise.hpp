// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/core/sort_keys.hpp>
#include <chimera/program/links.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace chimera {

/// The moment at which a stage's gradient reduction starts (Chimera, section 3.2).
enum class reduction_start : std::uint8_t {
    lazy,      ///< after all passes of the worker
    eager,     ///< right after the stage's last gradient
    eager_opt  ///< eager where the worker still has a bubble before its end, else lazy
};

namespace detail {

/// Replica groups: for every stage the workers that hold it, ascending; then for every tied link those that hold either
/// of its stages.
struct replica_groups {
    std::vector<std::int32_t> offsets;  ///< stages + tied links + 1
    std::vector<std::int32_t> members;
};

[[nodiscard]] constexpr replica_groups find_groups(schedule_argument of) {
    replica_groups out;
    out.offsets.reserve(static_cast<std::size_t>(of.head.stages) + 1);
    out.members.reserve(of.placement.size());
    out.offsets.push_back(0);
    std::vector<std::int64_t> holders(static_cast<std::size_t>(of.head.pipelines), 0);
    const auto close = [&] {
        sort_keys(holders);
        for (std::size_t i = 0; i < holders.size(); ++i)
            if (i == 0 || holders[i] != holders[i - 1]) out.members.push_back(static_cast<std::int32_t>(holders[i]));
        out.offsets.push_back(static_cast<std::int32_t>(out.members.size()));
    };
    for (int s = 0; s < of.head.stages; ++s) {
        for (int p = 0; p < of.head.pipelines; ++p) holders[static_cast<std::size_t>(p)] = of.worker_of(p, s);
        close();
    }
    for (const stage_link& l : of.links) {
        if (l.kind != link_kind::tied) continue;
        holders.clear();
        for (int p = 0; p < of.head.pipelines; ++p) {
            holders.push_back(of.worker_of(p, l.from));
            holders.push_back(of.worker_of(p, l.to));
        }
        close();
    }
    return out;
}

/// One worker's share in one stage's reduction.
struct reduction {
    std::int32_t worker = 0;
    std::int32_t stage = 0;
    std::int32_t after = 0;  ///< starts once this many of the worker's slots are done
    std::int32_t ready = 0;  ///< tick at which the worker's last gradient of the stage ends
    bool late = false;       ///< waits for the end of the worker's computation
};

/// Returns the key by which collectives start in one order; a stage's is the largest of its members' keys.
[[nodiscard]] constexpr std::int64_t start_key(const reduction& r) noexcept {
    return (std::int64_t{r.late} << 50) + (std::int64_t{r.ready} << 17) + r.stage;
}

[[nodiscard]] constexpr std::size_t stage_of_key(std::int64_t key) noexcept {
    return static_cast<std::size_t>(key & 0x1ffff);
}

/// Finds where each of a worker's stages, `held`, has its last gradient; those of a tied link's are its stages' last.
/// `open`: scratch, a zero per stage and tied link.
constexpr void find_last_gradients(schedule_argument of, int w, const std::vector<std::int32_t>& held,
                                   const std::vector<stage_link>& tied, reduction_start mode,
                                   std::vector<std::int32_t>& open, std::vector<reduction>& out) {
    const auto row = of.row(w);
    const auto size = static_cast<std::int32_t>(row.size());
    for (const std::int32_t s : held) {
        // Without a gradient of its own the worker adds zeros, and may do so at once.
        const bool late = mode == reduction_start::lazy;
        out.push_back({w, s, late ? size : 0, 0, late});
        open[static_cast<std::size_t>(s)] = static_cast<std::int32_t>(out.size());
    }
    bool bubble = false;
    for (std::int32_t i = size; i-- > 0;) {
        const slot& s = row[static_cast<std::size_t>(i)];
        const auto close = [&](std::size_t which) {
            if (open[which] == 0) return;
            reduction& r = out[static_cast<std::size_t>(open[which]) - 1];
            r.ready = s.end();
            r.late = mode == reduction_start::lazy || (mode == reduction_start::eager_opt && !bubble);
            r.after = r.late ? size : i + 1;
            open[which] = 0;
        };
        if (ends_activation(s.op)) {
            close(s.stage);
            for (std::size_t k = 0; k < tied.size(); ++k)
                if (tied[k].from == s.stage || tied[k].to == s.stage)
                    close(static_cast<std::size_t>(of.head.stages) + k);
        }
        bubble = bubble || (i > 0 && row[static_cast<std::size_t>(i) - 1].end() < s.tick);
    }
    for (const std::int32_t s : held) open[static_cast<std::size_t>(s)] = 0;
}

/// All reductions, each worker's in the one global order in which collectives start: stages that no member holds back
/// first, then by the tick at which the last member is ready, then by stage. `after` never falls along a worker's list.
struct reduction_rows {
    std::vector<std::int32_t> offsets;  ///< workers + 1
    std::vector<reduction> all;
};

/// Sorts each worker's list by the keys of its stages; none starts before the one ahead of it.
constexpr void sort_reductions(reduction_rows& rows, const std::vector<std::int64_t>& key) {
    std::vector<reduction> sorted;
    sorted.reserve(rows.all.size());
    std::vector<std::int32_t> at(key.size(), 0);  // per stage: the worker's reduction
    std::vector<std::int64_t> own;
    for (std::size_t w = 0; w + 1 < rows.offsets.size(); ++w) {
        own.clear();
        for (std::int32_t i = rows.offsets[w]; i < rows.offsets[w + 1]; ++i) {
            const auto stage = static_cast<std::size_t>(rows.all[static_cast<std::size_t>(i)].stage);
            at[stage] = i;
            own.push_back(key[stage]);
        }
        sort_keys(own);
        std::int32_t after = 0;
        for (const std::int64_t k : own) {
            reduction& r = rows.all[static_cast<std::size_t>(at[stage_of_key(k)])];
            after = r.after = (std::max)(r.after, after);
            sorted.push_back(r);
        }
    }
    rows.all = std::move(sorted);
}

/// The stages each worker holds, ascending, row after row.
[[nodiscard]] constexpr reduction_rows find_reductions(schedule_argument of, const replica_groups& groups,
                                                       reduction_start mode) {
    const std::size_t stages = groups.offsets.size() - 1;  // and tied links
    const std::vector<stage_link> tied = tied_links(of.links);
    std::vector<std::vector<std::int32_t>> held(static_cast<std::size_t>(of.head.workers));
    for (std::size_t s = 0; s < stages; ++s)
        for (std::int32_t m = groups.offsets[s]; m < groups.offsets[s + 1]; ++m)
            held[static_cast<std::size_t>(groups.members[static_cast<std::size_t>(m)])].push_back(
                static_cast<std::int32_t>(s));
    reduction_rows out;
    std::vector<std::int32_t> open(stages, 0);
    out.offsets.push_back(0);
    for (int w = 0; w < of.head.workers; ++w) {
        find_last_gradients(of, w, held[static_cast<std::size_t>(w)], tied, mode, open, out.all);
        out.offsets.push_back(static_cast<std::int32_t>(out.all.size()));
    }
    std::vector<std::int64_t> key(stages, 0);
    for (std::size_t s = 0; s < stages; ++s) key[s] = static_cast<std::int64_t>(s);
    for (const reduction& r : out.all) {
        std::int64_t& k = key[static_cast<std::size_t>(r.stage)];
        k = (std::max)(k, start_key(r));
    }
    sort_reductions(out, key);
    return out;
}

}  // namespace detail
}  // namespace chimera
