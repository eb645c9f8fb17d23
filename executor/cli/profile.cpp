// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render/visible.hpp>
#include <chimera/schedule.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/engine/engine.hpp>
#include <executor/forecast/predict.hpp>
#include <executor/io/fields.hpp>
#include <executor/io/files.hpp>
#include <executor/io/profile.hpp>
#include <executor/io/resources.hpp>
#include <executor/io/write.hpp>
#include <executor/job/job.hpp>
#include <executor/profile/forecast.hpp>
#include <executor/profile/measure_profile.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>

namespace chimera::executor {

namespace {

struct profile_arguments {
    std::string model = "bytes";
    std::optional<std::string> sequences, tokens, workers, cores, threads, precision, seconds, file;
    std::optional<std::string> costs, stages, blocks, micro_batches;
    bool quiet = false;
};

/// 2,4,8 → numbers, ascending and each once.
std::vector<int> numbers(const char* option, const std::string& text, int least, int most) {
    std::vector<int> out;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        out.push_back(static_cast<int>(whole(option, text.substr(from, to - from), least, most)));
        from = to + 1;
    }
    if (out.size() > 16)
        refuse(std::string(option) + " has " + std::to_string(out.size()) + " numbers (at most 16) give fewer");
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

/// A model by name, or the one of a job; the job's batch, cores and watchdog too.
job model_of(const std::string& name) {
    if (name.find_first_of("./") != std::string::npos) return read_job(name);
    job out;
    out.model = named_model(name);
    return out;
}

profile_request request_of(const profile_arguments& from, const job& base) {
    profile_request out;
    out.model = base.model;
    check(out.model);
    out.tokens = from.tokens ? static_cast<int>(whole("--tokens", *from.tokens, 1, 1 << 20)) : base.tokens();
    if (out.tokens > out.model.context)
        refuse("a sequence has " + std::to_string(out.tokens) + " tokens (the model's context is " +
               std::to_string(out.model.context) + ") use fewer");
    out.sequences =
        from.sequences ? numbers("--sequences", *from.sequences, 1, 65536) : std::vector<int>{base.batch.sequences};
    out.threads = from.threads ? static_cast<int>(whole("--threads", *from.threads, 1, 256)) : base.threads;
    const auto precision = from.precision ? find_choice<training_precision>(*from.precision) : base.precision;
    if (!precision)
        refuse("--precision is '" + shown(*from.precision).substr(0, 40) + "' (no such numbers) use fp32 or bf16");
    out.bf16 = precision == training_precision::bf16;
    out.cores = from.cores ? static_cast<int>(whole("--cores", *from.cores, 1, 4096)) : base.cores;
    const int at_once = std::max(2, workers_at_once(out.cores > 0 ? out.cores : usable_cores(), out.threads));
    out.workers = from.workers ? numbers("--workers", *from.workers, 2, 256) : std::vector<int>{at_once, 2 * at_once};
    if (from.seconds) out.seconds = positive("--seconds", *from.seconds);
    out.watchdog = base.watchdog;
    return out;
}

/// The stages of the costs file, and their sizes.
struct cut {
    std::vector<profiled_stage> stages;
    int micro_batches = 0;
};

cut cut_of(const profile_arguments& from, const gpt2_sizes& model) {
    cut out;
    if (!from.costs) {
        if (from.stages || from.blocks || from.micro_batches)
            refuse(
                "--stages, --blocks and --micro-batches cut the model for a costs file (there is no --costs) name one");
        return out;
    }
    std::vector<int> blocks;
    if (from.blocks)
        for (const auto& each : parse_json("[" + *from.blocks + "]", "--blocks"))
            blocks.push_back(each.is_number_unsigned() && each.get<std::uint64_t>() < 65536 ? each.get<int>() : -1);
    if (!from.stages && blocks.empty())
        refuse("--costs needs the model's cut (costs are per stage) give --stages D or --blocks 2,1,1,0");
    const auto stages =
        from.stages ? whole("--stages", *from.stages, 1, 1024) : static_cast<std::int64_t>(blocks.size());
    for (const layer_range& r : stage_layers(model, static_cast<int>(stages), blocks)) out.stages.push_back({r, false});
    out.micro_batches =
        from.micro_batches ? static_cast<int>(whole("--micro-batches", *from.micro_batches, 1, 1 << 20)) : 0;
    return out;
}

/// Costs of the cut with its first micro-batch size, activations kept as long as one_f_one_b does, hand-overs included.
costs costs_of_cut(const profile& from, const cut& wanted) {
    const int sequences = from.batches.front().sequences, stages = static_cast<int>(wanted.stages.size());
    const int enough = 2 * stages;  // from there on, more of them only repeat what the steady state does
    const int micro_batches = wanted.micro_batches > 0 ? std::min(wanted.micro_batches, enough) : enough;
    const program order = lower(generate(one_f_one_b{stages, micro_batches}));
    const auto reuse = reuse_of(order, kept_bytes(from, wanted.stages, sequences));
    costs out = costs_of(from, wanted.stages, sequences, 1, reuse, stages);
    add_hand_over(out, from, sequences, 1, stages);
    return out;
}

std::string row(const char* name, const by_kind& seconds) {
    char text[160];
    std::snprintf(text, sizeof text, "  %-22s %12.3f %12.3f %12.3f %12.3f\n", name, 1e3 * seconds.embedding,
                  1e3 * seconds.block, 1e3 * seconds.head, 1e3 * seconds.boundary);
    return text;
}

std::string report_text(const profile& of) {
    char text[256];
    std::string out = of.bf16 ? "in bf16\n" : "";
    const std::string each = of.threads > 1 ? " of " + std::to_string(of.threads) + " threads" : "";
    for (const profiled_batch& b : of.batches) {
        std::snprintf(text, sizeof text, "%d x %d tokens, ms %22s %12s %12s %12s\n", b.sequences, of.tokens,
                      "embedding", "block", "head", "boundary");
        out += text;
        const auto add = [&](const std::vector<profiled_passes>& all, const char* how) {
            for (const profiled_passes& p : all) {
                std::snprintf(text, sizeof text, " with %.1f MB of activations touched between%s\n",
                              p.reuse.backward / 1e6, how);
                out += text + row("forward", p.forward) + row("backward", p.backward) +
                       row("input gradient", p.input_gradient) + row("weight gradient", p.weight_gradient);
            }
        };
        add(b.passes, "");
        add(b.crowded, ", more workers than cores");
        out += " recomputing\n" + row("forward", b.light_forward) + row("recompute", b.recompute);
        for (const profiled_engine& e : b.engine) {
            std::snprintf(
                text, sizeof text,
                " %d workers%s on %d cores: hand-over %.1f us, transfer %.1f us, start %.1f us, settling %.1f "
                "us, x %.3f\n",
                e.workers, each.c_str(), of.cores, 1e6 * e.hand_over, 1e6 * e.transfer, 1e6 * e.start, 1e6 * e.settle,
                e.slack);
            out += text;
        }
    }
    std::snprintf(
        text, sizeof text,
        "update %.3f ns a parameter (%.3f with old weights kept), norm %.3f ns, reduction %.1f us + %.3f ns a byte\n"
        "rounds lie %.1f %% apart, other programs used %.0f %% of the cores%s\n",
        1e9 * of.update, 1e9 * of.update_versions, 1e9 * of.norm, 1e6 * of.reduce_latency, 1e9 * of.reduce_byte,
        100 * of.spread, 100 * of.other_load,
        of.spread > 0.1 || of.other_load > 0.05 ? ": better measure again on a quiet machine" : "");
    return out + text;
}

/// Refuses before half a minute of measuring what could not be written after it.
void check_writable(const std::optional<std::string>& path) {
    if (!path) return;
    const std::filesystem::path target(*path), folder = target.has_parent_path() ? target.parent_path() : ".";
    const char* why = path->empty()                           ? "it has no name"
                      : std::filesystem::is_directory(target) ? "it is a folder"
                                                              : nullptr;
    if (why == nullptr && ::access(folder.c_str(), W_OK) == 0) return;
    refuse("cannot write " + shown(target) + " (" + (why != nullptr ? std::string(why) : reason(errno)) +
           ") name a file in a folder that can be written");
}

void run_profile(const profile_arguments& from, int& status) {
    const job base = model_of(from.model);
    profile_request wanted = request_of(from, base);
    const cut to_cost = cut_of(from, wanted.model);
    check_writable(from.file);
    check_writable(from.costs);
    if (!from.quiet) wanted.say = [](const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); };
    try {
        const profile made = measure_profile(wanted);
        if (from.costs) write_file(*from.costs, costs_text(costs_of_cut(made, to_cost)));
        if (from.file) write_file(*from.file, profile_text(made));
        write_output(report_text(made));
    } catch (const run_failed& failed) {
        std::string line = failed.what();  // there is no folder for a recorder
        constexpr std::string_view words = "look at the flight recorder or raise the limit";
        if (const auto at = line.find(words); at != line.npos)
            line = line.substr(0, at) + "raise the watchdog of a job and profile that" + line.substr(at + words.size());
        std::fprintf(stderr, "chimera: %s\n", format::visible(line).c_str());
        status = hang_exit_status;
    }
}

}  // namespace

