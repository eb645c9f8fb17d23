// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/planner/task.hpp>

namespace chimera::executor {

/// Plans how this machine trains a job, by its profile: every family, width, micro-batch size that was profiled,
/// synchronisation, cuts by stages and by workers; each forecast by simulating its program on the profile's cores.
/// Throws error where the profile is of another model or the request asks for what the trainer does not have.
plan_report plan_here(const plan_task& task, const profile& from);

}  // namespace chimera::executor
