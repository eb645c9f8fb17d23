// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/dose.hpp"

#include <chimera/algebra.hpp>
#include <chimera/core/error.hpp>
#include <chimera/program/lower.hpp>

#include <executor/io/family_options.hpp>

#include <gtest/gtest.h>
#include <cstdint>
#include <functional>
#include <ostream>

#include <cstdlib>
#include <string>
#include <vector>

/// The jobs of the exactness tests: every family that make_schedule knows, with every option that changes its order,
/// D ∈ {1, 2, 4, 8} stages, N ∈ {1, …, 2D + 1} micro-batches, where the family allows it.
namespace sweep {

using chimera::executor::family_options;

struct job {
    std::string name;
    chimera::schedule schedule;
};

/// A family with some of its options; stages and micro-batches are the sweep's.
struct variant {
    std::string name;
    family_options options;
    std::vector<int> stages{1, 2, 4, 8};
};
inline void PrintTo(const variant& v, std::ostream* out) { *out << v.name; }

/// The jobs of a variant that its family does not refuse, `most` of them.
inline std::vector<job> jobs(const variant& v, std::size_t most = SIZE_MAX) {
    std::vector<job> all;
    const bool replicas = v.options.which == chimera::family::data_parallel;  // there D is the number of workers
    const int more = v.options.which == chimera::family::dualpipe ? 6 : 1;    // it begins at N = 2D
    for (const int d : v.stages)
        for (int n = 1; n <= 2 * d + more && all.size() < most; ++n) {
            family_options of = v.options;
            of.stages = replicas ? 1 : d;
            if (replicas) of.width = d;
            of.micro_batches = n;
            try {
                all.push_back({v.name + " D=" + std::to_string(d) + " N=" + std::to_string(n), make_schedule(of)});
            } catch (const chimera::chimera_error&) {
            }
        }
    return all;
}

inline void add(std::vector<variant>& to, const std::string& name, family_options of,
                std::vector<int> stages = {1, 2, 4, 8}) {
    to.push_back({name, std::move(of), std::move(stages)});
}

/// Options that change a family's order, beside its own choice; and data-parallel copies of the whole.
inline std::vector<variant> variants_of(const std::string& family) {
    std::vector<variant> all;
    family_options plain;
    plain.which = chimera::executor::family_named(family);
    add(all, family, plain);
    const auto with = [&](const std::string& what, auto set) {
        family_options of = plain;
        set(of);
        add(all, family + "_" + what, of);
    };
    if (family == "bidirectional") {
        for (const chimera::scale scale : {chimera::scale::direct, chimera::scale::doubling, chimera::scale::halving})
            for (const int pipelines : {2, 4, 8})
                with(std::string(name(scale)) + "_" + std::to_string(pipelines), [&](family_options& of) {
                    of.scale = scale;
                    of.pipelines = pipelines;
                });
        with("split", [](family_options& of) { of.split = true; });
        with("split_4", [](family_options& of) { of.split = true, of.pipelines = 4; });
    }
    if (family == "interleaved" || family == "breadth_first")
        with("4_chunks", [](family_options& of) { of.chunks = 4; });
    if (family == "interleaved") with("groups_of_3", [](family_options& of) { of.group = 3; });
    if (family == "v_half")
        with("for_ticks", [](family_options& of) {
            of.forward_ticks = 3, of.input_ticks = of.weight_ticks = 2, of.hop_ticks = 1, of.thorough = true;
        });
    if (family == "wave") with("2_waves", [](family_options& of) { of.waves = 2; });
    if (family == "pipedream_2bw") with("long_groups", [](family_options& of) { of.update_every = 8; });
    if (family != "data_parallel") {
        plain.width = 2;
        add(all, family + "_wide", plain, {1, 2, 4});
    }
    return all;
}

/// The variants of all families that update their weights once an iteration, or of all others.
inline std::vector<variant> variants(bool synchronous) {
    std::vector<variant> all;
    for (const std::string_view family : chimera::executor::family_names())
        for (variant& v : variants_of(std::string(family)))
            if (const auto made = jobs(v, 1);
                !made.empty() && (made.front().schedule.head.update == chimera::update_rule::flushed) == synchronous)
                all.push_back(std::move(v));
    return all;
}

enum class recomputed { none, full, some };

/// One flag per stage; `some`: the even stages.
inline std::vector<std::uint8_t> flags(recomputed which, int stages) {
    std::vector<std::uint8_t> chosen(static_cast<std::size_t>(stages), 0);
    for (std::size_t s = 0; s < chosen.size(); ++s)
        chosen[s] = which == recomputed::full || (which == recomputed::some && s % 2 == 0);
    return chosen;
}

inline constexpr int choices = 9;

/// One of the nine choices of synchronisation and recompute, lowered.
inline chimera::program program_of(const job& j, int choice) {
    using enum recomputed;
    const auto r = static_cast<recomputed>(choice / 3);
    const auto chosen = flags(r, j.schedule.head.stages);
    return chimera::lower(r == none ? j.schedule : chimera::recompute(j.schedule, chosen),
                          static_cast<chimera::reduction_start>(choice % 3));
}
inline std::string name_of(const job& j, int choice) {
    return j.name + " sync=" + std::to_string(choice % 3) + " recompute=" + std::to_string(choice / 3);
}

/// `check(job, choice)` for every job of a variant, the nine choices taking turns, under the thread sanitizer for every
/// fourth; for all jobs and choices where CHIMERA_EXHAUSTIVE is set.
template <class Check>
void each_choice(const variant& of, Check check) {
    const auto all = jobs(of);
    EXPECT_GE(all.size(), 5U);
    const bool everything = std::getenv("CHIMERA_EXHAUSTIVE") != nullptr;
    int turn = 0;
    for (const job& j : all) {
        const int now = turn++;
        if (everything)
            for (int choice = 0; choice < choices; ++choice) check(j, choice);
        else if (now % chimera::every_nth == 0)
            check(j, now % choices);
        if (testing::Test::HasFatalFailure()) return;
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
