// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/equation_1.hpp>

#include <executor/planner/task.hpp>

#include <string>

namespace chimera::executor {

// The planner of chimera/plan, compiled once: its templates know every family.

/// Ranks what the task's cluster can do.
plan_report plan_on_cluster(const plan_task& task, plan_cache& memory);

/// The closed form beside the first of a ranking.
equation_1_report closed_form(const plan_task& task, const plan_report& report, plan_cache& memory);

/// One line that says why nothing fits and what the smallest change would be. Only where a plan has no ranking.
std::string nothing_fits(const plan_task& task, plan_cache& memory);

}  // namespace chimera::executor
