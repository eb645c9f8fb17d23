// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>

#include <string>
#include <vector>

namespace chimera {

/// Name of a family with the options that make it a class of its own.
inline std::string label_of(const family_spec& of) {
    std::string out(name(of.which));
    if (of.pipelines > 2) out += ' ' + std::to_string(of.pipelines) + " pipelines";
    if (of.scale == scale::doubling) out += " doubling";
    if (of.scale == scale::halving) out += " halving";
    if (of.split) out += " split";
    if (of.chunks > 0) out += ' ' + std::to_string(of.chunks) + " chunks";
    if (of.waves > 0) out += ' ' + std::to_string(of.waves) + " waves";
    return out;
}

/// All orders of a family on so many workers, over at most `most_stages` stages.
constexpr std::vector<family_spec> variants(family which, int workers, int micro_batches, int most_stages) {
    std::vector<family_spec> out;
    const auto add = [&](family_spec spec) {
        spec.stages = workers * stages_per_worker(spec);
        if (spec.stages <= most_stages) out.push_back(spec);
    };
    family_spec one{.which = which, .micro_batches = micro_batches};
    if ((workers == 1) != (which == family::data_parallel)) return out;  // one worker needs no pipeline
    switch (which) {
        case family::bidirectional:
            for (one.pipelines = 2; one.pipelines <= workers; one.pipelines += 2) {
                if (workers % one.pipelines != 0) continue;
                for (const scale s : {scale::direct, scale::doubling, scale::halving}) {
                    one.scale = s;
                    for (const bool split : {false, true}) {
                        one.split = split;
                        add(one);
                    }
                }
            }
            break;
        case family::interleaved:
        case family::breadth_first:
            for (one.chunks = 2; one.chunks <= 8; one.chunks *= 2) add(one);
            break;
        case family::wave:
            for (one.waves = 1; one.waves <= 4; one.waves *= 2) add(one);
            break;
        default:
            add(one);
    }
    return out;
}

}  // namespace chimera
