// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/planner/task.hpp>

#include <string>

namespace chimera::executor {

/// The answer as one JSON object: a chimera.job that `chimera train` runs as it is where the plan was made for a
/// training job, else a chimera.plan_answer; "plan" in it holds the request, the ranking and what became of every
/// family.
std::string answer_json(const plan_task& task, const plan_report& report);

/// The training job of a configuration: schedule, blocks of each stage, micro-batch, synchronisation, recompute.
job job_of(const job& from, const configuration& with);

}  // namespace chimera::executor
