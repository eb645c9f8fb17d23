// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/equation_1.hpp>
#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/text_table.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace chimera {

namespace detail {

inline std::string decimals(double value, int digits) {
    std::string out;
    put(out, fixed_point{value, digits});
    return out;
}
/// Four significant digits, as far as a table needs them.
inline std::string seconds_text(double value) {
    return decimals(value, value < 0.01 ? 6 : value < 1 ? 4 : value < 100 ? 3 : 1);
}
inline std::string gib(double bytes) { return decimals(bytes / (1 << 30), 2); }
inline std::string percent_more(double value, double than) {
    return "+" + decimals(100 * (value / than - 1), 1) + " %";
}

/// The classes of a family together.
inline plan_class together(const plan_report& report, family which) {
    const auto least = [](double a, double b) { return a == 0 || (b > 0 && b < a) ? b : a; };
    plan_class out;
    out.label = name(which);
    out.which = which;
    for (const plan_class& c : report.classes) {
        if (c.which != which) continue;
        out.stale = c.stale;
        out.considered += c.considered;
        out.unbuildable += c.unbuildable;
        out.too_large += c.too_large;
        out.bounded += c.bounded;
        out.simulated += c.simulated;
        out.best = least(out.best, c.best);
        out.bound = least(out.bound, c.bound);
        out.lacking = least(out.lacking, c.lacking);
        if (out.rule.empty()) out.rule = c.rule;
    }
    return out;
}

/// Says in one line what numbers do not say of a family; empty where they say all.
inline std::string remark(const plan_class& c) {
    if (c.stale) return "its weights are stale (--families ranks it)";
    if (c.best > 0 || c.bounded > 0) return "";
    if (c.too_large > 0) return "lacks memory, " + gib(c.lacking) + " GiB at least";
    return c.rule.empty() ? "none fits this many workers and samples" : c.rule;
}

/// Describes what is known of the best time of a family.
struct family_best {
    double seconds = 0;    ///< 0: nothing
    const char* how = "";  ///< at most or at least so many, or exactly
};
/// `last`: seconds of the last place. What was left out takes no less.
inline family_best best_of(const plan_class& c, double last) {
    if (c.best == 0) return c.bounded > 0 ? family_best{last, "≥ "} : family_best{};
    return {c.best, c.bounded == 0 || c.best <= (std::max)(last, c.bound) ? "" : "≤ "};
}

/// Says what became of every family.
inline void put_classes(std::string& out, const plan_report& report) {
    const auto number = [](std::int64_t count) { return count > 0 ? std::to_string(count) : std::string(); };
    const double best = report.ranking.front().found.seconds, last = report.ranking.back().found.seconds;
    text_table table(100);
    table.row({"  all families", "best s", "behind", "orders simulated", "slower", "too large", "refused"});
    std::string remarks;
    for (std::size_t i = 0; i < family_labels.size(); ++i) {
        const plan_class c = together(report, static_cast<family>(i));
        if (c.considered == 0) continue;
        const family_best own = best_of(c, last);
        table.row({"  " + c.label, own.seconds > 0 ? own.how + seconds_text(own.seconds) : "",
                   own.seconds > best ? own.how + percent_more(own.seconds, best) : "", number(c.simulated),
                   number(c.bounded), number(c.too_large), number(c.unbuildable)});
        if (const std::string more = remark(c); !more.empty()) put(remarks, "  ", c.label, ": ", more, "\n");
    }
    table.append_to(out);
    put(out, "  ≤: of those simulated, others may be faster; ≥: none is. slower: proven slower than place ",
        report.ranking.size(), "\n  before a simulation ended; too large, refused: configurations\n", remarks);
}

}  // namespace detail

/// A configuration in a few words. `samples`: of an iteration; micro-batches for more than these are not all full.
[[nodiscard]] inline std::string in_words(const configuration& choice,
                                          std::int64_t samples = (std::numeric_limits<std::int64_t>::max)()) {
    std::string out = label_of(choice.schedule);
    const int workers = choice.schedule.workers();
    format::put(out, ", ", workers, workers == 1 ? " worker × " : " workers × ", choice.width,
                choice.width == 1 ? " copy" : " copies");
    if (choice.tensor > 1) format::put(out, " × ", choice.tensor, " tensor slices");
    format::put(out, ", ", choice.schedule.micro_batches,
                choice.schedule.micro_batches == 1 ? " micro-batch of " : " micro-batches of ",
                choice.samples() > samples ? "at most " : "", choice.micro_batch);
    return out;
}

