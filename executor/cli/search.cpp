// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/json.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/search.hpp>
#include <chimera/simulate/simulate.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/progress_line.hpp>
#include <executor/cli/search_report.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/compare/contenders.hpp>
#include <executor/compare/share_costs.hpp>
#include <executor/io/read.hpp>
#include <executor/io/stop_signal.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>

namespace chimera::executor {

namespace {

struct search_arguments {
    std::optional<std::string> stages, workers, micro_batches, costs, memory, kept, placement, chunks, minimise,
        time_limit, seed;
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
    if (with.stages.has_value() == with.workers.has_value())
        refuse("--stages or --workers is needed (one of them, and not both) say what all placements have in common");
    if (!with.micro_batches) refuse("--micro-batches is missing (search needs it) give their number per iteration");
    out.stages = static_cast<int>(with.stages ? whole("--stages", *with.stages, 1, 1024)
                                              : whole("--workers", *with.workers, 1, 1024));
    out.micro_batches = static_cast<int>(whole("--micro-batches", *with.micro_batches, 1, 1 << 20));
    if (with.chunks) out.chunks = static_cast<int>(whole("--chunks", *with.chunks, 1, 1024));
    if (with.memory) out.memory = limits_of(*with.memory);
    if (with.kept) out.kept = share_of(*with.kept);
    out.split = !with.no_split;
    const std::string aim = with.minimise.value_or("makespan");
    if (aim != "makespan" && aim != "span")
        refuse("--minimise is '" + aim.substr(0, 40) + "' (no such aim) give makespan or span");
    out.minimise = aim == "span" ? objective::span : objective::makespan;
    if (with.workers) out.cost = plain_costs();
    if (with.costs) {
        out.cost = load_costs(*with.costs).each;
        check_lengths(out.cost, out.stages);
    }
    if (with.workers && out.cost.transfer.values.size() > 1)
        refuse(
            "transfer is a list (with --workers placements differ in their stages) give one number for all boundaries");
    return out;
}

/// Returns the problem with another placement: of the same stages, or with --workers of the same workers, each of whose
/// shares of the model is cut into as many stages as the placement gives it.
search_problem placed(const search_arguments& with, search_problem of, placing where) {
    of.placement = where;
    if (!with.workers) return of;
    const int workers = of.stages;
    const int each = where == placing::fold ? 2 : where == placing::loop ? of.chunks : 1;
    of.stages = workers * each;
    of.cost = costs_of_shares(of.cost, workers, of.stages);
    for (double& limit : of.memory) limit *= each;
    return of;
}

search_options options_of(const search_arguments& with) {
    constexpr std::int64_t most = std::int64_t{1} << 40;
    search_options out;
    if (with.seed) out.seed = static_cast<std::uint64_t>(whole("--seed", *with.seed, 0, most));
    if (with.evaluations) out.evaluations = whole("--evaluations", *with.evaluations, 1, most);
    if (with.time_limit) out.seconds = positive("--time-limit", *with.time_limit);
    return out;
}

std::string progress_text(const search_progress& at, placing which) {
    std::string out = "search " + std::string(name(which));
    if (at.memory) format::put(out, " with memory ", static_cast<int>(*at.memory));
    const double share = static_cast<double>(at.evaluations) / static_cast<double>(at.evaluations_most);
    format::put(out, ": ", format::fixed_point{100 * share, 0}, " %, makespan ", at.makespan, " (gap ",
                percent_text(at.makespan / at.makespan_bound - 1), "), longest span ", at.longest_span, " (gap ",
                percent_text(at.longest_span / at.span_bound - 1), ')');
    return out;
}

double minimised(const search_result& r, objective aim) { return aim == objective::span ? r.longest_span : r.makespan; }

/// Shares the time limit out. Seconds are counted from its making.
class time_table {
public:
    explicit time_table(double limit) : limit_(limit) {}

    double passed() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun_).count(); }
    /// Returns the seconds for the next of `left` placements, of so many passes; 0 without a limit; nothing where they
    /// would not do.
    std::optional<double> share(std::size_t left, double passes) {
        if (limit_ <= 0) return 0;
        since_ = passed();
        shown_ = std::max(shown_, passes * seconds_per_pass * stretch());
        const double rest = limit_ - since_ - std::max(shown_, needed_ / 2);
        if (needed_ > 0 && rest < 1.3 * needed_) return {};
        return std::max(rest, 1e-3) / static_cast<double>(left);
    }
    /// Notes that the placement under way has its first order.
    void first_order() { needed_ = std::max(needed_, passed() - since_); }

private:
    /// Returns by how much others who compute here make a second of this process longer, so far.
    double stretch() const {
        const double computed = static_cast<double>(std::clock() - begun_computing_) / CLOCKS_PER_SEC;
        return since_ > 0.05 && computed > 0 ? std::clamp(since_ / computed, 1.0, 10.0) : 1;
    }

