// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/engine/sweep.hpp"

#include <executor/communicate/local/local.hpp>
#include <executor/engine/engine.hpp>
#include <executor/workers/backend.hpp>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

/// A tiny GPT-2, run by the engine and by plain loops on one worker, to be compared bit for bit, on any backend.
namespace exactness {

using namespace chimera;
using namespace chimera::executor;

inline constexpr int iterations = 3;
inline const gpt2_sizes model{.layers = 8, .heads = 2, .channels = 16, .vocabulary = 32, .context = 8};
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

inline std::shared_ptr<model_stage> make_stage(backend& on, int worker, int stages, int s) {
    return on.make_stage(worker, model, stage_layers(model, stages)[static_cast<std::size_t>(s)], unit, seed);
}

/// Threads on the host that communicate as told.
class host : public backend {
public:
    explicit host(local_mode mode, bool bf16 = false) : mode_(mode), plain_(make_host_backend({.bf16 = bf16})) {}
    std::string name() const override { return plain_->name(); }
    bool on_host() const override { return true; }
    std::shared_ptr<model_stage> make_stage(int worker, const gpt2_sizes& config, const layer_range& layers,
                                            const unit_shape& shape, std::uint64_t start) override {
        return plain_->make_stage(worker, config, layers, shape, start);
    }
    std::unique_ptr<world> join(const program_view& of) override {
        struct joined final : world {
            joined(int workers, local_mode mode) : all(workers, mode) {}
            std::vector<communicator*> ends() override { return all.ends(); }
            local_world all;
        };
        return std::make_unique<joined>(of.head.workers, mode_);
    }
    std::shared_ptr<std::byte> memory(int worker, std::size_t bytes) override { return plain_->memory(worker, bytes); }

private:
    local_mode mode_;
    std::unique_ptr<backend> plain_;
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

/// What is stored of all its tensors, one after the other.
inline std::vector<float> read(model_stage& s, stored what) {
    std::vector<float> all;
    for (const parameter& p : s.tensors()) {
        all.resize(all.size() + p.size);
        s.read(p, what, std::span(all).last(p.size));
    }
    return all;
}

inline void write(model_stage& s, stored what, std::span<const float> all) {
    for (const parameter& p : s.tensors()) {
        s.write(p, what, all.first(p.size));
        all = all.subspan(p.size);
    }
}

/// The sum of the gradients of all that hold a stage, in their order, on the host.
inline std::vector<float> gradient_sum(std::span<const std::shared_ptr<model_stage>> members) {
    std::vector<float> total;
    for (const auto& m : members) {
        m->gradients();  // zeros, where it has had no unit
        const std::vector<float> part = read(*m, stored::gradient);
        total.resize(part.size(), -0.F);  // which added to anything leaves it
        for (std::size_t k = 0; k < total.size(); ++k) total[k] += part[k];
    }
    return total;
}

inline left take(model_stage& s) {
    left all{read(s, stored::gradient), read(s, stored::weight), read(s, stored::m)};
    std::ranges::copy(read(s, stored::v), std::back_inserter(all.moments));
    return all;
}

using result = std::map<std::pair<int, int>, left>;  // (worker, stage)

/// Through the engine: every worker a thread.
inline result run(const program_argument& p, backend& on, std::span<communicator* const> ends) {
    std::map<std::pair<int, int>, std::shared_ptr<model_stage>> stages;
    for (int s = 0; s < p.head.stages; ++s)
        for (const int worker : p.replica_group(s)) stages[{worker, s}] = make_stage(on, worker, p.head.stages, s);
    engine_options options;
    options.work_queues = on.work_queues();
    engine e(
        p,
        [&](int worker, int s) {
            return stages.at({worker, s}).get();
        },
        ends, options);
    for (int i = 0; i < iterations; ++i) {
        const data batch(i, p.head.units());
        for (auto& [where, one] : stages) {
            one->set_batch(batch.units);
            one->set_step(settings(i, p.head.units()));
        }
        e.run_iteration();
    }
    result all;
    for (auto& [where, one] : stages) all[where] = take(*one);
    return all;
}

inline result run(const program_argument& p, backend& on) {
    const auto joined = on.join(p);
    return run(p, on, joined->ends());
}

inline result run(const program_argument& p, local_mode mode) {
    host on(mode);
    return run(p, on);
}

/// For each stage and each member of its replica group: the units whose gradients it adds, in order.
using grouping = std::vector<std::vector<std::vector<int>>>;

inline grouping grouping_of(const program_argument& p) {
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
    reference(backend& on, const grouping& groups, int units)
        : on_(on), groups_(groups), units_(static_cast<std::size_t>(units)) {
        const int stages = static_cast<int>(groups.size());
        for (int s = 0; s < stages; ++s) {
            auto& members = stages_.emplace_back();
            for (std::size_t m = 0; m < groups[static_cast<std::size_t>(s)].size(); ++m)
                members.push_back(make_stage(on, 0, stages, s));
        }
        for (int i = 0; i < iterations; ++i) iterate(i);
    }
    /// What every member of a stage's replica group must have.
    left of(int s) { return take(at(static_cast<std::size_t>(s), 0)); }

private:
    model_stage& at(std::size_t s, std::size_t m) { return *stages_[s][m]; }

    void iterate(int i) {
        const data batch(i, static_cast<int>(units_));
        std::vector<std::shared_ptr<std::byte>> input(units_),
            gradient(units_);  // of the boundary where the loop stands
        std::vector<std::vector<std::shared_ptr<std::byte>>> stashes(stages_.size());
        for (std::size_t s = 0; s < stages_.size(); ++s) {
            for (std::size_t m = 0; m < stages_[s].size(); ++m) {
                at(s, m).set_batch(batch.units);
                at(s, m).set_step(settings(i, static_cast<int>(units_)));
                at(s, m).clear_gradients();
            }
            for (std::size_t u = 0; u < units_; ++u) {
                stashes[s].push_back(on_.memory(0, at(s, 0).stash_bytes(false)));
                auto output = on_.memory(0, at(s, 0).output_bytes());
                at(s, 0).forward(static_cast<int>(u), stashes[s][u].get(), input[u].get(), output.get());
                input[u] = std::move(output);
            }
        }
        for (std::size_t s = stages_.size(); s-- > 0;) {
            for (std::size_t m = 0; m < stages_[s].size(); ++m)
                for (const int u : groups_[s][m]) {
                    auto& dy = gradient[static_cast<std::size_t>(u)];
                    auto dx = on_.memory(0, at(s, m).input_bytes());
                    at(s, m).backward(u, stashes[s][static_cast<std::size_t>(u)].get(), dy.get(), dx.get());
                    dy = std::move(dx);
                }
            add_up(s);
        }
    }

    void add_up(std::size_t s) {
        const std::vector<float> total = gradient_sum(stages_[s]);
        for (const auto& member : stages_[s]) {
            write(*member, stored::gradient, total);
            member->update();
        }
    }

    backend& on_;
    const grouping& groups_;
    std::size_t units_;
    std::vector<std::vector<std::shared_ptr<model_stage>>> stages_;
};

/// The last reference is kept: programs of one job share a grouping.
class oracle {
public:
    explicit oracle(backend& on) : on_(on) {}
    /// True when every copy of every stage has the reference's bits.
    bool agrees(const program_argument& p, const result& got) {
        grouping groups = grouping_of(p);
        if (expected_.empty() || groups != groups_ || p.head.units() != units_) {
            groups_ = std::move(groups);
            units_ = p.head.units();
            reference plain(on_, groups_, units_);
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
    backend& on_;
    grouping groups_;
    int units_ = 0;
    std::vector<left> expected_;
};

}  // namespace exactness
