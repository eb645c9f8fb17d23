// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sweep.hpp"
#include "toy.hpp"

#include <chimera/program/program.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

/// What a run of toy stages must leave, bit for bit.
namespace expected {

inline constexpr int iterations = 3;

/// For each worker and stage it holds, gradients, then weights.
using bits = std::map<std::pair<int, int>, std::array<toy::row, 3>>;

template <typename Stages>
bits left_by(const Stages& stages) {
    bits left;
    for (auto& [where, s] : stages)
        left[where] = {toy::row(s->gradients().begin(), s->gradients().end()), s->w.scale, s->w.shift};
    return left;
}

/// From plain loops on one worker, for every replica.
inline bits from_one_worker(const chimera::program& p) {
    const chimera::program_view view = p;
    bits all;
    for (int s = 0; s < p.head.stages; ++s)
        for (const int w : view.replica_group(s)) all[{w, s}];
    std::size_t most = 0;
    for (int s = 0; s < p.head.stages; ++s) most = std::max(most, view.replica_group(s).size());
    const toy::reference plain(
        p.head.stages, p.head.units(), static_cast<int>(most), iterations, [&](int s, int member) {
            return sweep::contributions(view, view.replica_group(s)[static_cast<std::size_t>(member)], s);
        });
    for (auto& [where, row] : all) {
        const auto s = static_cast<std::size_t>(where.second);
        row = {plain.gradients[s], plain.w[s].scale, plain.w[s].shift};
    }
    return all;
}

}  // namespace expected
