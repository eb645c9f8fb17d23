// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/engine/sweep.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/device/memory.hpp>
#include <executor/engine/engine.hpp>
#include <executor/layers/gpt2_stage.hpp>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// A tiny GPT-2, run by the engine and by plain loops on one worker, to be compared bit for bit.
namespace exactness {

using namespace chimera;
using namespace chimera::executor;

inline constexpr int iterations = 3;
inline const gpt2_config model{.layers = 8, .heads = 2, .channels = 16, .vocabulary = 32, .context = 8};
inline constexpr unit_shape unit{.sequences = 1, .tokens = 8};
inline constexpr std::uint64_t seed = 7;

/// Tokens and targets of every unit of an iteration.
struct data {
    std::vector<std::vector<std::int32_t>> tokens, targets;
    std::vector<unit_batch> units;

    data(int iteration, int count) {
        std::uint32_t state = 12345U + static_cast<std::uint32_t>(iteration) * 977U;
        const auto draw = [&] {
            state = state * 1664525U + 1013904223U;
            return static_cast<std::int32_t>(state >> 27U);
        };
        for (int u = 0; u < count; ++u) {
            auto& in = tokens.emplace_back();
            auto& out = targets.emplace_back();
            for (int t = 0; t < unit.tokens; ++t) in.push_back(draw());
            for (int t = 0; t < unit.tokens; ++t) out.push_back(draw());
        }
        for (std::size_t u = 0; u < tokens.size(); ++u) units.push_back({tokens[u], targets[u]});
    }
};

inline adamw_step settings(int iteration, int units) {
    return {.learning_rate = 0.01 / (iteration + 1), .gradient_scale = 1.0 / units, .step = iteration + 1};
}

/// A stage's object with the device of its thread.
struct held_stage {
    held_stage(int stages, int s)
        : model_stage(device, model, stage_layers(model, stages)[static_cast<std::size_t>(s)], unit, seed) {}
    cpu_device device;
    gpt2_stage<cpu_device> model_stage;
};

/// What a run leaves of one copy of one stage.
struct left {
    std::vector<float> gradients, weights, moments;
    bool operator==(const left& other) const {
        const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
            return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
        };
        return same(gradients, other.gradients) && same(weights, other.weights) && same(moments, other.moments);
    }
};

inline left take(gpt2_stage<cpu_device>& s) {
    left all;
    all.gradients.assign(s.gradients().begin(), s.gradients().end());
    for (const auto& p : s.core().parameters()) {
        all.weights.insert(all.weights.end(), p.values.begin(), p.values.end());
        all.moments.insert(all.moments.end(), p.m.begin(), p.m.end());
        all.moments.insert(all.moments.end(), p.v.begin(), p.v.end());
    }
    return all;
}

using result = std::map<std::pair<int, int>, left>;  // (worker, stage)

/// Through the engine: every worker a thread.
inline result run(const program& p, std::span<communicator* const> ends) {
    std::map<std::pair<int, int>, std::unique_ptr<held_stage>> stages;
    const stage_lookup lookup = [&](int worker, int s) {
        auto& one = stages[{worker, s}];
        if (!one) one = std::make_unique<held_stage>(p.head.stages, s);
        return &one->model_stage;
    };
    engine e(p, lookup, ends);
    for (int i = 0; i < iterations; ++i) {
        const data batch(i, p.head.units());
        for (auto& [where, one] : stages) {
            one->model_stage.core().set_batch(batch.units);
            one->model_stage.core().set_step(settings(i, p.head.units()));
        }
        e.run_iteration();
    }
    result all;
    for (auto& [where, one] : stages) all[where] = take(one->model_stage);
    return all;
}

inline result run(const program& p, local_mode mode) {
    local_world world(p.head.workers, mode);
    return run(p, world.ends());
}

/// For each stage and each member of its replica group: the units whose gradients it adds, in order.
using grouping = std::vector<std::vector<std::vector<int>>>;

inline grouping grouping_of(const program_view& p) {
    grouping all;
    for (int s = 0; s < p.head.stages; ++s) {
        auto& members = all.emplace_back();
        for (const int w : p.replica_group(s)) members.push_back(sweep::contributions(p, w, s));
    }
    return all;
}

