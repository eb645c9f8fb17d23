// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/plan_csv.hpp>
#include <chimera/render/plan_text.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/progress_line.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/planner/given.hpp>
#include <executor/planner/on_cluster.hpp>
#include <executor/planner/plan_json.hpp>
#include <executor/planner/plan_on_machine.hpp>
#include <executor/planner/trainer_text.hpp>

#include <unistd.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

namespace chimera::executor {

namespace {

struct plan_option {
    const char* flag;
    const char* key;  ///< where the value goes in the request
    const char* type;
    const char* what;
};

constexpr plan_option plan_options[] = {
    {"--model", "/model", "NAME|FILE", "a model of the catalogue, or a chimera.model file"},
    {"--tokens", "/tokens", "S", "of a sample (as the model has them)"},
    {"--vocabulary-multiple", "/vocabulary_multiple", "M", "pads the vocabulary to a multiple of it (1: as it is)"},
    {"--samples", "/samples", "N", "samples of an iteration, over all copies (the mini-batch)"},
    {"--nodes", "/cluster/nodes", "N", "nodes of the cluster (1)"},
    {"--workers-per-node", "/cluster/workers_per_node", "N", "workers of a node (the hardware's, else 1)"},
    {"--memory", "/cluster/memory", "BYTES", "of a worker, such as 16GiB (the hardware's, else no limit)"},
    {"--reserve", "/cluster/reserve", "BYTES|X%", "of it for the device's own needs (5%; with a profile 0)"},
    {"--hardware", "/cluster/hardware", "NAME|FILE",
     "what a worker and its links do: a name of chimera hardware, such as DGX-H100, or a file of chimera calibrate"},
    {"--profile", "/profile", "FILE", "for a training job: what chimera profile measured on this machine"},
    {"--families", "/families", "LIST", "such as one_f_one_b,bidirectional (all)"},
    {"--tensor", "/tensor", "LIST", "tensor widths, such as 1,2,4 (1)"},
    {"--recompute", "/recompute", "LIST", "of none, selective, layers, mixed, full (all)"},
    {"--zero", "/zero", "LIST", "ZeRO levels, of 0 to 3 (all)"},
    {"--sync", "/sync", "LIST", "of lazy, eager, eager_opt (all)"},
    {"--stages-most", "/stages_most", "D", "most stages of a pipeline"},
    {"--micro-batch-most", "/micro_batch_most", "B", "most samples of a micro-batch"},
    {"--top", "/top", "K", "places of the ranking (10)"},
    {"--family", "/configuration/family", "NAME",
     "prices this configuration instead of ranking all: its family; --tensor, --recompute, --zero and --sync give one "
     "value each then"},
    {"--stages", "/configuration/stages", "D", "of the configuration: stages"},
    {"--layout", "/configuration/layout", "TEXT",
     "of the configuration: its cut as Megatron-LM has it, such as Et*3|(t*4|)*6,tL (the best cut)"},
    {"--width", "/configuration/width", "W", "of the configuration: data-parallel copies (those of all workers)"},
    {"--micro-batch", "/configuration/micro_batch", "B", "of the configuration: samples of a micro-batch (1)"},
};

constexpr const char* single_valued[] = {"tensor", "recompute", "zero", "sync"};  // in a configuration

struct plan_arguments {
    std::string file;
    std::optional<std::string> values[std::size(plan_options)];
    std::array<std::optional<std::string>, family_option_table.size()> family;  ///< by row of the table of options
    std::array<bool, family_option_table.size()> flags{};                       ///< by row of the table of options
    std::optional<std::string> workers, added;
    std::vector<std::string> gone, speeds;
    bool sequence_parallel = false, fp8 = false;
    std::optional<std::string> place;
    output_arguments output;
};

/// Lists become arrays, numbers numbers, all else text.
nlohmann::json value_of(const plan_option& option, const std::string& text) {
    const std::string_view type = option.type;
    if (type != "LIST") {
        const nlohmann::json number = type == "NAME|FILE" || type == "FILE" || type == "TEXT"
                                          ? nlohmann::json()
                                          : nlohmann::json::parse(text, nullptr, false);
        return number.is_number() ? number : nlohmann::json(text);
    }
    nlohmann::json out = nlohmann::json::array();
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        const std::string one = text.substr(from, to - from);
        const nlohmann::json number = nlohmann::json::parse(one, nullptr, false);
        out.push_back(number.is_number() ? number : nlohmann::json(one));
        from = to + 1;
    }
    return out;
}

/// Puts the options of the configuration's family, and what ranking takes lists of, into the configuration.
void state_configuration(nlohmann::json& request, const plan_arguments& with) {
    const bool given = request.contains("configuration") && request["configuration"].is_object();
    for (std::size_t i = 0; i < family_option_table.size(); ++i) {
        const family_option& option = family_option_table[i];
        if (!with.flags[i] && !with.family[i]) continue;
        if (!given)
            refuse(flag_of(option) + " is of one configuration (no --family says which) give it, or --families");
        nlohmann::json& value = request["configuration"][std::string(option.key)];
        if (with.flags[i])
            value = true;
        else if (option.labels.empty())
            value = whole(flag_of(option), *with.family[i], 1, 1 << 24);
        else
            value = *with.family[i];
    }
    if (!given) return;
    if (!request["configuration"].contains("family"))
        refuse("--family is missing (stages, width and micro-batch are of one configuration) give it, or --families");
    for (const char* key : single_valued) {
        const auto option = std::find_if(std::begin(plan_options), std::end(plan_options),
                                         [&](const plan_option& one) { return std::string("/") + key == one.key; });
        if (!with.values[option - std::begin(plan_options)]) continue;
        if (request[key].size() != 1)
            refuse(std::string(option->flag) + " is a list (a configuration has one) give one value, or no --family");
        request["configuration"][key] = request[key].front();
        request.erase(key);
    }
}

nlohmann::json request_of(const plan_arguments& with) {
    nlohmann::json request =
        with.file.empty() ? nlohmann::json{{"format", "chimera.plan"}, {"version", 1}} : read_plan_request(with.file);
    if (with.workers) request["cluster"]["workers_per_node"] = whole("--workers", *with.workers, 1, 1 << 20);
    for (std::size_t i = 0; i < std::size(plan_options); ++i) {
        if (!with.values[i]) continue;
        const nlohmann::json::json_pointer key(plan_options[i].key);
        if (plan_options[i].key == std::string_view("/model")) request.erase("job");
        nlohmann::json& parent = request[key.parent_pointer()];
        if (!parent.is_null() && !parent.is_object())
            refuse(std::string(plan_options[i].flag) + " has no place (what holds it in " + with.file +
                   " is no object) correct the file");
        parent[key.back()] = value_of(plan_options[i], *with.values[i]);
    }
    if (with.sequence_parallel) request["sequence_parallel"] = true;
    if (with.fp8) request["fp8"] = true;
    state_configuration(request, with);
    return request;
}

/// Applies the changes of the cluster: workers at other speeds, gone, added. Worker numbers are those before any
/// change.
void change(cluster& on, const plan_arguments& with) {
    for (const std::string& one : with.speeds) {
        const std::size_t at = one.find('=');
        if (at == std::string::npos)
            refuse("--speed is '" + one.substr(0, 40) + "' (not WORKER=X) give one such as 3=0.5");
        const int worker = static_cast<int>(whole("--speed", one.substr(0, at), 0, on.workers() - 1));
        on = at_speed(std::move(on), worker, positive("--speed", one.substr(at + 1), 1e-6, 1e6));
    }
    std::vector<int> gone;
    for (const std::string& one : with.gone)
        gone.push_back(static_cast<int>(whole("--gone", one, 0, on.workers() - 1)));
    std::sort(gone.rbegin(), gone.rend());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    for (const int worker : gone) on = without(std::move(on), worker);
    for (std::int64_t more = with.added ? whole("--added", *with.added, 1, 1 << 16) : 0; more > 0; --more)
        on = with_another(std::move(on));
}

void keep_change(plan_task& task) {
    if (task.on.speeds.empty()) return;
    task.request["cluster"]["workers"] = task.on.workers();
    task.request["cluster"]["speeds"] = task.on.speeds;
    if (task.on.memories.empty()) return;
    std::vector<double> memories = task.on.memories;
    for (double& memory : memories) memory += task.reserve;
    task.request["cluster"]["memories"] = memories;
}

/// Returns the error of the hardware's fit on rows that it had not seen, if its file states one, and the places that it
/// leaves open.
std::string certainty(const plan_task& task, const plan_report& report) {
    if (!task.held_out) return "";
    const double mean = *task.held_out;
    const double best = report.ranking.front().found.seconds;
    const auto open = std::count_if(report.ranking.begin(), report.ranking.end(),
                                    [&](const ranked& r) { return r.found.seconds <= best * (1 + mean); });
    std::string out;
    format::put(out, "The hardware was ", format::fixed_point{100 * mean, 1},
                " % off on rows held out of its fit: the first ", open, " places lie within that of each other.\n\n");
    return out;
}

/// " of 15.2 GiB, 0.8 in reserve"; nothing where memory has no limit.
std::string memory_words(const plan_task& task) {
    if (!std::isfinite(task.on.memory)) return "";
    std::string out;
    format::put(out, " of ", chimera::detail::gib(task.on.memory), " GiB");
    if (task.reserve > 0) format::put(out, ", ", chimera::detail::gib(task.reserve), " in reserve");
    return out;
}

/// Returns a line on what the hardware says of the cluster, as the request does not.
std::string known_words(const plan_task& task) {
    if (!task.known_memory && !task.known_workers) return "";
    std::string out = "Taken from " + task.known_by + ":";
    if (task.known_memory) format::put(out, " ", chimera::detail::gib(*task.known_memory), " GiB of memory a worker");
    if (task.known_workers)
        format::put(out, task.known_memory ? ", " : " ", *task.known_workers,
                    *task.known_workers == 1 ? " worker a node" : " workers a node");
    return out + ".\n\n";
}

/// With the closed form beside the first of a cluster's plan.
std::string report_text(const plan_task& task, const plan_report& report, plan_cache& memory) {
    // The closed form drains every iteration.
    if (task.machine || report.ranking.front().with.continuous) return text(report, nullptr, task.asked.samples);
    const equation_1_report closed = closed_form(task, report, memory);
    return text(report, &closed, task.asked.samples);
}

std::string price_words(const plan_task& task, plan_cache& memory, const std::string& format) {
    std::string out;
    if (format == "text")
        format::put(out, task.what.name.view(), ", ", parameters(task.what), " parameters, ", task.asked.samples,
                    " samples an iteration,\n  ", task.on.workers(), " workers", memory_words(task), "\n\n",
                    known_words(task));
    return chimera::detail::wrapped(out, 100) + price(task, memory, format);
}

/// The first place from 1 on that the framework runs; 0: none.
std::size_t first_place(const plan_task& task, const plan_report& report, const std::string& format) {
    for (std::size_t i = 0; i < report.ranking.size(); ++i) {
        try {
            (void)trainer_text(format, {task, report.ranking[i].with, report.ranking[i].found});
            return i + 1;
        } catch (const chimera_error&) {  // the next one
        }
    }
    return 0;
}

/// The text of a place of the ranking for a framework.
trainer_answer text_of_place(const plan_task& task, const plan_report& report, const plan_arguments& with) {
    const auto places = static_cast<std::int64_t>(report.ranking.size());
    const std::int64_t place = with.place ? whole("--place", *with.place, 1, 1000) : 1;
    if (place > places)
        refuse("--place is " + std::to_string(place) + " (the ranking has " + std::to_string(places) +
               ") give at most as many, or a larger --top");
    const ranked& one = report.ranking[static_cast<std::size_t>(place - 1)];
    try {
        return trainer_text(with.output.format, {task, one.with, one.found});
    } catch (const chimera_error& e) {
        const std::size_t other = first_place(task, report, with.output.format);
        if (other == 0) throw;
        refuse(std::string(e.what()) + ", or give --place " + std::to_string(other));
    }
}

void write_answer(const plan_arguments& with, const trainer_answer& answer) {
    with.output.write(answer.text);
    for (const std::string& note : answer.notes) std::fprintf(stderr, "chimera: note: %s\n", note.c_str());
}

void run_given(const plan_arguments& with, const plan_task& task, plan_cache& memory) {
    if (with.place) refuse("--place does not apply (--family says the configuration) leave it out");
    if (!is_trainer(with.output.format)) return with.output.write(price_words(task, memory, with.output.format));
    configuration choice = settled(task, memory);
    estimator estimate(task.what, task.on, memory.orders);
    const evaluation found = estimate(choice);
    write_answer(with, trainer_text(with.output.format, {task, std::move(choice), found}));
}

/// Plans on a cluster. Shows how far it is on a terminal, once a second has passed.
plan_report plan_aloud(plan_task task, plan_cache& memory) {
    progress_line line(::isatty(STDERR_FILENO) == 0);
    const auto start = std::chrono::steady_clock::now();
    task.asked.progress = [&](const plan_progress& at) {
        if (!line.due() || std::chrono::steady_clock::now() - start < std::chrono::seconds(1)) return;
        std::string text;
        format::put(text, "plan: ", 100 * at.done / at.all, " % of ", at.all, " candidates");
        if (at.best > 0) format::put(text, ", fastest so far ", format::fixed_point{at.best, 3}, " s an iteration");
        line.show(text);
    };
    return plan_on_cluster(task, memory);
}

void plan_training(const plan_arguments& with) {
    with.output.check({"text", "json", "csv", "megatron", "torchtitan", "deepspeed"});
    if (with.place && !is_trainer(with.output.format))
        refuse(
            "--place is of a framework's format (text and json have all places) give --format megatron, torchtitan "
            "or deepspeed");
    plan_task task = resolve(request_of(with), with.file.empty() ? "the request" : with.file);
    change(task.on, with);
    keep_change(task);
    plan_cache memory;
    const auto start = std::chrono::steady_clock::now();
    if (task.given) return run_given(with, task, memory);
    const plan_report report = task.machine ? plan_here(task, *task.machine) : plan_aloud(task, memory);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    if (report.ranking.empty()) refuse(nothing_fits(task, memory));
    if (const double seconds = report.ranking.front().found.seconds; !(seconds > 0) || !std::isfinite(seconds))
        refuse(
            "the best plan's iteration takes no time, or for ever (the numbers of the model, the cluster or the "
            "profile allow no other) correct them");
    if (is_trainer(with.output.format)) return write_answer(with, text_of_place(task, report, with));
    if (with.output.format == "json") return with.output.write(answer_json(task, report));
    if (with.output.format == "csv") return with.output.write(csv(report, task.asked.samples, task.what.tokens));
    std::string out(task.what.name.view());
    format::put(out, ", ", parameters(task.what), " parameters, ", task.asked.samples, " samples an iteration,\n  ",
                task.on.workers(), " workers", memory_words(task), "; planned in ",
                format::fixed_point{took.count(), 3}, " s\n\n");
    out = chimera::detail::wrapped(out + known_words(task) + certainty(task, report), 100);
    with.output.write(out + report_text(task, report, memory));
}

}  // namespace

