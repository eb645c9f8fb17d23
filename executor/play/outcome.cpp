// SPDX-License-Identifier: Apache-2.0
#include <executor/play/outcome.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace chimera::executor::play {

std::optional<settings> nearest(const settings& of) {
    std::optional<settings> best;
    double least = 0;
    const int stages = std::clamp(of.of.stages, 1, 512);
    const int batches = std::clamp(of.of.micro_batches, 1, 1 << 16);
    settings one = of;
    for (int d = std::max(stages - 8, 1); d <= stages + 8; ++d) {
        for (int n = std::max(batches - 8, 1); n <= batches + 2 * d + 8; ++n) {
            const double change = std::abs(std::log(static_cast<double>(d) / static_cast<double>(stages))) +
                                  std::abs(std::log(static_cast<double>(n) / static_cast<double>(batches)));
            if (best && change >= least) continue;
            one.of.stages = d;
            one.of.micro_batches = n;
            if (!refused(one).empty()) continue;
            best = one;
            least = change;
        }
    }
    return best;
}

outcome compute(const settings& of) {
    outcome out;
    out.refused = refused(of);
    if (!out.refused.empty()) {
        out.fits = nearest(of);
        return out;
    }
    contest with;
    with.timelines = true;
    try {
        family_options options = options_of(of);
        out.peak_scale = static_cast<double>(of.of.stages) / static_cast<double>(options.stages);
        with.cost = costs_of(of, out.peak_scale);
        with.stages = options.stages;
        with.micro_batches = options.micro_batches;
        out.made = enter(std::string(name(of.of.which)), std::move(options), with);
    } catch (const chimera_error& why) {
        out.refused = why.what();
        return out;
    }
    for (const worker_metrics& w : out.made->found.workers) out.peaks.push_back(w.peak_activations * out.peak_scale);
    if (of.memory) with.memory = *of.memory / out.peak_scale;
    out.over = over_memory(*out.made, with);
    return out;
}

contest contest_of(const settings& of, const outcome& from) {
    contest out;
    const shape& head = from.made->head;
    const double share = static_cast<double>(of.of.stages) / head.workers;  // a worker's, in stages of the settings
    out.workers = head.workers;
    out.micro_batches = head.micro_batches;
    out.cost = costs_of(of, share);
    if (of.memory) out.memory = *of.memory / share;
    return out;
}

}  // namespace chimera::executor::play
