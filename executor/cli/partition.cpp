// SPDX-License-Identifier: Apache-2.0

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/hardware_file.hpp>
#include <executor/io/model_file.hpp>
#include <executor/planner/model_layout.hpp>
#include <executor/planner/partition_job.hpp>
#include <executor/planner/task.hpp>

#include <limits>
#include <memory>

namespace chimera::executor {

namespace {

struct partition_arguments {
    std::string model, cut = "best", order = "given";
    std::optional<std::string> tokens, layout, stages, family, micro_batches, micro_batch, memory, recompute, speeds,
        hardware;
    std::array<std::optional<std::string>, family_option_table.size()> options;  ///< those that place stages
    output_arguments output;
};

template <class See>
void each_of(const std::string& list, See see) {
    for (std::size_t from = 0; from <= list.size();) {
        const std::size_t to = std::min(list.find(',', from), list.size());
        see(std::string_view(list).substr(from, to - from));
        from = to + 1;
    }
}

family_options family_of(const partition_arguments& with, int stages) {
    family_options of;
    if (with.family) of.which = family_named(*with.family);
    const auto number = [&](const std::string& option, const std::optional<std::string>& text, int otherwise) {
        return text ? static_cast<int>(whole(option, *text, 1, std::numeric_limits<int>::max())) : otherwise;
    };
    of.stages = stages;
    of.micro_batches = number("--micro-batches", with.micro_batches, 2 * stages);
    std::size_t row = 0;
    const auto read = [&](const family_option& option, auto& to) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(to)>, int>)
            to = number(flag_of(option), with.options[row], 0);
        ++row;
    };
    each_option(read, of);
    return of;
}

std::optional<recompute_mode> mode_named(const std::string& text) {
    for (const recompute_mode mode :
         {recompute_mode::none, recompute_mode::selective, recompute_mode::layers, recompute_mode::full})
        if (text == name(mode)) return mode;
    if (text == "auto") return std::nullopt;
    refuse("--recompute is '" + text.substr(0, 40) + "' (no such way) give none, selective, layers, full or auto");
}

std::vector<int> cuts_named(const std::string& text, int stages, int layers) {
    std::vector<int> out;
    each_of(text, [&](std::string_view one) { out.push_back(static_cast<int>(whole("--cut", one, 0, layers - 1))); });
    bool good = static_cast<int>(out.size()) == stages && out.front() == 0;
    for (std::size_t s = 1; s < out.size(); ++s) good = good && out[s - 1] < out[s];
    if (!good)
        refuse("--cut is '" + text.substr(0, 40) + "' (no first layer of each of the " + std::to_string(stages) +
               " stages) give them rising from 0, or best, or blocks");
    out.push_back(layers);
    return out;
}

/// Those of --stages, or of the layout.
int stages_of(const partition_arguments& with) {
    if (!with.stages && !with.layout) refuse("--stages is missing (a model is cut into so many) give their number");
    if (!with.layout) return static_cast<int>(whole("--stages", *with.stages, 1, 65535));
    const int stages = layout_stages(*with.layout);
    if (with.stages && whole("--stages", *with.stages, 1, 65535) != stages)
        refuse("--stages is " + *with.stages + " (the layout has " + std::to_string(stages) + ") leave it out");
    if (with.cut != "best") refuse("--cut does not apply (the layout is one) give one of both");
    return stages;
}

