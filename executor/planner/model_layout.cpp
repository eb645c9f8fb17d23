// SPDX-License-Identifier: Apache-2.0
#include <chimera/schedule/family_placement.hpp>

#include <executor/planner/model_layout.hpp>

#include <algorithm>

namespace chimera::executor {

layout_chain chain_of(const model& what) {
    const auto block = [](const layer& l) { return l.kind == layer_kind::block; };
    const auto& layers = what.layers;
    const auto first = std::find_if(layers.begin(), layers.end(), block);
    const auto last = std::find_if(layers.rbegin(), layers.rend(), block).base();
    const auto odd = std::find_if_not(first, std::max(first, last), block);
    const std::string name(what.name.view());
    if (first == layers.end() || first == layers.begin() || last == layers.end())
        refuse(name + " has no layout string (it is E, then t, then L: an embedding, blocks, a head) use --cut");
    if (odd < last)
        refuse(name + " has no layout string (layer " + std::string(odd->name.view()) +
               " between its blocks is none) use --cut");
    return {static_cast<int>(first - layers.begin()), static_cast<int>(last - first),
            static_cast<int>(layers.end() - last)};
}

int layout_stages(const std::string& text) { return static_cast<int>(read_layout(text).size()); }

void check_layout_family(const family_spec& on) {
    bool good = pipelines_of(on) == 1;
    for (int s = 0; s < on.stages && good; ++s) good = worker_of(on, 0, s) == s % on.workers();
    if (good) return;
    refuse("a layout does not apply to " + std::string(name(on.which)) +
           " (its workers do not hold the stages as ranks do: stage k on rank k mod ranks) use a family such as "
           "one_f_one_b or interleaved");
}

std::vector<int> layout_cuts(const std::string& text, const model& what, const family_spec& on) {
    const std::vector<layout_stage> stages = read_layout(text);
    check_layout_family(on);
    check_layout(stages, on.workers());
    return cuts_of(stages, chain_of(what));
}

std::string layout_text(const std::vector<int>& cuts, const model& what) {
    return write_layout(layout_of(cuts, chain_of(what)));
}

}  // namespace chimera::executor
