// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/planner/task.hpp>

#include <string>

namespace chimera::executor {

/// Completes a configuration that a request states, `value`: width and micro-batches by the cluster and the samples.
/// Throws error in one line for sizes that do not divide or do not fit the cluster or the model.
configuration complete(const nlohmann::json& value, const plan_task& task, const std::string& called);

/// The request's configuration with its cut and what each stage recomputes.
configuration settled(const plan_task& task, plan_cache& memory);

/// Prices the request's configuration: its seconds, memory and their parts, single changes, and the best of the cluster.
/// `format`: text or json.
std::string price(const plan_task& task, plan_cache& memory, const std::string& format);

}  // namespace chimera::executor
