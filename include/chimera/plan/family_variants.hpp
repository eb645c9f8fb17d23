// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/family.hpp>

#include <string>
#include <vector>

namespace chimera {

/// Returns the name of a family with the options that make it a class of its own.
[[nodiscard]] inline std::string label_of(const family_spec& spec) {
    std::string out(name(spec.which));
    if (spec.pipelines > 2) out += ' ' + std::to_string(spec.pipelines) + " pipelines";
    if (spec.scale == scale::doubling) out += " doubling";
    if (spec.scale == scale::halving) out += " halving";
    if (spec.split) out += " split";
    if (spec.chunks > 0) out += ' ' + std::to_string(spec.chunks) + " chunks";
    if (spec.waves > 0) out += ' ' + std::to_string(spec.waves) + " waves";
    return out;
}

/// Returns all orders of a family on `workers` workers, over at most `most_stages` stages.
[[nodiscard]] constexpr std::vector<family_spec> variants(family which, int workers, int micro_batches,
                                                          int most_stages) {
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
