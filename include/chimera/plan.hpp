// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The best way to train a model on a cluster, and how sure that is:
///
///     #include <chimera/model.hpp>
///     #include <chimera/plan.hpp>
///     using namespace chimera;
///
///     const model what = named("bert-48");
///     cluster on{.nodes = 32, .memory = 16 * 0x1p30};
///     on.each.flops = 4.9e12;                                       // or what calibrate() fitted
///     on.each.between = {.latency = 1e-5, .bandwidth = 5e9};
///     plan_memory memory;
///     const plan_report report = make_plan(what, on, {.samples = 512}, memory);
///     const plan_report again = make_plan(what, without(on, 3), {.samples = 512}, memory);  // a worker is gone

#include <chimera/calibrate/fit_hardware.hpp>
#include <chimera/plan/closed_form.hpp>
#include <chimera/plan/equation_1.hpp>
#include <chimera/plan/make_plan.hpp>
#include <chimera/plan/smallest_cluster.hpp>
