// SPDX-License-Identifier: Apache-2.0
// Runs an iteration on one thread, without a schedule. The workers' weights are compared with its weights.
#pragma once

#include "task.hpp"

#include <chimera/program/program.hpp>

#include <map>
#include <utility>

/// Only the order of additions is the program's: a stage's gradients are added on each of its workers in the order of
/// their backwards, and then worker after worker.
inline void iterate_alone(std::vector<stage>& model, const task& batch, const chimera::program_view& program) {
    using chimera::action;
    std::map<std::pair<std::size_t, int>, numbers> parts;  // the gradient of a stage by a unit
    for (int u = 0; u < program.head.units(); ++u) {
        std::vector<activations> kept;
        for (const stage& s : model)
            kept.push_back(s.forward(kept.empty() ? batch.inputs(u) : kept.back().values.back()));
        numbers gradient = batch.loss(u, kept.back().values.back());
        for (std::size_t s = model.size(); s-- > 0;) {
            gradient = model[s].input_gradient(kept[s], std::move(gradient));
            parts[{s, u}] = model[s].weight_gradient(kept[s]);
        }
    }
    for (std::size_t s = 0; s < model.size(); ++s) {
        numbers sum(model[s].size());
        for (const int w : program.replica_group(static_cast<int>(s))) {
            numbers of_worker(sum.size());
            for (const chimera::instruction& i : program.row(w))
                for (int u = i.first; u < i.first + i.count; ++u)
                    if (i.stage == s && (i.op == action::backward || i.op == action::weight_gradient))
                        add(of_worker, parts[{s, u}]);
            add(sum, of_worker);
        }
        model[s].update(sum, 0.03F);
    }
}

inline bool same(const stage& a, const stage& b) {
    for (std::size_t l = 0; l < a.layers.size(); ++l)
        if (a.layers[l].weights != b.layers[l].weights) return false;
    return true;
}
