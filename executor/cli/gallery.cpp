// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/svg.hpp>

#include <executor/cli/commands.hpp>
#include <executor/compare/contenders.hpp>
#include <executor/io/write.hpp>

#include <algorithm>
#include <memory>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

struct advice {
    const char* family;
    const char* when;
};

constexpr advice advices[] = {
    {"gpipe",
     "The plainest order, for few micro-batches or as a baseline: activations of all micro-batches stay alive."},
    {"one_f_one_b",
     "The safe default: as fast as GPipe, and a worker holds no more micro-batches than there are workers."},
    {"gems", "When activations are the limit and time is not: hardly more than one micro-batch is alive on a worker."},
    {"bidirectional",
     "Chimera, when N is about D and weights are small: two pipelines fill each other's bubbles, for a second "
     "copy of the weights and a gradient reduction."},
    {"bidirectional --split",
     "The same with backwards in halves: weight gradients fill what bubbles Chimera has left."},
    {"bidirectional --scale doubling",
     "Chimera for many micro-batches, when memory is there for twice the activations: forwards "
     "run in pairs and the bubbles between units go."},
    {"bidirectional --scale halving",
     "The same bubbles without the memory, when half a micro-batch still fills the device."},
    {"interleaved",
     "When messages are cheap: several stages on each worker cut the bubble by their number, and messages grow "
     "with it."},
    {"breadth_first",
     "When gradients are reduced over many replicas or weights are sharded: each stage is used once in a row, "
     "for the activations of all micro-batches."},
    {"zb_h1", "1F1B's memory with a third of its bubble: weight gradients wait until there is nothing better to do."},
    {"zb_h2", "When twice 1F1B's activations fit: next to no bubble within a worker's own span."},
    {"zb_interleaved",
     "When messages are cheap and backwards can be cut: several stages on each worker, and 1F1B's activations."},
    {"zb_v",
     "No bubble at 1F1B's memory, when N is at least 2D and messages are cheap; the loss ends on the first worker."},
    {"v_half", "When half of 1F1B's activations must do, for about half of its bubble."},
    {"v_min", "The least activations, a third of 1F1B's, when memory is the limit and some bubble can be paid."},
    {"v_1f1b", "When two thirds of 1F1B's activations must do and backwards stay whole."},
    {"dualpipe",
     "When a forward and a backward can truly run together, such as all-to-all of one beside compute of the other; "
     "two copies of the weights."},
    {"dualpipe_v", "DualPipe folded: the same overlap without the second copy of the weights, on half the workers."},
    {"wave",
     "Hanayo: Chimera's shorter bubble with one copy of the weights, for twice the messages of a straight pipeline."},
    {"wave --waves 2", "When messages are cheap: each wave more cuts the bubble further, and sends as much again."},
    {"bitpipe", "When both memory for a second copy and a fast network are there: loops in both directions."},
    {"data_parallel",
     "When the whole model fits on a worker: no bubble at all, and every gradient is reduced over all workers."},
    {"pipedream",
     "When stale gradients are acceptable and weights are small: no flush, a version of the weights for each "
     "micro-batch in flight."},
    {"pipedream_2bw",
     "The same with two versions: gradients are one update old, and updates wait for a group of micro-batches."},
};

const char* when_to_choose(const std::string& name) {
    const auto* const found =
        std::find_if(std::begin(advices), std::end(advices), [&](const advice& a) { return a.family == name; });
    if (found == std::end(advices)) refuse("the gallery knows no word on " + name + " (it has one for each) add it");
    return found->when;
}

std::string file_name(std::string_view name) {
    std::string out;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const bool option = name.substr(i, 3) == " --";
        out.push_back(name[i] == ' ' ? '-' : name[i]);
        if (option) i += 2;
    }
    return out + ".svg";
}

std::string options_of(const contender& c) {
    std::string out = c.name;
    if (c.options.which != family::data_parallel) put(out, " --stages ", c.head.stages);
    put(out, " --micro-batches ", c.options.micro_batches);
    if (c.options.width > 1) put(out, " --width ", c.options.width);
    if (c.options.thorough) out += " --thorough";  // made for the costs of the page, which are ticks
    return out;
}

