// SPDX-License-Identifier: Apache-2.0
// Pipelines whose workers share the GPU, beside one worker that does the same work.
#include "steps.hpp"

#include <cstdio>

namespace chimera::bench {

namespace {

void row(const char* family, int workers, step_job job, double alone) {
    job.family = family, job.workers = workers;
    const step_result r = run_steps(job);
    std::printf("| %s | %d | %d | %.1f | %.3f | %.1f %% |\n", family, workers, workers * stages_a_worker(family),
                1e3 * r.graph.median, r.graph.median / alone, 100 * r.graph.relative());
    std::printf(
        "json {\"suite\": \"loopback\", \"family\": \"%s\", \"workers\": %d, \"seconds\": %g, \"alone_seconds\": %g, "
        "\"spread\": %g}\n",
        family, workers, r.graph.median, alone, r.graph.relative());
    std::fflush(stdout);
}

}  // namespace

void loopback_suite(const settings& how) {
    const step_job job{"one_f_one_b", 1, models.front().config, 8, 8};
    const double alone = run_steps(job).graph.median;
    std::printf("\nGPT-2 124M, 8 micro-batches of 8 sequences, workers on one GPU; a single one takes %.1f ms.\n\n",
                1e3 * alone);
    std::printf("| family | workers | stages | ms | of one worker's time | spread |\n|---|---:|---:|---:|---:|---:|\n");
    for (const char* family : {"one_f_one_b", "bidirectional", "zb_v"}) row(family, 4, job, alone);
    if (how.quick) return;
    for (const char* family : {"gpipe", "zb_h1", "interleaved"}) row(family, 4, job, alone);
    for (const char* family : {"one_f_one_b", "bidirectional"}) row(family, 2, job, alone);
}

}  // namespace chimera::bench
