// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/make_plan.hpp>

#include <executor/io/profile.hpp>
#include <executor/job/job.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace chimera::executor {

/// The request of `chimera plan` as a file: chimera.plan, version 1. Needed are model, samples and cluster.
///
///     {"format": "chimera.plan", "version": 1,
///      "model": "bert-48" | "mine.json" | {"format": "chimera.model", …},  "samples": 512,
///      "tokens": 128, "vocabulary_multiple": 128, "fp8": false,
///      "cluster": {"nodes": 32, "workers_per_node": 1, "memory": "16GiB" | 17179869184, "reserve": "5%" | "1GiB",
///                  "hardware": "DGX-H100" | "p100.json" | {"flops": 5e12, "between": {"latency": 1e-5, "bandwidth": 8e9}, …},
///                  "workers": 30, "speeds": [1, 1, 0.5, …], "memories": [17179869184, …]},
///      "families": ["bidirectional", …], "tensor": [1, 2], "sequence_parallel": false,
///      "recompute": ["none", "selective", "layers", "mixed", "full"],
///      "zero": [0, 1, 2, 3], "sync": ["lazy", "eager", "eager_opt"], "stages_most": 64, "micro_batch_most": 64,
///      "top": 10,
///      "configuration": {"family": "interleaved", "stages": 16, "chunks": 2, "width": 1, "tensor": 8,
///                        "micro_batch": 1, "recompute": "none", "zero": 1, "sync": "eager_opt", "layout": "Et*5|…"},
///      "job": {"format": "chimera.job", …}, "profile": "here.json"}
///
/// "configuration" is priced as it is, and nothing is ranked; its width is that of all workers unless it is given.
/// "layout" is its cut, as partition/layout_string.hpp reads it, and says how many stages there are; the best cut where
/// it is left out.
/// "fp8" casts the operands of a transformer's linear products to 8 bits.
/// "samples" are those of an iteration, over all copies. "speeds" and "memories" are of every worker; "workers" says how
/// many these are where some of the nodes' are gone. "reserve" is the part of "memory" that no plan uses: the device's
/// context, its libraries' buffers and fragmentation take it; 5 % where nothing is said, 0 with a profile, whose run
/// counts all that it needs. "memory" and "workers_per_node" that are left out are those that the hardware states, if it
/// does. What is left out may be anything. "job" is the training job that the plan completes: its model, data and
/// optimiser stay. Its times come from "profile", or from the hardware.
struct plan_task {
    model what;
    cluster on;          ///< its memory without the reserve
    double reserve = 0;  ///< bytes of every worker
    plan_request asked;
    std::string known_by;                ///< the hardware's name or file
    std::optional<double> known_memory;  ///< bytes of a worker, where the hardware says them and the request does not
    std::optional<int> known_workers;    ///< the same for the workers of a node
    std::optional<double> held_out;      ///< how far the hardware file's fit was off on rows held out, if it says so
    std::optional<job> training;         ///< the job to complete
    std::optional<profile> machine;      ///< what this machine takes to train it
    nlohmann::json request;              ///< as asked, to be asked again
    std::vector<configuration> before;   ///< of an earlier answer, tried first
    std::optional<configuration> given;  ///< to be priced instead of a ranking
};

/// Reads a request from a file of any of three kinds: a chimera.plan, a chimera.job (plans how to train that on
/// `workers` of this machine), an earlier answer of `chimera plan` (its request again, from its ranking on). Throws
/// error in one line.
nlohmann::json read_plan_request(const std::string& path);

/// Checks a request and resolves it. Throws error in one line that names the key.
plan_task resolve(const nlohmann::json& request, const std::string& name);

/// Returns what the hardware alone says of the cluster, with its name, as answers hold it beside the request; an empty
/// object if that is nothing.
nlohmann::json known_json(const plan_task& task);

/// A number of bytes: 17179869184, "16GiB", "16 GB", "900MB". Throws error that names `what`.
double bytes_of(const nlohmann::json& value, const std::string& what);

/// A configuration as an answer keeps it, and back.
nlohmann::json configuration_json(const configuration& of);
configuration read_configuration(const nlohmann::json& value, const std::string& name);

}  // namespace chimera::executor
