// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/json.hpp>
#include <chimera/render/labels.hpp>
#include <chimera/render/metrics_text.hpp>
#include <chimera/search.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/read.hpp>
#include <executor/io/stop_signal.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <memory>

namespace chimera::executor {

namespace {

using format::fixed_point;
using format::put;

struct search_arguments {
    std::optional<std::string> stages, micro_batches, costs, memory, kept, placement, chunks, minimise, time_limit,
        seed;
    std::optional<std::string> evaluations;
    bool no_split = false, quiet = false;
    output_arguments output;
};

constexpr placing all_placings[] = {placing::linear, placing::fold, placing::loop, placing::overlay};

/// The placements that --placement asks for.
std::vector<placing> placings_of(const search_arguments& with) {
    const std::string named = with.placement.value_or("all");
    std::vector<placing> out;
    for (const placing one : all_placings)
        if (named == "all" || named == name(one)) out.push_back(one);
    if (out.empty())
        refuse("--placement is '" + named.substr(0, 40) + "' (no such one) give linear, fold, loop, overlay or all");
    if (with.chunks && std::find(out.begin(), out.end(), placing::loop) == out.end())
        refuse("--chunks does not apply (only loop has them) leave it out");
    return out;
}

/// A limit for all workers, or a list with one for each.
std::vector<double> limits_of(std::string_view text) {
    std::vector<double> out;
    for (std::size_t from = 0; from <= text.size();) {
        const std::size_t to = std::min(text.find(',', from), text.size());
        out.push_back(positive("--memory", text.substr(from, to - from)));
        from = to + 1;
    }
    return out;
}

double share_of(const std::string& text) { return text == "0" ? 0 : positive("--kept", text); }

search_problem problem_of(const search_arguments& with) {
    search_problem out;
    if (!with.stages) refuse("--stages is missing (search needs it) give the model's number of stages");
    if (!with.micro_batches) refuse("--micro-batches is missing (search needs it) give their number per iteration");
    out.stages = static_cast<int>(whole("--stages", *with.stages, 1, 1024));
    out.micro_batches = static_cast<int>(whole("--micro-batches", *with.micro_batches, 1, 1 << 20));
    if (with.chunks) out.chunks = static_cast<int>(whole("--chunks", *with.chunks, 1, 1024));
    if (with.memory) out.memory = limits_of(*with.memory);
    if (with.kept) out.kept = share_of(*with.kept);
    out.split = !with.no_split;
    const std::string aim = with.minimise.value_or("makespan");
    if (aim != "makespan" && aim != "span")
        refuse("--minimise is '" + aim.substr(0, 40) + "' (no such aim) give makespan or span");
    out.minimise = aim == "span" ? objective::span : objective::makespan;
    if (with.costs) {
        out.cost = load_costs(*with.costs).each;
        check_lengths(out.cost, out.stages);
    }
    return out;
}

search_options options_of(const search_arguments& with) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    search_options out;
    if (with.seed) out.seed = static_cast<std::uint64_t>(whole("--seed", *with.seed, 0, most));
    if (with.evaluations) out.evaluations = whole("--evaluations", *with.evaluations, 1, most);
    if (with.time_limit) out.seconds = positive("--time-limit", *with.time_limit);
    return out;
}

std::string percent(double share) {
    std::string out;
    put(out, fixed_point{100 * share, 3}, " %");
    return out;
}

/// One line on standard error that is written over: on a terminal only, or now and then.
class progress_line {
public:
    progress_line(bool quiet, placing which) : quiet_(quiet), which_(which) {}
    ~progress_line() {
        if (shown_ && terminal_) std::fprintf(stderr, "\r\033[K");
    }
    void show(const search_progress& at) {
        const auto now = std::chrono::steady_clock::now();
        if (quiet_ || now - last_ < std::chrono::milliseconds(terminal_ ? 200 : 2000)) return;
        last_ = now;
        shown_ = true;
        if (at.makespan <= 0) {
            std::fprintf(stderr, "%ssearch %s: rules tuned in small, %lld orders%s", terminal_ ? "\r\033[K" : "",
                         name(which_), static_cast<long long>(at.evaluations), terminal_ ? "" : "\n");
            return;
        }
        const double share = static_cast<double>(at.evaluations) / static_cast<double>(at.evaluations_most);
        std::fprintf(stderr, "%ssearch %s: %2.0f %%, makespan %.9g (gap %s), longest span %.9g (gap %s)%s",
                     terminal_ ? "\r\033[K" : "", name(which_), 100 * share, at.makespan,
                     percent(at.makespan / at.makespan_bound - 1).c_str(), at.longest_span,
                     percent(at.longest_span / at.span_bound - 1).c_str(), terminal_ ? "" : "\n");
        std::fflush(stderr);
    }

private:
    bool quiet_, shown_ = false, terminal_ = ::isatty(STDERR_FILENO) != 0;
    placing which_;
    std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// A placement's search, or why there is none.
struct attempt {
    placing which;
    std::optional<search_result> found;
    std::string refused;
};

double minimised(const search_problem& of, const search_result& r) {
    return of.minimise == objective::span ? r.longest_span : r.makespan;
}

std::vector<attempt> attempt_all(const search_arguments& with, search_problem of, search_options how) {
    const std::vector<placing> which = placings_of(with);
    const auto begun = std::chrono::steady_clock::now();
    const double seconds = how.seconds;
    stop_request interrupted;
    std::vector<attempt> out;
    for (std::size_t i = 0; i < which.size(); ++i) {
        of.placement = which[i];
        progress_line line(with.quiet, which[i]);
        how.progress = [&](const search_progress& at) {
            line.show(at);
            return !stop_request::wanted();
        };
        if (seconds > 0) {  // what is left, in equal parts
            const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - begun;
            how.seconds = std::max(seconds - passed.count(), 1e-3) / static_cast<double>(which.size() - i);
        }
        out.push_back({which[i], {}, {}});
        if (which.size() == 1) {
            out[i].found = search(of, how);
        } else {
            try {
                out[i].found = search(of, how);
            } catch (const chimera_error& why) {
                out[i].refused = why.what();
            }
        }
    }
    if (std::none_of(out.begin(), out.end(), [](const attempt& a) { return a.found.has_value(); }))
        refuse(out.front().refused);
    return out;
}

void put_row(std::string& out, const std::vector<std::string>& cells) {
    const std::size_t widths[] = {10, 8, 16, 16, 14, 18, 13, 10};
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::size_t width = widths[i];
        if (i > 0) out.append(cells[i].size() < width ? width - cells[i].size() : 1, ' ');
        out += cells[i];
        if (i == 0 && cells[i].size() < width) out.append(width - cells[i].size(), ' ');
    }
    out += '\n';
}

/// One row per placement.
std::string table_of(const std::vector<attempt>& attempts, const costs& cost) {
    std::string out;
    const auto number = [](double value, int decimals) {
        std::string text;
        put(text, fixed_point{value, decimals});
        return text;
    };
    put_row(out, {"placement", "workers", "makespan", "longest_span", "bubble_ratio", "span_bubble_ratio",
                  "makespan_gap", "span_gap"});
    for (const attempt& a : attempts) {
        if (!a.found) {
            out += name(a.which);
            out += ": " + a.refused + '\n';
            continue;
        }
        const metrics_report m = metrics(simulate(a.found->order.view(), cost));
        put_row(out, {name(a.which), std::to_string(a.found->order.head.workers), number(m.makespan, 6),
                      number(m.longest_span, 6), number(m.bubble_ratio, 6), number(m.span_bubble_ratio, 6),
                      percent(a.found->makespan_gap()), percent(a.found->span_gap())});
    }
    return out;
}

/// Returns the proof that the bounds give for this placement.
const char* claim(const search_problem& of, const search_result& r) {
    const bool makespan = r.makespan_gap() <= 1e-9, span = r.span_gap() <= 1e-9;
    if (makespan && span) return "no makespan and no longest_span is less with this placement";
    if (makespan) return "no makespan is less with this placement";
    if (span) return "no longest_span is less with this placement";
    return of.minimise == objective::span ? "longest_span is within its gap of the least"
                                          : "makespan is within its gap of the least";
}

std::string words(const search_problem& of, const attempt& best, const std::vector<attempt>& all, time_unit unit) {
    const search_result& r = *best.found;
    const char* second = unit == time_unit::ticks ? " ticks" : " s";
    std::string out = "search ";
    put(out, name(best.which), ": ");
    format::put_sizes(out, r.order.head);
    put(out, "\n", text(metrics(simulate(r.order.view(), of.cost)), unit));
    put(out, "makespan_bound     ", fixed_point{r.makespan_bound, 9}, second, "\nmakespan_gap       ",
        percent(r.makespan_gap()));
    put(out, "\nspan_bound         ", fixed_point{r.span_bound, 9}, second, "\nspan_gap           ",
        percent(r.span_gap()));
    put(out, "\nproven             ", claim(of, r), "\nevaluations        ", r.evaluations,
        r.cut_short ? " (cut short)\n\n" : "\n\n");
    return out + table_of(all, of.cost) + '\n';
}

void run_search(const search_arguments& with) {
    with.output.check({"text", "json", "svg", "trace"});
    const search_problem of = problem_of(with);
    const std::vector<attempt> all = attempt_all(with, of, options_of(with));
    const attempt* best = nullptr;
    for (const attempt& a : all)
        if (a.found && (!best || minimised(of, *a.found) < minimised(of, *best->found))) best = &a;
    if (best->found->cut_short && !with.quiet)
        std::fprintf(stderr, "search was cut short after %lld evaluations: this is the best so far\n",
                     static_cast<long long>(best->found->evaluations));
    if (with.output.format == "json") return with.output.write(json(best->found->order.view()));
    const time_unit unit = with.costs ? time_unit::seconds : time_unit::ticks;
    const timeline predicted = simulate(best->found->order.view(), of.cost);
    std::string out = with.output.format == "text" ? words(of, *best, all, unit) : "";
    with.output.write(out + with.output.picture(predicted, unit, "searched"));
}

}  // namespace