/// One worker, plain loops, no engine: forward of every unit, then stage by stage each member's backwards in its order,
/// their sums member after member, the update. Recomputes nothing.
class reference {
public:
    reference(const grouping& groups, int units) : groups_(groups), units_(static_cast<std::size_t>(units)) {
        const int stages = static_cast<int>(groups.size());
        for (int s = 0; s < stages; ++s) {
            auto& members = stages_.emplace_back();
            for (std::size_t m = 0; m < groups[static_cast<std::size_t>(s)].size(); ++m)
                members.push_back(std::make_unique<held_stage>(stages, s));
        }
        for (int i = 0; i < iterations; ++i) iterate(i);
    }
    /// What every member of a stage's replica group must have.
    left of(int s) { return take(at(static_cast<std::size_t>(s), 0)); }

private:
    gpt2_stage<cpu_device>& at(std::size_t s, std::size_t m) { return stages_[s][m]->model_stage; }

    void iterate(int i) {
        const data batch(i, static_cast<int>(units_));
        std::vector<host_memory> input(units_), gradient(units_);  // of the boundary where the loop over stages stands
        std::vector<std::vector<host_memory>> stashes(stages_.size());
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            for (std::size_t m = 0; m < stages_[s].size(); ++m) {
                at(s, m).core().set_batch(batch.units);
                at(s, m).core().set_step(settings(i, static_cast<int>(units_)));
                at(s, m).clear_gradients();
            }
            for (std::size_t u = 0; u < units_; ++u) {
                stashes[s].emplace_back(at(s, 0).stash_bytes(false));
                host_memory output(std::max<std::size_t>(1, at(s, 0).output_bytes()));
                at(s, 0).forward(static_cast<int>(u), stashes[s][u].data(), input[u].data(), output.data());
                input[u] = std::move(output);
            }
        }
        for (std::size_t s = stages_.size(); s-- > 0;) {
            for (std::size_t m = 0; m < stages_[s].size(); ++m)
                for (const int u : groups_[s][m]) {
                    auto& dy = gradient[static_cast<std::size_t>(u)];
                    host_memory dx(std::max<std::size_t>(1, at(s, m).input_bytes()));
                    at(s, m).backward(u, stashes[s][static_cast<std::size_t>(u)].data(), dy.data(), dx.data());
                    dy = std::move(dx);
                }
            add_up(s);
        }
    }

    void add_up(std::size_t s) {
        std::vector<float> total(at(s, 0).gradients().begin(), at(s, 0).gradients().end());
        for (std::size_t m = 1; m < stages_[s].size(); ++m) {
            const auto part = at(s, m).gradients();
            for (std::size_t k = 0; k < total.size(); ++k) total[k] += part[k];
        }
        for (std::size_t m = 0; m < stages_[s].size(); ++m) {
            std::ranges::copy(total, at(s, m).gradients().begin());
            at(s, m).update();
        }
    }

    const grouping& groups_;
    std::size_t units_;
    std::vector<std::vector<std::unique_ptr<held_stage>>> stages_;
};

/// The last reference is kept: programs of one job share a grouping.
class oracle {
public:
    /// True when every copy of every stage has the reference's bits.
    bool agrees(const program_view& p, const result& got) {
        grouping groups = grouping_of(p);
        if (expected_.empty() || groups != groups_ || p.head.units() != units_) {
            groups_ = std::move(groups);
            units_ = p.head.units();
            reference plain(groups_, units_);
            expected_.clear();
            for (int s = 0; s < p.head.stages; ++s) expected_.push_back(plain.of(s));
        }
        std::size_t copies = 0;
        for (const auto& members : groups_) copies += members.size();
        return got.size() == copies && std::ranges::all_of(got, [&](const auto& one) {
                   return one.second == expected_[static_cast<std::size_t>(one.first.second)];
               });
    }
    const left& of(int s) const { return expected_[static_cast<std::size_t>(s)]; }

private:
    grouping groups_;
    int units_ = 0;
    std::vector<left> expected_;
};

}  // namespace exactness
