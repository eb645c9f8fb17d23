// SPDX-License-Identifier: Apache-2.0
#pragma once

/// chimera: pipeline-parallel training schedules, generated and proven at compile time.
///
///     #include <chimera/chimera.hpp>
///     using namespace chimera;
///
///     constexpr auto& table = table_of<bidirectional{.stages = 4, .micro_batches = 8}>;  // std::array storage
///     static_assert(makespan(table) == 18 && idle(table, worker{0}) == 2);            // ticks, F = B = 1
///     static_assert(verify(table).ok());                                              // the laws hold
///
///     auto order = generate(bidirectional{.stages = 64, .micro_batches = 4096});      // at run time
///     auto program = lower(order, reduction_start::eager_opt);                        // sends, buffers, reductions
///     auto predicted = simulate(program, {.forward = 1e-3, .backward = 2e-3});        // seconds
///     auto report = metrics(predicted);                                               // makespan, bubbles, peaks
///
/// Text and pictures are in <chimera/render.hpp>. Models, partitions, the planner and the search are in
/// <chimera/model.hpp>, <chimera/partition.hpp>, <chimera/plan.hpp> and <chimera/search.hpp>.

#include <chimera/algebra.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/core/query.hpp>
#include <chimera/program/fixed_program.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/program/staleness.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/reorder.hpp>
#include <chimera/simulate/simulate.hpp>
#include <chimera/verify.hpp>
#include <chimera/version.hpp>