void add_profile(command_line& program, int& status) {
    auto from = std::make_shared<profile_arguments>();
    subcommand command = program.add("profile", "measures what this machine takes to train a model, layer by layer");
    const auto add = [&](const char* name, std::optional<std::string>& to, const char* what, const char* type) {
        command.option(name, to, what, type);
    };
    command.option("--model", from->model, "tiny, bytes or gpt2, or a job file whose model it is (bytes)",
                   "NAME|JOB.json");
    add("--sequences", from->sequences, "of a micro-batch; several sizes are measured side by side (the job's)", "B,…");
    add("--tokens", from->tokens, "of a sequence (the job's)", "T");
    add("--workers", from->workers, "pipelines to measure the engine with (as many as cores, and twice that)", "W,…");
    add("--cores", from->cores, "cores that workers share (all)", "K");
    add("--threads", from->threads, "of each worker (the job's)", "T");
    add("--precision", from->precision, "fp32 or bf16 (the job's)", "NAME");
    add("--seconds", from->seconds, "how long to measure, about (30)", "X");
    add("-o,--output", from->file, "where to write the chimera.profile", "FILE");
    add("--costs", from->costs, "where to write chimera.costs of one cut of the model, with the smallest micro-batch",
        "FILE");
    command.writes("--output");
    command.writes("--costs");
    add("--stages", from->stages, "with --costs: stages, cut as chimera train does", "D");
    add("--blocks", from->blocks, "with --costs: transformer blocks of each stage", "LIST");
    add("--micro-batches", from->micro_batches, "with --costs: of an iteration, which bounds the activations alive",
        "N");
    command.flag("--quiet", from->quiet, "no progress lines");
    command.footer("Example: chimera profile --model job.json --sequences 2,4 --workers 2,4 -o profile.json");
    command.run([from, &status] { run_profile(*from, status); });
}

}  // namespace chimera::executor
