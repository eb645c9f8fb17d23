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
    visit_family(which, [&]<class Spec>(std::type_identity<Spec>) {
        const auto take = [&](const Spec& from) {
            each_option([](const family_option&, auto& to, const auto& value) { to = value; }, one, from);
            add(one);
        };
        if constexpr (requires { Spec::variants(workers, take); }) return Spec::variants(workers, take);
        return add(one);
    });
    return out;
}

}  // namespace chimera
