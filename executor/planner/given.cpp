// SPDX-License-Identifier: Apache-2.0
#include <chimera/plan/make_plan.hpp>
#include <chimera/render/price_text.hpp>

#include <executor/io/fields.hpp>
#include <executor/planner/given.hpp>
#include <executor/planner/model_layout.hpp>

#include <algorithm>
#include <optional>

namespace chimera::executor {

namespace {

using nlohmann::json;

/// Tensor widths that the best configuration may have: what divides the heads, up to the workers of a node.
std::vector<int> widths_of(const plan_task& task) {
    std::vector<int> out;
    for (int width = 1; width <= task.on.workers_per_node; width *= 2) {
        try {
            check_slices(task.what, width);
            out.push_back(width);
        } catch (const chimera_error&) {  // it leaves a slice without whole heads
        }
    }
    return out;
}

json parts_json(const configuration& choice, const model& network, const breakdown& b) {
    json seconds = json::object();
    for (const auto& [what, value] : parts_of(b)) seconds[what] = value;
    const double samples = static_cast<double>(choice.samples()) / b.found.seconds;
    json out{{"configuration", configuration_json(choice)},
             {"seconds", b.found.seconds},
             {"samples_per_second", samples},
             {"flops_per_worker", b.flop / b.found.seconds / choice.workers()},
             {"parts_seconds", std::move(seconds)},
             {"memory_bytes",
              {{"all", b.found.memory},
               {"weights", b.state.weights},
               {"gradients", b.state.gradients},
               {"optimiser", b.state.optimiser},
               {"activations", b.activations}}},
             {"fits", b.found.fits()}};
    if (network.tokens > 0) out["tokens_per_second"] = samples * static_cast<double>(network.tokens);
    return out;
}

/// The numbers of an object and of those in it, a line each: the keys, joined by dots, and the number.
std::string quantities(const json& of, const std::string& before) {
    std::string out;
    for (const auto& [key, value] : of.items()) {
        std::string name = before + key;
        std::replace(name.begin(), name.end(), ',', ';');
        if (value.is_object()) out += quantities(value, name + '.');
        if (value.is_number()) out += name + ',' + value.dump() + '\n';
    }
    return out;
}

json change_json(const std::string& what, const configuration& with, const evaluation& found) {
    return {{"change", what},
            {"configuration", configuration_json(with)},
            {"seconds", found.seconds},
            {"memory_bytes", found.memory}};
}

/// Takes the layout string out of a configuration, and puts the stages that it has in.
std::string take_layout(json& value, const plan_task& task, const std::string& called) {
    if (!value.contains("layout")) return "";
    const json given = value["layout"];
    value.erase("layout");
    if (!given.is_string())
        refuse(called + ": layout is " + detail::shown(given) + " (no string) give one such as Et|tL");
    const std::string text = given.get<std::string>();
    const int stages = layout_stages(text);
    if (value.contains("stages") && value["stages"] != stages)
        refuse(called + ": stages is " + detail::shown(value["stages"]) + " (the layout has " + std::to_string(stages) +
               ") leave it out");
    value["stages"] = stages;
    (void)chain_of(task.what);
    return text;
}

std::vector<int> cuts_given(const std::string& text, const plan_task& task, const family_spec& on,
                            const std::string& called) {
    std::vector<int> out = layout_cuts(text, task.what, on);
    if (static_cast<int>(out.size()) == on.stages + 1) return out;
    refuse(called + ": the layout has " + std::to_string(out.size() - 1) + " stages (" + std::string(name(on.which)) +
           " has " + std::to_string(on.stages) + ") give another layout");
}

}  // namespace

configuration complete(const json& value, const plan_task& task, const std::string& called) {
    if (!value.is_object() || !value.contains("family"))
        refuse(called + " has no family (a configuration is of one) give its name");
    json read = value;
    const std::string layout = take_layout(read, task, called);
    const bool mixed = read.contains("recompute") && read["recompute"] == "mixed" && !read.contains("stage_recompute");
    if (mixed) read.erase("recompute");  // as little as suffices is found later
    configuration out = read_configuration(read, called);
    if (mixed) out.recompute = recompute_mode::mixed;
    family_spec& s = out.schedule;
    if (s.which == family::data_parallel) s.stages = 1;
    const int layers = static_cast<int>(task.what.layers.size());
    if (s.stages > layers)
        refuse(called + ": stages is " + std::to_string(s.stages) + " (the model has " + std::to_string(layers) +
               " layers, and every stage holds at least one) give at most as many");
    out.sequence_parallel = out.tensor > 1 && (out.sequence_parallel || task.asked.sequence_parallel);
    check_slices(task.what, out.slices());
    family_spec tried = s;
    tried.micro_batches = 2 * s.stages;
    if (const refusal why = tried.refused(); why != refusal::none) refuse(called + ": " + text(why));
    const int group = s.workers() * out.tensor, workers = task.on.workers();
    if (!value.contains("width")) out.width = std::max(1, workers / group);
    if (std::int64_t{group} * out.width > workers)
        refuse(called + ": it takes " + std::to_string(std::int64_t{group} * out.width) + " workers (the cluster has " +
               std::to_string(workers) + ") give more workers, or fewer copies, stages or slices");
    if (!layout.empty()) out.cuts = cuts_given(layout, task, s, called);
    const std::int64_t each = std::int64_t{out.width} * out.micro_batch, samples = task.asked.samples;
    if (samples % each != 0)
        refuse(called + ": " + std::to_string(samples) + " samples are no whole micro-batches (" +
               std::to_string(out.width) + (out.width == 1 ? " copy" : " copies") + " of micro-batches of " +
               std::to_string(out.micro_batch) + ") give " + chimera::detail::samples_that_divide(samples, each) +
               " samples, or another micro-batch");
    if (samples / each > most_slots / (8 * s.stages))
        refuse(called + ": " + std::to_string(samples / each) + " micro-batches are too many (a table of " +
               std::to_string(s.stages) + " stages has no room for them) give larger ones");
    s.micro_batches = static_cast<int>(samples / each);
    if (const refusal why = s.refused(); why != refusal::none) refuse(called + ": " + text(why));
    return out;
}

configuration settled(const plan_task& task, plan_cache& memory) {
    configuration out = *task.given;
    estimator estimate(task.what, task.on, memory.orders);
    if (out.recompute == recompute_mode::mixed && out.stage_recompute.empty())
        if (!chimera::detail::raise_recompute(out, estimate, allows_layers(task.asked)))
            out.recompute = recompute_mode::none;
    if (out.cuts.empty()) out.cuts = estimate.cuts(out);
    return out;
}

std::string price(const plan_task& task, plan_cache& memory, const std::string& format) {
    configuration choice = settled(task, memory);
    plan_request asked = task.asked;
    asked.tensors = widths_of(task);
    const breakdown found = break_down(task.what, task.on, choice, memory.orders);
    const std::vector<single_change> changes = single_changes(task.what, task.on, asked, choice, memory.orders);
    asked.top = 1;
    const plan_report best = make_plan(task.what, task.on, asked, memory);
    // A change may be none of the planner's candidates, such as a micro-batch of 3.
    std::optional<ranked> first;
    if (!best.ranking.empty()) first = best.ranking.front();
    if (!changes.empty() && (!first || changes.front().found.seconds < first->found.seconds))
        first = {changes.front().with, changes.front().found, 0};
    if (first && found.found.fits() && first->found.seconds >= found.found.seconds) first = {};
    if (format == "text") return text(task.what, task.on, choice, found, changes, first ? &*first : nullptr);
    json out = parts_json(choice, task.what, found);
    if (format == "csv") return "quantity,value\n" + quantities(out, "");
    out["format"] = "chimera.plan_price";
    out["version"] = 1;
    out["request"] = task.request;
    if (json known = known_json(task); !known.empty()) out["of_hardware"] = std::move(known);
    for (const single_change& c : changes) out["changes"].push_back(change_json(c.what, c.with, c.found));
    if (first) out["best"] = change_json("all", first->with, first->found);
    return out.dump(1) + "\n";
}

}  // namespace chimera::executor
