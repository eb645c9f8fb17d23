// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/equation_1.hpp>
#include <chimera/plan/family_variants.hpp>
#include <chimera/plan/request.hpp>
#include <chimera/render/format.hpp>
#include <chimera/render/text_table.hpp>

#include <algorithm>
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

/// Says in one line why a class is not first.
inline std::string reason(const plan_class& c, double best) {
    std::string out;
    if (c.best > 0) put(out, "best ", seconds_text(c.best), " s, ", percent_more(c.best, best), "; ");
    if (c.stale) put(out, "its weights are stale (--families ranks it); ");
    if (c.bounded > 0) put(out, c.bounded, " orders proven slower (", seconds_text(c.bound), " s or more); ");
    if (c.too_large > 0) put(out, c.too_large, " need more memory (", gib(c.lacking), " GiB at least); ");
    if (c.unbuildable > 0 && c.best == 0 && c.bounded == 0) put(out, c.rule, "; ");
    if (out.empty()) out = "none fits this many workers and samples; ";
    out.resize(out.size() - 2);
    return out;
}

/// Returns true if bounds alone say what became of a class.
inline bool only_bounded(const plan_class& c) { return c.bounded > 0 && c.best == 0 && !c.stale && c.too_large == 0; }

/// Says what became of every class; those that are proven slower, all of them, together, in lines of 100 columns.
inline void put_classes(std::string& out, const plan_report& report) {
    const ranked& first = report.ranking.front();
    for (const plan_class& c : report.classes)
        if (!only_bounded(c)) put(out, "  ", c.label, ": ", reason(c, first.found.seconds), "\n");
    std::string line;
    for (const plan_class& c : report.classes) {
        if (!only_bounded(c)) continue;
        std::string one = c.label;
        put(one, " (", seconds_text(c.bound), ')');
        if (line.empty()) {
            put(line, "Proven slower than place ", report.ranking.size(), ", with the least seconds that each takes: ");
        } else if (line.size() + one.size() > 97) {
            put(out, line, ",\n");
            line = "  ";
        } else {
            line += ", ";
        }
        line += one;
    }
    if (!line.empty()) put(out, line, ".\n");
}

}  // namespace detail

/// A configuration in a few words.
[[nodiscard]] inline std::string in_words(const configuration& choice) {
    std::string out = label_of(choice.schedule);
    const int workers = choice.schedule.workers();
    format::put(out, ", ", workers, workers == 1 ? " worker × " : " workers × ", choice.width,
                choice.width == 1 ? " copy" : " copies");
    if (choice.tensor > 1) format::put(out, " × ", choice.tensor, " tensor slices");
    format::put(out, ", ", choice.schedule.micro_batches, " micro-batches of ", choice.micro_batch);
    return out;
}

namespace detail {

inline void put_ranking(std::string& out, const plan_report& report, std::int64_t samples) {
    text_table table;
    table.row({"family", "s/iteration", "samples/s", "behind", "workers", "width", "tensor", "micro-batch", "N", "sync",
               "recompute", "ZeRO", "GiB", "proven s"});
    for (const ranked& r : report.ranking) {
        const configuration& c = r.with;
        const double best = report.ranking.front().found.seconds;
        table.row({label_of(c.schedule), seconds_text(r.found.seconds),
                   decimals(static_cast<double>(samples) / r.found.seconds, 1),
                   r.found.seconds > best ? percent_more(r.found.seconds, best) : "",
                   std::to_string(c.schedule.workers()), std::to_string(c.width), std::to_string(c.tensor),
                   std::to_string(c.micro_batch), std::to_string(c.schedule.micro_batches), name(c.synchronisation),
                   name(c.recompute), std::to_string(c.zero), gib(r.found.memory),
                   r.bound > 0 ? seconds_text(r.bound) : "-"});
    }
    table.append_to(out);
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
    put(out, "\nThe first: ", in_words(first.with), ".\n  passes end after ", seconds_text(first.found.compute), " s");
    if (report.bound > 0)
        put(out, ", ", decimals(100 * (first.found.compute / report.bound - 1), 1),
            " % more than all work spread evenly");
    put(out, "; then reductions, updates and overhead ", seconds_text(first.found.seconds - first.found.compute),
        " s; the fullest worker needs ", gib(first.found.memory), " GiB\n");
    if (closed != nullptr) put_closed_form(out, *closed, first.found.seconds);
    const auto other = std::find_if(report.ranking.begin(), report.ranking.end(), [&](const ranked& r) {
        return r.with.schedule.which != first.with.schedule.which;
    });
    if (other != report.ranking.end())
        put(out, "  runner-up of another family: ", in_words(other->with), ", ",
            percent_more(other->found.seconds, first.found.seconds), "\n");
    if (report.bound > 0)
        put(out, "  no plan on this cluster takes less than ", seconds_text(report.bound),
            " s (all work, spread evenly)\n");
    put(out, "Considered: ", report.considered, " configurations; simulated: ", report.simulated,
        " orders; no other can be among these ", report.ranking.size(), ".\n\n");
    put_classes(out, report);
    return out;
}

}  // namespace chimera
