// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>
#include <chimera/render/format.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

namespace chimera {

/// A ranking as CSV (RFC 4180), a place a line. `samples` and `tokens`: of an iteration and of a sample; without tokens
/// that column is empty. Seconds and bytes are the simulation's; `recompute` is that of all stages, or mixed.
[[nodiscard]] inline std::string csv(const plan_report& report, std::int64_t samples, std::int64_t tokens) {
    std::string out =
        "place,family,options,stages,pipeline_workers,width,tensor,sequence_parallel,micro_batches,micro_batch,sync,"
        "recompute,zero,seconds,samples_per_second,tokens_per_second,passes_seconds,exposed_reduction_seconds,"
        "update_seconds,memory_bytes,bound_seconds,cuts\n";
    std::size_t place = 0;
    for (const ranked& r : report.ranking) {
        const configuration& c = r.with;
        const std::string label = label_of(c.schedule), family(name(c.schedule.which));
        const double rate = static_cast<double>(samples) / r.found.seconds;
        format::put(out, ++place, ',', family, ',', label.substr((std::min)(label.size(), family.size() + 1)), ',',
                    c.schedule.stages, ',', c.schedule.workers(), ',', c.width, ',', c.tensor, ',',
                    c.sequence_parallel ? 1 : 0, ',', c.schedule.micro_batches, ',', c.micro_batch, ',',
                    name(c.synchronisation), ',', name(c.recompute), ',', c.zero, ',', r.found.seconds, ',', rate, ',');
        if (tokens > 0) format::put(out, rate * static_cast<double>(tokens));
        format::put(out, ',', r.found.compute, ',', r.found.exposed, ',', r.found.update, ',', r.found.memory, ',',
                    r.bound, ',');
        for (std::size_t i = 0; i < c.cuts.size(); ++i) format::put(out, i > 0 ? " " : "", c.cuts[i]);
        out += '\n';
    }
    return out;
}

}  // namespace chimera