std::string page_of(const std::vector<contender>& all, const std::vector<refused_family>& refused) {
    std::string out =
        "# Gallery\n\nWritten by `chimera gallery docs`; do not edit it by hand.\n\n"
        "Every family on 4 workers with 8 micro-batches: D = 4 stages, or as many as the family puts on 4 workers. A "
        "worker's "
        "share of the model takes 1 tick forward and 2 backward (1 for each half), cut evenly where it has several "
        "stages, so "
        "that all makespans compare; one picture is as wide as its iteration is long. Peak: live activations of the "
        "fullest "
        "worker; weights: what the fullest worker keeps; both in worker's shares of the model. Numbers are those of "
        "`chimera compare --workers 4 --micro-batches 8`; `*` marks its Pareto front.\n\n"
        "| family | stages | makespan | bubble ratio | within spans | peak | weights | messages | |\n"
        "|---|---|---|---|---|---|---|---|---|\n";
    for (const contender& c : all) {
        put(out, "| [", c.name, "](#");
        for (const char ch : c.name) {
            if (ch != ' ') out.push_back(ch);
            if (ch == ' ') out.push_back('-');
        }
        put(out, ") | ", c.head.stages, " | ", fixed_point{c.found.makespan, 3}, " | ");
        put(out, fixed_point{c.found.bubble_ratio, 4}, " | ", fixed_point{c.found.span_bubble_ratio, 4}, " | ");
        put(out, fixed_point{c.peak * c.share, 3}, " | ", fixed_point{c.weights * c.share, 3}, " | ", c.messages);
        put(out, " | ", c.front ? "*" : "", " |\n");
    }
    for (const contender& c : all) {
        put(out, "\n## ", c.name, "\n\n", when_to_choose(c.name), "\n\n![", c.name, "](pictures/", file_name(c.name));
        put(out, ")\n\nMakespan ", fixed_point{c.found.makespan, 3}, ", bubble ratio ");
        put(out, fixed_point{c.found.bubble_ratio, 4}, " (within a worker's span ");
        put(out, fixed_point{c.found.span_bubble_ratio, 4}, "), peak ", fixed_point{c.peak * c.share, 3});
        if (c.share != 1) put(out, " (", fixed_point{c.peak, 3}, " activations of its smaller stages)");
        if (c.share > 1) out.replace(out.rfind("smaller stages"), 14, "one stage");
        if (c.stale > 0) put(out, ", gradients up to ", c.stale, c.stale == 1 ? " update old" : " updates old");
        put(out, ". Order: `chimera schedule ", options_of(c), "`.\n");
    }
    if (!refused.empty()) put(out, "\n## Not at these sizes\n\n");
    for (const refused_family& r : refused) put(out, "- ", r.name, ": ", r.why, "\n");
    return out;
}

void run_gallery(const std::string& folder) {
    contest with;
    with.workers = 4;
    with.micro_batches = 8;
    with.cost = plain_costs();
    with.cost.paired = 3;  // so that pairs are drawn as such; together no faster than one after the other
    with.timelines = true;
    std::vector<refused_family> refused;
    const std::vector<contender> all = hold(with, refused);
    const std::string page = page_of(all, refused);
    for (const contender& c : all) {
        const svg_options how{.title = c.name,
                              .note = "F = 1, B = 2, I = W = 1 for a worker's share",
                              .width = c.found.makespan * 28,
                              .tooltips = false};
        write_file(folder + "/pictures/" + file_name(c.name), svg(c.played, how));
    }
    write_file(folder + "/gallery.md", page);
}

}  // namespace

void add_gallery(command_line& program, int&) {
    subcommand command = program.add("gallery", "writes gallery.md and pictures/: one picture of each family");
    const auto folder = std::make_shared<std::string>();
    command.option("FOLDER", *folder, "where to; it and its folder pictures must be there", " ", true);
    command.footer("Example: chimera gallery docs");
    command.run([folder] { run_gallery(*folder); });
}

}  // namespace chimera::executor
