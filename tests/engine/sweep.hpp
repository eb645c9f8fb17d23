// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra.hpp>
#include <chimera/core/fixed.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// The jobs of the exactness tests: every family, D ∈ {1, 2, 4, 8}, every f and scale, N ∈ {1, …, 2D + 1}.
namespace sweep {

struct job {
    std::string name;
    chimera::schedule schedule;
};

template <typename Make>
std::vector<job> over(const std::string& name, const std::vector<int>& stages, Make make) {
    std::vector<job> jobs;
    for (const int d : stages)
        for (int n = 1; n <= 2 * d + 1; ++n)
            jobs.push_back({name + " D=" + std::to_string(d) + " N=" + std::to_string(n), generate(make(d, n))});
    return jobs;
}

inline std::vector<job> gpipe() {
    return over("gpipe", {1, 2, 4, 8}, [](int d, int n) { return chimera::gpipe{.stages = d, .micro_batches = n}; });
}
inline std::vector<job> one_f_one_b() {
    return over("one_f_one_b", {1, 2, 4, 8},
                [](int d, int n) { return chimera::one_f_one_b{.stages = d, .micro_batches = n}; });
}
/// Here D is the number of workers.
inline std::vector<job> data_parallel() {
    return over("data_parallel", {1, 2, 4, 8},
                [](int d, int n) { return chimera::data_parallel{.stages = 1, .micro_batches = n, .width = d}; });
}
inline std::vector<job> bidirectional(chimera::scale scale) {
    std::vector<job> jobs;
    for (const int pipelines : {2, 4, 8}) {
        std::vector<int> stages;
        for (const int d : {2, 4, 8})
            if (d % pipelines == 0) stages.push_back(d);
        const std::string name = "bidirectional scale=" + std::to_string(static_cast<int>(scale)) +
                                 " pipelines=" + std::to_string(pipelines);
        for (job& j : over(name, stages, [&](int d, int n) {
                 return chimera::bidirectional{.stages = d, .micro_batches = n, .pipelines = pipelines, .scale = scale};
             }))
            jobs.push_back(std::move(j));
    }
    return jobs;
}

/// Data-parallel copies of whole pipeline groups.
inline std::vector<job> wide() {
    std::vector<job> jobs;
    const auto add = [&](std::vector<job> some, int width) {
        for (job& j : some) jobs.push_back({j.name + " width=" + std::to_string(width), widen(j.schedule, width)});
    };
    const auto two_ways = [](int d, int n) { return chimera::bidirectional{.stages = d, .micro_batches = n}; };
    add(over("bidirectional", {2, 4}, two_ways), 2);
    add(over("one_f_one_b", {1, 2, 4},
             [](int d, int n) { return chimera::one_f_one_b{.stages = d, .micro_batches = n}; }),
        3);
    return jobs;
}

enum class recomputed { none, full, some };

/// One flag per stage; `some`: the even stages.
inline std::vector<std::uint8_t> flags(recomputed which, int stages) {
    std::vector<std::uint8_t> chosen(static_cast<std::size_t>(stages), 0);
    for (std::size_t s = 0; s < chosen.size(); ++s)
        chosen[s] = which == recomputed::full || (which == recomputed::some && s % 2 == 0);
    return chosen;
}

/// Each choice of synchronisation and recompute, lowered.
inline void each_program(const job& j,
                         const std::function<void(const std::string& name, const chimera::program&)>& use) {
    using enum recomputed;
    using enum chimera::sync;
    for (const recomputed r : {none, full, some}) {
        const auto chosen = flags(r, j.schedule.head.stages);
        const chimera::schedule s = r == none ? j.schedule : chimera::recompute(j.schedule, chosen);
        for (const chimera::sync mode : {lazy, eager, eager_opt})
            use(j.name + " sync=" + std::to_string(static_cast<int>(mode)) +
                    " recompute=" + std::to_string(static_cast<int>(r)),
                chimera::lower(s, mode));
    }
}

/// The units that `worker` adds to the gradient of `stage`, in its order: read off the program, instruction by
/// instruction.
inline std::vector<int> contributions(const chimera::program_view& p, int worker, int stage) {
    std::vector<int> units;
    for (const chimera::instruction& i : p.row(worker))
        if (i.stage == stage && (i.op == chimera::action::backward || i.op == chimera::action::weight_gradient))
            for (int k = 0; k < i.count; ++k) units.push_back(i.first + k);
    return units;
}

}  // namespace sweep
