// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/plan_text.hpp>

#include <executor/layers/stage_layers.hpp>
#include <executor/planner/plan_json.hpp>

namespace chimera::executor {

using nlohmann::json;

namespace {

json class_json(const plan_class& c) {
    json out{{"class", c.label},     {"considered", c.considered}, {"simulated", c.simulated},
             {"bounded", c.bounded}, {"too_large", c.too_large},   {"refused", c.unbuildable}};
    if (c.best > 0) out["best_seconds"] = c.best;
    if (c.bounded > 0) out["bound_seconds"] = c.bound;
    if (c.too_large > 0) out["lacking_bytes"] = c.lacking;
    if (!c.rule.empty()) out["rule"] = c.rule;
    return out;
}

json plan_json(const plan_task& task, const plan_report& report) {
    json ranking = json::array();
    for (const ranked& r : report.ranking)
        ranking.push_back({{"configuration", configuration_json(r.with)},
                           {"seconds", r.found.seconds},
                           {"samples_per_second", static_cast<double>(task.asked.samples) / r.found.seconds},
                           {"passes_seconds", r.found.compute},
                           {"exposed_reduction_seconds", r.found.exposed},
                           {"update_seconds", r.found.update},
                           {"memory_bytes", r.found.memory},
                           {"bound_seconds", r.bound}});
    json classes = json::array();
    for (const plan_class& c : report.classes) classes.push_back(class_json(c));
    json out{{"request", task.request},         {"ranking", std::move(ranking)}, {"classes", std::move(classes)},
             {"considered", report.considered}, {"simulated", report.simulated}, {"bound_seconds", report.bound}};
    if (json known = known_json(task); !known.empty()) out["of_hardware"] = std::move(known);
    return out;
}

/// The stages that recompute, as a job states it.
recompute_choice recompute_of(const configuration& with) {
    if (with.recompute != recompute_mode::mixed) return {with.recompute, {}};
    recompute_choice out{recompute_mode::mixed, {}};
    for (int s = 0; s < with.schedule.stages; ++s)
        if (with.recompute_of(s) == recompute_mode::full) out.stages.push_back(s);
    return out.stages.empty() ? recompute_choice{} : out;
}

}  // namespace

job job_of(const job& from, const configuration& with) {
    job out = from;
    out.schedule = {with.schedule, recompute_of(with)};
    out.schedule.width = with.width;
    out.names_scale = has_option(with.schedule.which, "scale");
    out.file = nullptr;
    out.sync = with.synchronisation;
    out.batch.sequences = with.micro_batch;
    out.blocks = blocks_of(with.cuts, from.model.layers);
    return out;
}

std::string answer_json(const plan_task& task, const plan_report& report) {
    json out{{"format", "chimera.plan_answer"}, {"version", 1}, {"model", std::string(task.what.name.view())}};
    if (task.training) out = job_json(job_of(*task.training, report.ranking.front().with));
    out["plan"] = plan_json(task, report);
    return out.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace chimera::executor
