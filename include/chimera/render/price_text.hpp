// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/breakdown.hpp>
#include <chimera/plan/single_changes.hpp>
#include <chimera/render/plan_text.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace chimera {

/// The named parts of an iteration, in seconds, with zeros.
[[nodiscard]] inline std::array<std::pair<const char*, double>, 9> parts_of(const breakdown& b) {
    return {{{"passes: products", b.products},
             {"passes: recompute", b.recompute},
             {"passes: exchanges of tensor slices", b.exchanges},
             {"passes: sends that block", b.messages},
             {"passes: gathers and scatters of ZeRO", b.sharded},
             {"bubbles, waits for messages included", b.bubbles},
             {"reductions beyond the passes", b.reductions},
             {"updates", b.updates},
             {"overhead", b.overhead}}};
}

namespace detail {

inline std::string share_text(double part, double of) { return decimals(100 * part / of, 1) + " %"; }

inline void put_rates(std::string& out, const model& network, const cluster& machines, const configuration& choice,
                      const breakdown& b) {
    const double seconds = b.found.seconds, workers = choice.workers();
    const double samples = static_cast<double>(choice.samples()) / seconds;
    put(out, "  ", seconds_text(seconds), " s an iteration, ", decimals(samples, 2), " samples/s");
    if (network.tokens > 0) {
        const double tokens = samples * static_cast<double>(network.tokens);
        put(out, ", ", decimals(tokens, 0), " tokens/s, ", decimals(tokens / workers, 1), " a worker");
    }
    const double rate = b.flop / seconds / workers;
    const bool fp8 = uses_fp8(network);
    const double most = fp8 ? machines.each.fp8_flops : machines.each.flops;
    const double peak = fp8 ? machines.each.fp8_peak : machines.each.peak;
    put(out, "\n  ", decimals(rate / 1e12, 2), " TFLOP/s a worker, ", decimals(b.flop / seconds / 1e12, 1), " of all; ",
        share_text(rate, most), " of what large products", fp8 ? " in 8 bits" : "", " sustain");
    if (peak > 0) put(out, "; MFU ", share_text(rate, peak), fp8 ? " of the peak in 8 bits" : "");
    out += '\n';
}

inline void put_parts(std::string& out, const breakdown& b) {
    text_table table;
    table.row({"  part of the iteration, a worker's mean", "seconds", "share"});
    for (const auto& [what, seconds] : parts_of(b))
        if (seconds > 1e-9 * b.found.seconds)
            table.row({std::string("  ") + what, seconds_text(seconds), share_text(seconds, b.found.seconds)});
    table.append_to(out);
}

inline void put_memory(std::string& out, const cluster& machines, const breakdown& b) {
    text_table table;
    table.row({"  memory of the fullest worker", "GiB"});
    const std::pair<const char*, double> kinds[] = {{"weights", b.state.weights},
                                                    {"gradients", b.state.gradients},
                                                    {"optimiser", b.state.optimiser},
                                                    {"activations, boundaries, work space", b.activations},
                                                    {"all", b.found.memory}};
    for (const auto& [what, bytes] : kinds) table.row({std::string("  ") + what, gib(bytes)});
    table.append_to(out);
    if (b.found.fits()) return;
    put(out, "  It does not fit: ", gib(b.found.lacking), " GiB more are needed than the ", gib(machines.memory),
        " GiB that a worker has.\n");
}

}  // namespace detail

/// Says what a given configuration takes and where its time and memory go, then what single changes make of it, and the
/// best configuration of the cluster (null: none that is better is known).
[[nodiscard]] inline std::string text(const model& network, const cluster& machines, const configuration& choice,
                                      const breakdown& b, const std::vector<single_change>& changes,
                                      const ranked* best) {
    using namespace detail;
    std::string out = in_words(choice, choice.samples());
    put(out, ",\n  recompute ", name(choice.recompute), ", ZeRO ", choice.zero, ", ", name(choice.synchronisation),
        "\n");
    put_rates(out, network, machines, choice, b);
    out += '\n';
    put_parts(out, b);
    out += '\n';
    put_memory(out, machines, b);
    const double now = b.found.seconds;
    const auto change = [&](double seconds) {
        return (seconds < now ? "-" : "+") + decimals(100 * std::abs(seconds / now - 1), 1) + " %";
    };
    text_table table;
    table.row({"  with one change", "seconds", "change", "GiB"});
    for (const single_change& c : changes)
        if (!b.found.fits() || c.found.seconds < now * (1 - 1e-9))
            table.row({"  " + c.what, seconds_text(c.found.seconds), change(c.found.seconds), gib(c.found.memory)});
    out += '\n';
    if (changes.empty() || (b.found.fits() && changes.front().found.seconds >= now * (1 - 1e-9)))
        put(out, "  no single change that fits makes it faster\n");
    else
        table.append_to(out);
    if (best == nullptr)
        put(out, "\n  no better configuration of this cluster is known\n");
    else
        put(out, "\n  the best here takes ", seconds_text(best->found.seconds), " s, ", change(best->found.seconds),
            ":\n  ", in_words(best->with, choice.samples()), ",\n  recompute ", name(best->with.recompute), ", ZeRO ",
            best->with.zero, ", ", name(best->with.synchronisation), "\n");
    return wrapped(out, 100);
}

}  // namespace chimera