partition_job job_of(const partition_arguments& with) {
    partition_job job;
    model_changes asked;
    if (with.tokens) asked.tokens = whole("--tokens", *with.tokens, 1, 1 << 28);
    job.what = load_model(with.model, asked);
    const int layers = static_cast<int>(job.what.layers.size());
    const int stages = stages_of(with);
    if (stages > layers)
        refuse("--stages is " + std::to_string(stages) + " (" + std::string(job.what.name.view()) + " has " +
               std::to_string(layers) + " layers, and every stage holds at least one) give at most as many");
    if (with.micro_batch) job.samples = static_cast<int>(whole("--micro-batch", *with.micro_batch, 1, 1 << 20));
    if (with.memory) job.memory = bytes_of(nlohmann::json(*with.memory), "--memory");
    if (with.recompute) job.recompute = mode_named(*with.recompute);
    if (with.hardware) job.on = load_hardware(*with.hardware).numbers;
    job.order = make_schedule(family_of(with, stages));
    if (with.speeds)
        each_of(*with.speeds,
                [&](std::string_view one) { job.speeds.push_back(positive("--speeds", one, 1e-6, 1e6)); });
    if (with.speeds && static_cast<int>(job.speeds.size()) != job.order.head.workers)
        refuse("--speeds has " + std::to_string(job.speeds.size()) + " numbers (there are " +
               std::to_string(job.order.head.workers) + " workers) give one for each");
    if (with.order != "given" && with.order != "best")
        refuse("--order is '" + with.order.substr(0, 40) + "' (no such order) give given or best");
    job.any_order = with.order == "best";
    if (job.any_order && !with.speeds) refuse("--order best does not apply (all workers are alike) give --speeds");
    job.blocks = with.cut == "blocks";
    if (with.cut != "best" && !job.blocks) job.cuts = cuts_named(with.cut, stages, layers);
    if (with.layout) job.cuts = layout_cuts(*with.layout, job.what, family_of(with, stages));
    if (!job.cuts.empty() && job.any_order) refuse("--order best does not apply (the cut is given) give --cut best");
    return job;
}

void run_partition(const partition_arguments& with) {
    with.output.check({"text", "json", "layout"});
    const partition_job job = job_of(with);
    if (with.output.format == "layout") check_layout_family(family_of(with, job.order.head.stages));
    const partition_answer found = solve(job);
    if (with.output.format == "layout") return with.output.write(layout_text(found.cuts, job.what) + "\n");
    with.output.write(with.output.format == "json" ? partition_json(job, found) : partition_text(job, found));
}

}  // namespace

void add_partition(command_line& program, int&) {
    subcommand command =
        program.add("partition", "cuts a model into stages: the best cut there is, under a memory limit");
    const auto with = std::make_shared<partition_arguments>();
    const auto add = [&](const std::string& flag, auto& to, const std::string& what, const std::string& type) {
        command.option(flag, to, what, type);
    };
    command.option("--model", with->model, "a model of the catalogue, or a chimera.model file", "NAME|FILE", true);
    add("--stages", with->stages, "stages of the model", "D");
    add("--family", with->family, "the schedule, which decides what shares a worker and what is live (one_f_one_b)",
        "FAMILY");
    add("--tokens", with->tokens, "of a sample (as the model has them)", "S");
    add("--micro-batches", with->micro_batches, "micro-batches of an iteration (2 D)", "N");
    for (std::size_t i = 0; i < family_option_table.size(); ++i) {
        const family_option& option = family_option_table[i];
        if (option.places) add(flag_of(option), with->options[i], help_of(option, true), std::string(option.symbol));
    }
    add("--micro-batch", with->micro_batch, "samples of a micro-batch (1)", "B");
    add("--memory", with->memory, "of a worker, such as 16GiB (no limit)", "BYTES");
    add("--recompute", with->recompute, "what a backward recomputes; auto: the least that fits (none)",
        "none|selective|layers|full|auto");
    add("--hardware", with->hardware,
        "balance seconds on it, not FLOPs: a name of chimera hardware, or a file of chimera calibrate", "NAME|FILE");
    add("--speeds", with->speeds, "of the workers, where they differ, such as 1,1,0.5,2", "LIST");
    add("--order", with->order, "of such workers: as given, or the best (given)", "given|best");
    add("--cut", with->cut, "the best; as many blocks for each stage; or the first layer of each (best)",
        "best|blocks|LIST");
    add("--layout", with->layout, "the cut as Megatron-LM has it, such as Et*3|(t*4|)*6,tL; it says the stages",
        "TEXT");
    with->output.add_to(command, "text|json|layout");
    command.footer(
        "Example: chimera partition --model bert-48 --stages 8\n"
        "Example: chimera partition --model gpt2-64 --stages 8 --family bidirectional --memory 16GiB --recompute auto\n"
        "Example: chimera partition --model llama-2-7b --stages 8 --family interleaved --chunks 2 --format layout\n"
        "Example: chimera partition --model llama-2-7b --stages 4 --speeds 1,1,0.5,2 --order best --format json");
    command.run([with] { run_partition(*with); });
}

}  // namespace chimera::executor
