// SPDX-License-Identifier: Apache-2.0
#include <executor/compare/share_costs.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace chimera::executor {

namespace {

/// Costs of `stages` stages from those of the workers' shares: cut evenly, or taken together.
per_stage cut(const per_stage& share, std::int64_t workers, std::int64_t stages) {
    const double part = static_cast<double>(workers) / static_cast<double>(stages);
    std::vector<double> out;
    if (share.values.size() <= 1) {
        for (const double v : share.values) out.push_back(v * part);
        return out;
    }
    for (std::int64_t s = 0; s < stages; ++s) {
        double sum = 0;
        for (std::int64_t w = s * workers / stages; w < std::max((s + 1) * workers / stages, s * workers / stages + 1);
             ++w)
            sum += share.values[static_cast<std::size_t>(w)];
        out.push_back(stages >= workers ? sum * part : sum);
    }
    return out;
}

}  // namespace

costs costs_of_shares(costs c, std::int64_t workers, std::int64_t stages) {
    for (per_stage* one : {&c.forward, &c.backward, &c.input_gradient, &c.weight_gradient, &c.recompute, &c.paired,
                           &c.reduce.seconds, &c.reduce.bytes, &c.update})
        *one = cut(*one, workers, stages);
    return c;
}

}  // namespace chimera::executor