namespace detail {

inline void put_ranking(std::string& out, const plan_report& report, std::int64_t samples) {
    text_table table(100);
    table.row({"family", "s/iter", "samples/s", "behind", "D×W×T", "N×B", "sync", "recompute", "ZeRO", "GiB"});
    for (const ranked& r : report.ranking) {
        const configuration& c = r.with;
        const double best = report.ranking.front().found.seconds;
        std::string workers, batches;
        put(workers, c.schedule.workers(), "×", c.width, "×", c.tensor);
        put(batches, c.schedule.micro_batches, c.samples() > samples ? "×≤" : "×", c.micro_batch);
        table.row({label_of(c.schedule), seconds_text(r.found.seconds),
                   decimals(static_cast<double>(samples) / r.found.seconds, 1),
                   r.found.seconds > best ? percent_more(r.found.seconds, best) : "", workers, batches,
                   name(c.synchronisation), name(c.recompute), std::to_string(c.zero), gib(r.found.memory)});
    }
    table.append_to(out);
    put(out, "D×W×T: workers of a pipeline, copies, tensor slices. N×B: micro-batches of a copy, samples of each.\n");
}

/// The numbers next to `samples` that micro-batches of all copies, `each` samples together, divide: "62 or 64".
inline std::string samples_that_divide(std::int64_t samples, std::int64_t each) {
    const std::int64_t below = samples / each * each;
    std::string out;
    if (below > 0) put(out, below, " or ");
    put(out, below + each);
    return out;
}

/// Says which numbers of samples the first one's copies and micro-batches divide, where these do not.
inline void put_uneven(std::string& out, const configuration& first, std::int64_t samples) {
    if (first.samples() <= samples) return;
    put(out, "  ", samples,
        " samples do not divide over its copies and micro-batches, so some are smaller than others; ",
        samples_that_divide(samples, std::int64_t{first.width} * first.micro_batch), " do\n");
}

inline void put_closed_form(std::string& out, const equation_1_report& closed, double simulated) {
    put(out, "  Eq. 1: ", seconds_text(closed.seconds), " s (", closed.path.forwards, " forwards of ",
        seconds_text(closed.each.forward), " s, ", closed.path.backwards, " backwards of ",
        seconds_text(closed.each.backward), " s, unoverlapped ", seconds_text(closed.each.unoverlapped), " s), ",
        decimals(100 * (closed.seconds / simulated - 1), 1), " % off the simulation\n");
}

}  // namespace detail

/// The ranking, where the first one's time goes, how the closed form sees it (null: not told), how far the best of
/// another family is behind, and what became of every family. Empty where nothing is ranked.
[[nodiscard]] inline std::string text(const plan_report& report, const equation_1_report* closed,
                                      std::int64_t samples) {
    using namespace detail;
    std::string out;
    if (report.ranking.empty()) return out;
    const ranked& first = report.ranking.front();
    put_ranking(out, report, samples);
    put(out, "\nThe first: ", in_words(first.with, samples), ".\n  passes end after ",
        seconds_text(first.found.compute), " s");
    if (report.bound > 0)
        put(out, ", ", decimals(100 * (first.found.compute / report.bound - 1), 1),
            " % more than all work spread evenly");
    put(out, "\n  then reductions, updates and overhead take ", seconds_text(first.found.seconds - first.found.compute),
        " s; the fullest worker needs ", gib(first.found.memory), " GiB\n");
    put_uneven(out, first.with, samples);
    if (closed != nullptr) put_closed_form(out, *closed, first.found.seconds);
    const auto other = std::find_if(report.ranking.begin(), report.ranking.end(), [&](const ranked& r) {
        return r.with.schedule.which != first.with.schedule.which;
    });
    if (other != report.ranking.end())
        put(out, "  runner-up of another family: ", in_words(other->with, samples), ", ",
            percent_more(other->found.seconds, first.found.seconds), "\n");
    if (report.bound > 0)
        put(out, "  no plan on this cluster takes less than ", seconds_text(report.bound),
            " s (all work, spread evenly)\n");
    put(out, "Considered: ", report.considered, " configurations; simulated: ", report.simulated,
        " orders; no other can be among these ", report.ranking.size(), ".\n\n");
    put_classes(out, report);
    return wrapped(out, 100);
}

}  // namespace chimera
