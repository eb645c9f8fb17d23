// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace chimera {

/// The age of the weights that a stage's gradients were computed on: updates made between those weights and the update
/// that applies the gradient. 0 for synchronous families.
struct stage_staleness {
    std::int32_t largest = 0;  ///< of all units, in updates
    double mean = 0;           ///< over the units
};

namespace detail {

/// Walks the rows of a program and compares, at every update, what its gradients were computed on with what it starts
/// from.
class staleness_walk {
public:
    constexpr explicit staleness_walk(const program_view& of)
        : of_(of), units_(static_cast<std::size_t>(of.head.units())),
          stages_(static_cast<std::size_t>(of.head.stages), stage_walk{}), read_(stages_.size() * units_, 0) {}

    [[nodiscard]] constexpr std::vector<stage_staleness> run() {
        for (int w = 0; w < of_.head.workers; ++w) {
            for (const instruction& i : of_.row(w))
                if (!is_transfer(i.op)) stages_[i.stage].start();
            for (const instruction& i : of_.row(w)) {
                if (i.op == action::update_weights) update(i);
                if (is_compute(i.op)) compute(i);
                if (!is_transfer(i.op)) stages_[i.stage].clean = false;
            }
        }
        std::vector<stage_staleness> out;
        for (const stage_walk& s : stages_)
            out.push_back({s.largest, static_cast<double>(s.sum) / static_cast<double>(units_)});
        return out;
    }

private:
    struct stage_walk {
        std::vector<std::int32_t> holds{};    // per version buffer: updates that made what it holds
        std::vector<std::int32_t> waiting{};  // units whose gradients wait for the next update
        std::int32_t made = 0, largest = 0;
        std::int64_t sum = 0;
        bool clean = false;

        constexpr void start() {
            if (clean) return;
            clean = true;
            holds.assign(256, 0);
            waiting.clear();
            made = 0;
        }
    };

    constexpr void update(const instruction& i) {
        stage_walk& s = stages_[i.stage];
        for (const std::int32_t u : s.waiting) {
            const std::int32_t age = s.made - read_[i.stage * units_ + static_cast<std::size_t>(u)];
            s.largest = (std::max)(s.largest, age);
            s.sum += age;
        }
        s.waiting.clear();
        s.holds[i.version] = ++s.made;
    }

    constexpr void compute(const instruction& i) {
        stage_walk& s = stages_[i.stage];
        for (std::int32_t u = i.first; u < i.first + i.count; ++u) {
            if (i.op == action::forward) read_[i.stage * units_ + static_cast<std::size_t>(u)] = s.holds[i.version];
            if (ends_activation(static_cast<pass>(i.op))) s.waiting.push_back(u);
        }
    }

    const program_view& of_;
    std::size_t units_;
    std::vector<stage_walk> stages_;
    std::vector<std::int32_t> read_;  // (stage, unit): updates behind the weights that its forward read
};

}  // namespace detail

/// Staleness of every stage, read off the order of its instructions and their versions: of a program that keeps the
/// laws. Linear in instructions.
[[nodiscard]] constexpr std::vector<stage_staleness> staleness(program_argument lowered) {
    if (lowered.head.update != update_rule::flushed) return detail::staleness_walk(lowered).run();
    return std::vector<stage_staleness>(static_cast<std::size_t>(lowered.head.stages), stage_staleness{});
}

/// Returns how many copies of a stage's weights each worker keeps: the versions of all stages that it holds. Weights
/// alone: gradients and the optimiser's state are one per stage.
[[nodiscard]] constexpr std::vector<std::int32_t> weight_copies(program_argument lowered) {
    std::vector<std::int32_t> out(static_cast<std::size_t>(lowered.head.workers), 0);
    for (int s = 0; s < lowered.head.stages; ++s) {
        const auto members = lowered.replica_group(s);
        for (std::size_t k = 0; k < members.size(); ++k)
            out[static_cast<std::size_t>(members[k])] += lowered.versions_of(s, k);
    }
    return out;
}

}  // namespace chimera
