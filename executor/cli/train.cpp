// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/render/visible.hpp>

#include <executor/cli/commands.hpp>
#include <executor/engine/engine.hpp>
#include <executor/gpu/choose.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>
#include <executor/io/write.hpp>
#include <executor/job/resumed_job.hpp>
#include <executor/train/trainer.hpp>
#include <executor/workers/process_group.hpp>

#include <cstdio>
#include <memory>

namespace chimera::executor {

namespace {

struct job_option {
    std::string flag;
    std::string key;  ///< where the value goes in the job
    std::string type;
    std::string what;
};

const job_option before_family_options[] = {
    {"--model", "/model", "NAME", "tiny, bytes or gpt2"},
    {"--layers", "/model/layers", "N", "transformer blocks"},
    {"--heads", "/model/heads", "N", "attention heads"},
    {"--channels", "/model/channels", "N", "width of the model"},
    {"--context", "/model/context", "N", "positions"},
    {"--vocabulary", "/model/vocabulary", "N", "tokens it knows; text needs 256"},
    {"--validation-fraction", "/validation_fraction", "X", "share of the data that is only scored (0.1)"},
    {"--validation-windows", "/validation_windows", "N",
     "windows scored at the end, 0: none (a quarter of those trained on)"},
    {"--family", "/schedule/family", "NAME",
     "bidirectional (the default), one_f_one_b or another: see chimera schedule --help"},
    {"--schedule", "/schedule/file", "FILE", "instead of a family: an order as JSON or PyTorch-style CSV"},
    {"--stages", "/schedule/stages", "D", "stages of the model"},
    {"--micro-batches", "/schedule/micro_batches", "N", "micro-batches of an iteration (of each copy)"},
};

const job_option after_family_options[] = {
    {"--width", "/schedule/width", "W", "data-parallel copies of the whole pipeline group"},
    {"--sync", "/schedule/sync", "HOW", "gradient reduction: lazy, eager or eager_opt"},
    {"--recompute", "/schedule/recompute", "WHICH", "none, full or stages such as 0,2"},
    {"--blocks", "/schedule/blocks", "LIST", "transformer blocks of each stage, such as 2,1,1,0 (dealt by work)"},
    {"--sequences", "/batch/sequences", "N", "sequences of a micro-batch"},
    {"--tokens", "/batch/tokens", "N", "tokens of a sequence (the context)"},
    {"--learning-rate", "/optimiser/learning_rate", "X", "after warm-up"},
    {"--min-learning-rate", "/optimiser/min_learning_rate", "X", "at the end (a tenth)"},
    {"--warmup", "/optimiser/warmup", "N", "iterations (a twentieth of all)"},
    {"--steps", "/optimiser/steps", "N", "iterations"},
    {"--seconds", "/optimiser/seconds", "X", "how long to train; the steps are fixed at the start"},
    {"--weight-decay", "/optimiser/weight_decay", "X", "of matrices"},
    {"--clip", "/optimiser/clip", "X", "largest gradient norm, 0: no clipping"},
    {"--seed", "/seed", "N", "of start values and data order"},
    {"--output,-o", "/output", "FOLDER", "where results go (runs/train)"},
    {"--checkpoint-interval", "/checkpoint_interval", "N", "iterations between checkpoints (0: one at the end)"},
    {"--watchdog", "/watchdog", "X", "seconds without progress that end the run (30)"},
    {"--cores", "/cores", "N", "cores that workers share (all)"},
    {"--threads", "/threads", "N", "threads that each worker computes with on the CPU (1)"},
    {"--device", "/device", "NAME", "auto (a GPU where there is one), cpu or cuda"},
    {"--precision", "/precision", "NAME", "fp32, or bf16 on GPUs and on CPUs with avx512_bf16"},
};

/// All options of a job that take a value.
std::vector<job_option> all_job_options() {
    std::vector<job_option> out(std::begin(before_family_options), std::end(before_family_options));
    for (const family_option& one : family_option_table) {
        if (one.kind == option_kind::flag) continue;
        const std::string what =
            one.kind == option_kind::choice ? with_families(one, labels_of(one, ", ", " or ")) : help_of(one, false);
        out.push_back({flag_of(one), "/schedule/" + std::string(one.key), std::string(one.symbol), what});
    }
    out.insert(out.end(), std::begin(after_family_options), std::end(after_family_options));
    return out;
}

const std::vector<job_option>& job_options() {
    static const std::vector<job_option> all = all_job_options();
    return all;
}

struct train_arguments {
    std::string file;
    std::vector<std::string> data;
    std::vector<std::optional<std::string>> values = std::vector<std::optional<std::string>>(job_options().size());
    std::array<bool, family_option_table.size()> flags{};  ///< by row of the table of options
    bool deterministic = false, no_graph = false, resume = false, overwrite = false, quiet = false;
};

/// Numbers stay numbers, all else is text; the job's reader says what fits. Texts such as 0,2 or a folder named 7 stay
/// texts.
nlohmann::json value_of(const job_option& option, const std::string& text) {
    const std::string_view type = option.type;
    if (type != "NAME" && type != "HOW" && type != "WHICH" && type != "LIST" && type != "FOLDER" && type != "FILE") {
        auto number = nlohmann::json::parse(text, nullptr, false);
        if (number.is_number()) return number;
    }
    return text;
}

/// The job of a file, with what the command line says in its place.
job job_of(const train_arguments& from) {
    auto json = from.file.empty() ? nlohmann::json::object()
                                  : parse_json(read_file(from.file, 1 << 20), "job " + shown(from.file));
    if (!json.is_object())
        refuse("job " + shown(from.file) + " is not an object (a job is one) write {\"data\": \"docs\", ...}");
    leave_out_filled_in(json);
    if (!from.data.empty()) json["data"] = from.data;
    for (std::size_t i = 0; i < job_options().size(); ++i) {
        if (!from.values[i]) continue;
        const auto& option = job_options()[i];
        const nlohmann::json::json_pointer key(option.key);
        auto& parent = json[key.parent_pointer()];
        if (parent.is_string()) parent = model_json(named_model(parent.get<std::string>()));
        if (!parent.is_null() && !parent.is_object())
            refuse("job " + shown(from.file) + ": " + option.key +
                   " has no place (what holds it is not an object) correct the file");
        parent[key.back()] = value_of(option, *from.values[i]);
        // One end of the run replaces the other.
        if (key.back() == "steps") parent.erase("seconds");
        if (key.back() == "seconds") parent.erase("steps");
    }
    for (std::size_t i = 0; i < from.flags.size(); ++i)
        if (from.flags[i]) json["schedule"][std::string(family_option_table[i].key)] = true;
    if (from.deterministic) json["deterministic"] = true;
    if (from.no_graph) json["graph"] = false;
    if (from.resume) json = resumed_job(std::move(json));
    return read_job(json, from.file.empty() ? "of the command line" : shown(from.file));
}

/// Runs on every rank; only the first one prints.
void run_rank(const train_arguments& from, process_group& together) {
    const job wanted = job_of(from);
    train_options options;
    options.resume = from.resume;
    options.overwrite = from.overwrite;
    options.together = &together;
    if (!from.quiet && together.leads())
        options.say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    options.make_backend = [&](const job& what, int workers) {
        return choose_backend(what, workers, options.say, &together);
    };
    const train_report report = train(wanted, options);
    if (together.leads()) write_output(report_text(report));
}

void run_train(const train_arguments& from, int& status) {
    try {
        process_group together(meet(), find_meeting_point().timeout_seconds);
        together.together([&] { run_rank(from, together); });
    } catch (const bad_message& wrong) {  // before the run, of who spoke at the place where the ranks meet
        std::fprintf(stderr, "chimera: %s\n", wrong.what());
        status = hang_exit_status;
    } catch (const run_failed& failed) {  // not bad input: a worker failed or hung, the run diverged
        std::fprintf(stderr, "chimera: %s\n", format::visible(failed.what()).c_str());
        status = hang_exit_status;
    }
}

}  // namespace

void add_train(command_line& program, int& status) {
    auto arguments = std::make_shared<train_arguments>();
    subcommand command = program.add("train", "trains a GPT-2 model on text or tokens, on cores or GPUs");
    command.option("JOB", arguments->file, "job file (JSON); options take precedence", " ");
    command.option("--data", arguments->data, "files or folders of text, or token files (.bin)", "PATH ...");
    for (std::size_t i = 0; i < job_options().size(); ++i)
        command.option(job_options()[i].flag, arguments->values[i], job_options()[i].what, job_options()[i].type);
    for (std::size_t i = 0; i < arguments->flags.size(); ++i)
        if (const family_option& option = family_option_table[i]; option.kind == option_kind::flag)
            command.flag(flag_of(option), arguments->flags[i], help_of(option, false));
    command.flag("--deterministic", arguments->deterministic,
                 "GPUs: no algorithm is chosen by its speed or adds up in any order, so that runs leave the same bits");
    command.flag("--no-graph", arguments->no_graph,
                 "GPUs: operations are launched one by one, not an iteration as a whole");
    command.flag("--resume", arguments->resume, "go on from the checkpoint in the output folder");
    command.flag("--overwrite", arguments->overwrite, "start anew although the output folder holds a checkpoint");
    command.flag("--quiet", arguments->quiet, "no progress lines");
    command.footer(
        "Several processes share the workers where a launcher starts them (mpirun, srun) or RANK, WORLD_SIZE, "
        "MASTER_ADDR and\n"
        "MASTER_PORT say so; as many as the schedule has workers, or a number that divides it.\n"
        "Example: chimera train --data docs --stages 4 --micro-batches 8 --seconds 60 --output runs/docs\n"
        "Example: mpirun -np 4 chimera train job.json");
    command.run([arguments, &status] { run_train(*arguments, status); });
}

}  // namespace chimera::executor