    static constexpr double seconds_per_pass = 1.5e-7;  // measured: figures of the one that is shown
    double limit_, since_ = 0, needed_ = 0, shown_ = 0;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
    std::clock_t begun_computing_ = std::clock();
};

/// Searches one placement. Throws chimera_error where it is refused and the only one.
placement_search search_one(const search_arguments& with, const search_problem& of, search_options how,
                            time_table& times, bool only) {
    progress_line line(with.quiet);
    bool first = true;
    how.progress = [&](const search_progress& at) {
        if (first) times.first_order();
        first = false;
        if (line.due()) line.show(progress_text(at, of.placement));
        return !stop_request::wanted();
    };
    placement_search out{of, {}, {}};
    try {
        out.found = search(of, how);
    } catch (const chimera_error& why) {
        if (only) throw;
        out.refused = why.what();
    }
    return out;
}

std::vector<placement_search> search_all(const search_arguments& with, const search_problem& of, search_options how) {
    const std::vector<placing> which = placings_of(with);
    time_table times(how.seconds);
    stop_request interrupted;
    std::vector<placement_search> out;
    for (std::size_t i = 0; i < which.size(); ++i) {
        const search_problem here = placed(with, of, which[i]);
        if (const std::optional<double> share = times.share(which.size() - i, 3.0 * here.stages * here.micro_batches)) {
            how.seconds = *share;
            out.push_back(search_one(with, here, how, times, which.size() == 1));
        } else {
            out.push_back({here, {}, "no time was left (a first order takes longer) allow more, or name a placement"});
        }
    }
    if (std::none_of(out.begin(), out.end(), [](const placement_search& a) { return a.found.has_value(); }))
        refuse(out.front().refused);
    return out;
}

void run_search(const search_arguments& with) {
    with.output.check({"text", "json", "svg", "trace"});
    const search_problem of = problem_of(with);
    const std::vector<placement_search> all = search_all(with, of, options_of(with));
    const placement_search* best = nullptr;
    for (const placement_search& a : all)
        if (a.found && (!best || minimised(*a.found, of.minimise) < minimised(*best->found, of.minimise))) best = &a;
    if (best->found->cut_short && !with.quiet)
        std::fprintf(stderr, "search was cut short after %lld evaluations: this is the best so far\n",
                     static_cast<long long>(best->found->evaluations));
    if (with.output.format == "json") return with.output.write(json(best->found->order.view()));
    const time_unit unit = with.costs ? time_unit::seconds : time_unit::ticks;
    const timeline predicted = simulate(best->found->order.view(), best->of.cost);
    std::string out = with.output.format == "text" ? search_words(*best, predicted, all, unit) : "";
    with.output.write(out + with.output.picture(predicted, unit, "searched"));
}

}  // namespace

void add_search(command_line& program, int&) {
    subcommand command = program.add("search", "looks for the shortest schedule under costs and a memory limit");
    const auto with = std::make_shared<search_arguments>();
    const auto add = [&](const char* option, std::optional<std::string>& to, const char* what, const char* type) {
        command.option(option, to, what, type);
    };
    add("--stages", with->stages, "stages of the model, the same for all placements; the costs are of one", "D");
    add("--workers", with->workers, "instead: workers, the same for all; the costs are of a worker's share", "W");
    add("--micro-batches", with->micro_batches, "micro-batches of an iteration", "N");
    add("--costs", with->costs, "a chimera.costs file (each pass a tick; of a share F = I = W = 1, B = 2)", "FILE");
    add("--memory", with->memory, "most live activations of a stage (share), for all workers or for each (any)",
        "M|LIST");
    add("--kept", with->kept, "share of an activation that stays for the weight gradient (1)", "X");
    add("--placement", with->placement, "which worker holds which stage (all)", "linear|fold|loop|overlay|all");
    add("--chunks", with->chunks, "loop: stages per worker (2)", "V");
    command.flag("--no-split", with->no_split, "full backwards, not input and weight gradients apart");
    add("--minimise", with->minimise, "what is to be least; the other breaks ties (makespan)", "makespan|span");
    add("--time-limit", with->time_limit, "end after so many seconds with the best so far (none)", "S");
    add("--evaluations", with->evaluations, "orders to try under each memory limit (by size)", "K");
    add("--seed", with->seed, "of the random choices; equal seeds give equal results (1)", "K");
    command.flag("--quiet", with->quiet, "no progress line");
    with->output.add_to(command, "text|json|svg|trace");
    command.footer(
        "The search begins with the published families. It is never longer than one that keeps the constraints, nor\n"
        "than itself with less memory, time or evaluations. --stages: linear and overlay have D workers, fold D/2, "
        "loop "
        "D/V.\n"
        "json is the schedule, for verify, simulate and the others.\n"
        "Example: chimera search --stages 8 --micro-batches 32 --costs costs.json --memory 16");
    command.run([with] { run_search(*with); });
}

}  // namespace chimera::executor