void add_plan(command_line& program, int&) {
    subcommand command =
        program.add("plan", "ranks the ways to train a model on a cluster, and says why others are not among the best");
    const auto with = std::make_shared<plan_arguments>();
    command.option("REQUEST", with->file, "a chimera.plan or chimera.job file, or an earlier answer to plan anew from",
                   "[FILE]");
    for (std::size_t i = 0; i < std::size(plan_options); ++i)
        command.option(plan_options[i].flag, with->values[i], plan_options[i].what, plan_options[i].type);
    for (std::size_t i = 0; i < family_option_table.size(); ++i)
        add_option(command, family_option_table[i], with->family[i], with->flags[i], "of the configuration: ");
    command.flag("--sequence-parallel", with->sequence_parallel,
                 "tensor slices share by tokens what they would otherwise all hold");
    command.flag("--fp8", with->fp8, "linear products of blocks take operands of 8 bits");
    command.option("--workers", with->workers, "the same as --workers-per-node, of one node", "P");
    command.option("--gone", with->gone, "a worker that is no longer there (may be repeated)", "W");
    command.option("--speed", with->speeds, "a worker's speed beside the others' 1 (may be repeated)", "W=X");
    command.option("--added", with->added, "so many more workers", "K");
    command.option("--place", with->place, "for a framework's format: the place of the ranking (1)", "K");
    with->output.add_to(command, "text|json|csv|megatron|torchtitan|deepspeed");
    command.footer(
        "Example: chimera plan --model bert-48 --samples 512 --nodes 32 --memory 16GiB --hardware p100.json\n"
        "Example: chimera plan --model llama-2-70b --samples 64 --nodes 8 --hardware DGX-H100 \\\n"
        "             --family interleaved --stages 16 --chunks 2 --tensor 8 --zero 1\n"
        "Example: chimera plan --model llama-3-8b --samples 64 --nodes 2 --hardware DGX-A100 \\\n"
        "             --families one_f_one_b,interleaved --zero 0,1 --format megatron\n"
        "Example: chimera plan job.json --workers 4 --profile here.json --format json -o planned.json\n"
        "Example: chimera plan answer.json --gone 3 --speed 7=0.5");
    command.run([with] { plan_training(*with); });
}

}  // namespace chimera::executor
