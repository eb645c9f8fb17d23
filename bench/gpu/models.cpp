// SPDX-License-Identifier: Apache-2.0
// Training steps of whole models.
#include "data.hpp"
#include "steps.hpp"

#include <cstdio>

namespace chimera::bench {

namespace {

using namespace executor;

std::string attention_of(const sized_model& m) {
    cuda_device<bf16> device;
    return device.attention_way(
        device.prepare(attention_shape{m.sequences, m.config.context, m.config.heads, m.config.channels}));
}

void print(const sized_model& m, const step_result& r, double peak) {
    const double flops = step_flops(m.config, r.tokens, m.config.context);
    const spread& took = r.graph;
    const std::string way = attention_of(m);
    std::printf("| %s | %d × %d | %.1f | %.1f | %+.2f %% | %.1f | %.0f | %s | %.2f | %.2f | %.1f %% | %s |\n", m.name,
                m.sequences, m.micro_batches, 1e-12 * flops, 1e3 * took.median,
                100 * (took.median / r.events.median - 1), 1e3 * r.plain.median, r.tokens / took.median,
                share(flops, took.median, peak).c_str(), r.bytes / 0x1p30, r.predicted / 0x1p30, 100 * took.relative(),
                way.c_str());
    std::printf(
        "json {\"suite\": \"model\", \"name\": \"%s\", \"sequences\": %d, \"micro_batches\": %d, \"flops\": %g, "
        "\"seconds\": %g, \"tokens_per_second\": %g, \"bytes\": %.0f, \"predicted_bytes\": %.0f, \"spread\": %g, "
        "\"graph\": true, \"attention\": %s}\n",
        m.name, m.sequences, m.micro_batches, flops, took.median, r.tokens / took.median, r.bytes, r.predicted,
        took.relative(), quoted(way).c_str());
    std::printf(
        "json {\"suite\": \"graph\", \"name\": \"%s\", \"plain_seconds\": %g, \"graph_seconds\": %g, "
        "\"events_seconds\": %g}\n",
        m.name, r.plain.median, took.median, r.events.median);
}

}  // namespace

void models_suite(const settings& how) {
    std::printf(
        "\nTraining steps in bf16 as users get them: one worker, 1F1B (so one micro-batch's activations), an iteration "
        "as a "
        "graph, clipping and AdamW in fp32.\n6 · tokens · (layers · (12 c² + c · tokens a sequence) + c · vocabulary) "
        "FLOP.\n\n");
    std::printf(
        "| GPT-2 | sequences × micro-batches | TFLOP | step ms | over events | without graph | tokens/s | MFU | GiB | "
        "predicted | spread | attention |\n");
    std::printf("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n");
    for (const sized_model& m : models) {
        if (how.only.empty() ? how.quick && &m != &models.front() : how.only != m.name) continue;
        print(m, run_steps({"one_f_one_b", 1, m.config, m.sequences, m.micro_batches, 5}), how.peak);
        std::fflush(stdout);
    }
}

}  // namespace chimera::bench
