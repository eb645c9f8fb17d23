// SPDX-License-Identifier: Apache-2.0
#include <chimera/memory/memory_timeline.hpp>
#include <chimera/plan/layer_time.hpp>

#include <executor/planner/partition_needs.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace chimera::executor {

namespace {

std::size_t at(int i) { return static_cast<std::size_t>(i); }

}  // namespace

partition_needs::partition_needs(const partition_job& job) {
    detail::check_counts(job.what.layers.size(), job.order.head.stages);
    for (const slot& x : job.order.entries) split_ = split_ || x.op == pass::input_gradient;
    weigh(job);
    find_holders(job.order.view());
    find_memory(job);
}

void partition_needs::weigh(const partition_job& job) {
    for (int i = 0; i < static_cast<int>(job.what.layers.size()); ++i) {
        const layer& l = job.what.layers[at(i)];
        layer_seconds s{l.forward * job.samples, l.input_gradient * job.samples, l.weight_gradient * job.samples,
                        l.selective_forward * job.samples};
        if (job.on) s = seconds_of(l, *job.on, job.samples, 1);
        weights.push_back(s.forward + s.input_gradient + s.weight_gradient);
        lists[recompute_mode::selective].extra.push_back(s.selective);
        lists[recompute_mode::full].extra.push_back(s.forward);
        lists[recompute_mode::layers].extra.push_back(recomputed_alone(job.what, i) ? s.forward : 0);
    }
}

void partition_needs::find_holders(const schedule_view& order) {
    const int stages = order.head.stages, workers = order.head.workers;
    on.resize(at(stages));
    std::iota(on.begin(), on.end(), 0);
    std::vector<int> first(at(workers), stages);  // per worker: the first stage of all it is joined with
    for (bool changed = true; changed;) {
        changed = false;
        for (int p = 0; p < order.head.pipelines; ++p) {
            for (int s = 0; s < stages; ++s) {
                int& own = first[at(order.worker_of(p, s))];
                const int least = std::min(own, on[at(s)]);
                changed = changed || own != least || on[at(s)] != least;
                own = on[at(s)] = least;
            }
        }
    }
    int groups = 0;
    for (int s = 0; s < stages; ++s) groups += on[at(s)] == s;
    one_each_ = groups == stages && workers == stages;
    per_worker_ = static_cast<double>(groups) / workers;
    in_flight.assign(at(stages), 0);
    together.assign(at(stages), -1);
    for (int w = 0; w < workers; ++w) count_live(order.row(w), order.head.micro_batch_parts);
}

void partition_needs::count_live(std::span<const slot> row, int parts) {
    std::vector<double> live(in_flight.size(), 0), then = live;
    double sum = 0, most = 0;
    for (const slot& x : row) {
        const double units = static_cast<double>(x.count) / parts;
        if (x.op == pass::forward) {
            live[x.stage] += units;
            sum += units;
            in_flight[x.stage] = std::max(in_flight[x.stage], live[x.stage]);
        }
        if (sum > most) {
            most = sum;
            then = live;
        }
        if (!ends_activation(x.op)) continue;
        live[x.stage] -= units;
        sum -= units;
    }
    for (const slot& x : row)
        if (together[x.stage] < 0) together[x.stage] = then[x.stage];
}

void partition_needs::find_memory(const partition_job& job) {
    const int stages = job.order.head.stages;
    const double b = job.samples;
    double output = 0, core = 0, block = 0, work = 0, alone = 0;
    for (int i = 0; i < static_cast<int>(job.what.layers.size()); ++i) {
        const layer& l = job.what.layers[at(i)];
        const bool end = l.kind != layer_kind::block && l.kind != layer_kind::convolution;
        const double held = static_cast<double>(l.parameters + l.padding + (stages > 1 ? l.tied_parameters : 0));
        const precision& p = job.what.bytes;
        state.push_back(held * (p.weight + p.gradient + p.optimiser));
        lists[recompute_mode::none].bytes.push_back(b * l.activations);
        lists[recompute_mode::selective].bytes.push_back(b * l.selective);
        lists[recompute_mode::full].once.push_back(b * l.activations * (end ? 2 : 1));
        const double left = recomputed_alone(job.what, i) ? input_of(job.what, i) : l.activations;
        lists[recompute_mode::layers].bytes.push_back(b * left);
        lists[recompute_mode::layers].once.push_back(split_ ? b * (l.activations - left) : 0);
        alone = std::max(alone, split_ ? 0 : b * (l.activations - left));
        output = std::max(output, b * l.output);
        core = std::max(core, b * (l.activations - l.selective));
        block = std::max(block, end ? 0 : b * l.activations);
        work = std::max(work, b * l.workspace);
    }
    lists[recompute_mode::selective].whole = core;
    lists[recompute_mode::full].whole = 2 * block;
    lists[recompute_mode::layers].whole = alone;
    lists[recompute_mode::full].each = output;
    for (int s = 0; s < stages; ++s) {
        reserved.push_back(work + (s > 0 ? 2 * output : 0) + (s + 1 < stages ? 2 * output : 0));
        versions.push_back(weight_versions(job.order.head, s));
    }
}

std::vector<double> partition_needs::seconds_in(recompute_mode mode) const {
    std::vector<double> out = weights;
    const std::vector<double>& extra = lists.at(mode).extra;
    for (std::size_t l = 0; l < extra.size(); ++l) out[l] += extra[l];
    return out;
}

std::vector<double> partition_needs::with_once(const mode_lists& of) const {
    std::vector<double> out = state;
    for (std::size_t l = 0; l < of.once.size(); ++l) out[l] += of.once[l];
    return out;
}

}  // namespace chimera::executor