void add_search(command_line& program, int&) {
    subcommand command = program.add("search", "looks for the shortest schedule under costs and a memory limit");
    const auto with = std::make_shared<search_arguments>();
    const auto add = [&](const char* option, std::optional<std::string>& to, const char* what, const char* type) {
        command.option(option, to, what, type);
    };
    add("--stages", with->stages, "stages of the model, which the costs refer to", "D");
    add("--micro-batches", with->micro_batches, "micro-batches of an iteration", "N");
    add("--costs", with->costs, "a chimera.costs file; without one every pass takes a tick", "FILE");
    add("--memory", with->memory, "most live activations of a stage, for all workers or for each (any)", "M|LIST");
    add("--kept", with->kept, "share of an activation that stays for the weight gradient (1)", "X");
    add("--placement", with->placement, "which worker holds which stage (all)", "linear|fold|loop|overlay|all");
    add("--chunks", with->chunks, "loop: stages per worker (2)", "V");
    command.flag("--no-split", with->no_split, "full backwards, not input and weight gradients apart");
    add("--minimise", with->minimise, "what is to be least; the other breaks ties (makespan)", "makespan|span");
    add("--time-limit", with->time_limit, "cut the search short, best so far (none)", "S");
    add("--evaluations", with->evaluations, "orders to try (by size)", "K");
    add("--seed", with->seed, "of the random choices; equal seeds give equal results (1)", "K");
    command.flag("--quiet", with->quiet, "no progress line");
    with->output.add_to(command, "text|json|svg|trace");
    command.footer(
        "linear and overlay have D workers, fold D/2, loop D/V. json is the schedule, for verify, simulate and the "
        "others.\n"
        "Example: chimera search --stages 8 --micro-batches 32 --costs costs.json --memory 16");
    command.run([with] { run_search(*with); });
}

}  // namespace chimera::executor
