// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/visible.hpp>
#include <executor/io/files.hpp>
#include <executor/train/trainer.hpp>

#include <cstdarg>
#include <cstdio>

namespace chimera::executor {

namespace {

[[gnu::format(printf, 1, 2)]] std::string print(const char* form, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, form);
    std::vsnprintf(text, sizeof text, form, arguments);
    va_end(arguments);
    return text;
}

std::string row(const char* name, const std::string& value) { return print("%-17s ", name) + value + "\n"; }

/// Two figures and how far they are apart, or the one that there is.
std::string compared(const char* name, double predicted, std::optional<double> measured, const char* how, double unit,
                     const char* unit_name) {
    const bool both = predicted > 0 && measured;
    std::string text;
    if (predicted > 0) text = print("%.2f %s predicted", predicted * unit, unit_name);
    if (measured) text += print("%s%.2f %s %s", both ? ", " : "", *measured * unit, unit_name, how);
    if (both) text += print(" (%+.1f %%)", 100 * (*measured - predicted) / predicted);
    return text.empty() ? "" : row(name, text);
}

/// What the steps of this process gave, or, where there were none, those that the log tells of.
std::string figures(const train_report& r) {
    const char* const each = r.text ? "byte" : "token";
    const char* const how = r.steps_here > 0 ? "measured" : "logged";
    std::string text;
    if (r.step == 0)
        text += row("loss", "none (no step was done)");
    else if (r.steps_here > 0)
        text += row("loss", print("%.4f first, %.4f last (nats per %s)", r.first_loss, r.last_loss, each));
    else if (r.logged)
        text +=
            row("loss", print("%.4f first, %.4f last (nats per %s; logged)", r.first_loss, r.logged->last_loss, each));
    else
        text += row("loss", print("%.4f first (nats per %s; no log tells the last)", r.first_loss, each));
    if (!r.stopped && r.validation_tokens > 0) {
        text += row("validation loss",
                    print("%.4f nats per %s on %zu %ss", r.validation_loss, each, r.validation_tokens, each));
        text += row("unigram baseline", print("%.4f", r.counted.unigram));
        text += row("bigram baseline", print("%.4f (%s; %.4f by the validation text's own counts)", r.counted.bigram,
                                             r.counted.smoothing.c_str(), r.counted.bigram_in_sample));
    }
    std::optional<double> makespan, bubble;
    if (r.steps_here > 0) makespan = r.measured_makespan, bubble = r.measured_bubble;
    if (r.logged) makespan = r.logged->makespan, bubble = r.logged->bubble_ratio;
    if (r.steps_here > 0) text += row("tokens/s", print("%.0f", r.tokens_per_second));
    if (r.logged) text += row("tokens/s", print("%.0f logged", r.logged->tokens_per_second));
    return text + compared("makespan", r.predicted_makespan, makespan, how, 1e3, "ms") +
           compared("bubble ratio", r.predicted_bubble, bubble, how, 100, "%");
}

std::string configuration(const train_report& r) {
    const auto& j = r.done;
    const auto& s = j.schedule;
    const std::string where = r.computed_on == "CPU" ? std::to_string(r.cores) + " cores" : r.computed_on;
    std::string text = format::visible(j.family_name());
    text += print(", %d stages on %d workers and %s, %d micro-batches of %d x %d tokens", s.stages, r.workers,
                  where.c_str(), r.micro_batches, j.batch.sequences, j.tokens());
    if (s.pipelines > 0) text += print(", %d pipelines", s.pipelines);
    if (j.shows_scale()) text += ", " + std::string(name(s.scale));
    if (s.width > 1) text += print(", width %d", s.width);
    if (s.recompute != recompute_choice{}) text += ", recompute " + text_of(s.recompute);
    return text + ", sync " + name(j.sync);
}

}  // namespace

std::string report_text(const train_report& r) {
    const auto& m = r.done.model;
    const char* const each = r.text ? "byte" : "token";
    std::string text = row("configuration", configuration(r));
    text += row("program", print("%zu instructions, all eight laws hold (%s)", r.instructions,
                                 r.compiled ? "proven at compile time" : "verified now"));
    text += row("model", print("%d layers, %d heads, %d channels, context %d, vocabulary %d", m.layers, m.heads,
                               m.channels, m.context, m.vocabulary));
    text += row("parameters", print("%lld", static_cast<long long>(r.parameters)));
    if (r.updates > 1)
        text += row("updates", print("%d of each stage in an iteration, gradients up to %d updates old, up to %d "
                                     "versions of a stage's weights",
                                     r.updates, r.staleness, r.weight_versions));
    text += row("data", print("%zu %ss of %zu files", r.corpus_tokens, each, r.corpus_files));
    if (!r.left_out.empty()) text += row("left out", r.left_out);
    const auto steps = static_cast<long long>(r.done.optimiser.steps);
    text += row("steps",
                print("%lld of %lld", static_cast<long long>(r.step), steps) +
                    (r.steps_here > 0 || r.stopped ? print(" in %.1f s", r.seconds) : " (nothing was left to do)") +
                    (r.stopped ? " (stopped; go on with --resume)" : ""));
    text += figures(r);
    if (!r.sharing.empty()) text += row("", r.sharing + ": bubbles hold the time that they wait for one");
    if (r.predicted_memory > 0)
        text += compared("device memory", static_cast<double>(r.predicted_memory),
                         r.steps_here > 0 ? std::optional(static_cast<double>(r.measured_memory)) : std::nullopt,
                         "measured", 0x1p-30, "GiB");
    for (const auto& [name, path] :
         {std::pair("timeline", r.timeline), {"trace", r.trace}, {"log", r.log}, {"checkpoint", r.checkpoint}})
        if (!path.empty()) text += row(name, shown(path));
    return text;
}

}  // namespace chimera::executor
