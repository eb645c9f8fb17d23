// SPDX-License-Identifier: Apache-2.0
#include <chimera/plan/smallest_cluster.hpp>
#include <chimera/plan/time_orders.hpp>
#include <chimera/render/plan_text.hpp>

#include <executor/planner/on_cluster.hpp>

#include <cmath>
#include <limits>

namespace chimera::executor {

plan_report plan_on_cluster(const plan_task& task, plan_cache& memory) {
    std::vector<configuration> before = task.before;
    for (configuration& each : before) each.schedule = without_ticks(each.schedule);
    plan_report out = make_plan(task.what, task.on, task.asked, memory, before);
    if (out.ranking.empty()) {  // smaller micro-batches, and more of them, may fit
        plan_request more = task.asked;
        more.most_micro_batches = std::numeric_limits<int>::max();
        out = make_plan(task.what, task.on, more, memory, before);
    }
    time_orders(out, task.what, task.on, memory.orders);
    return out;
}

equation_1_report closed_form(const plan_task& task, const plan_report& report, plan_cache& memory) {
    estimator estimate(task.what, task.on, memory.orders);
    configuration first = report.ranking.front().with;
    return equation_1(task.on, estimate, estimate(first));
}

std::string nothing_fits(const plan_task& task, plan_cache& memory) {
    using namespace chimera::detail;
    std::string out = task.what.name.view().empty() ? "the model" : std::string(task.what.name.view());
    plan_request asked = task.asked;
    asked.most_micro_batches = 1 << 14;
    const double bytes = smallest_memory(task.what, task.on, asked, memory);
    if (!std::isfinite(bytes)) {
        put(out, " has no plan (no family of the request can be built on ", task.on.workers(), " workers with ",
            task.asked.samples, " samples) allow more families or other numbers");
        return out;
    }
    const double state = static_cast<double>(parameters(task.what)) *
                         (task.what.bytes.weight + task.what.bytes.gradient + task.what.bytes.optimiser);
    put(out, " does not fit (its state is ", gib(state), " GiB, and a worker would need ", gib(bytes),
        " GiB, its activations included, where it has ", gib(task.on.memory), ") give each ",
        gib(bytes - task.on.memory), " GiB more");
    if (const std::optional nodes = smallest_nodes(task.what, task.on, asked, memory))
        put(out, ", or use ", *nodes, task.on.workers_per_node == 1 ? " workers" : " nodes");
    return out;
}

}  // namespace chimera::executor
