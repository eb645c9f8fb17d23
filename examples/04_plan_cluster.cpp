// SPDX-License-Identifier: Apache-2.0
// The best ways to train a model on a cluster, and the plan anew when a worker is gone.
#include <chimera/model.hpp>
#include <chimera/plan.hpp>
#include <chimera/render/plan_text.hpp>

#include <cstdio>

using namespace chimera;

int main() {
    const model bert = named("bert-48");
    cluster on{.nodes = 32, .memory = 16 * 0x1p30};
    on.each.flops = 4.9e12;  // or what `chimera calibrate` fitted
    on.each.between = {.latency = 1e-5, .bandwidth = 5e9};
    const plan_request asked{.samples = 512, .top = 3};

    plan_memory memory;  // what one plan learns makes the next one quick
    const plan_report report = make_plan(bert, on, asked, memory);
    for (const ranked& r : report.ranking)
        std::printf("%.3f s, %.1f GiB: %s\n", r.found.seconds, r.found.memory / 0x1p30, in_words(r.with).c_str());
    std::printf("best of %lld configurations; none on this cluster takes less than %.3f s\n",
                static_cast<long long>(report.considered), report.bound);

    const configuration& best = report.ranking.front().with;
    const schedule order = generate(best.schedule);  // the table to train by
    std::printf("its table: %d stages, %d micro-batches, %zu slots\n", order.head.stages, order.head.micro_batches,
                order.slots.size());

    const plan_report again = make_plan(bert, without(on, 3), asked, memory, {best});  // worker 3 is gone
    std::printf("with a worker less: %.3f s, %s\n", again.ranking.front().found.seconds,
                in_words(again.ranking.front().with).c_str());
    return again.ranking.front().found.seconds < report.ranking.front().found.seconds;
}
