// SPDX-License-Identifier: Apache-2.0
#include <chimera/simulate/simulate.hpp>
#include <executor/forecast/patience.hpp>
#include <executor/workers/byte_stream.hpp>
#include <executor/workers/replicas.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace chimera::executor {

namespace {

/// Returns the stage with the most parameters that a worker of this process holds, and that worker; -1 if none does.
std::pair<int, int> largest_stage(const trial_run& trial, replicas& copies) {
    std::pair<int, int> largest{-1, -1};
    std::size_t most = 0;
    for (int w = 0; w < trial.order.head.workers; ++w)
        for (int s = 0; s < trial.order.head.stages; ++s) {
            model_stage* const held = copies.at(w, s);
            std::size_t size = 1;
            for (const parameter& p : held ? held->tensors() : std::span<const parameter>()) size += p.size;
            if (held && size > most) most = size, largest = {w, s};
        }
    return largest;
}

double forward_seconds(backend& on, const trial_run& trial, replicas& copies) {
    using clock = std::chrono::steady_clock;
    const auto [worker, s] = largest_stage(trial, copies);
    if (s < 0) return 0;
    model_stage& held = *copies.at(worker, s);
    held.prepare_light();
    const std::size_t bytes = held.input_bytes();
    const auto input = on.memory(worker, bytes), output = on.memory(worker, held.output_bytes());
    std::memset(input.get(), 0, bytes);
    const auto start = clock::now();
    held.evaluate(0, s > 0 ? input.get() : nullptr, output.get());
    return std::chrono::duration<double>(clock::now() - start).count();
}

}  // namespace

double longest_gap(const timeline& of) {
    double longest = 0;
    for (int w = 0; w < of.head.workers; ++w) {
        std::vector<double> ends;
        for (const step& s : of.row(w)) ends.push_back(s.end);
        std::ranges::sort(ends);
        double before = 0;
        for (const double end : ends) longest = std::max(longest, end - std::exchange(before, end));
    }
    return longest;
}

double patience(double least, const timeline& expected) { return std::max(least, 4 * longest_gap(expected)); }

double first_patience(process_group& together, backend& on, const trial_run& trial, replicas& copies) {
    const double mine = on.on_host() ? forward_seconds(on, trial, copies) : 0;
    double slowest = 0;
    const std::vector<std::size_t> due(static_cast<std::size_t>(together.size()), sizeof mine);
    const std::vector<blob> all = together.collect(std::as_bytes(std::span(&mine, 1)), due);
    for (std::size_t r = 0; r < all.size(); ++r)
        slowest = std::max(slowest, unpacker(all[r], static_cast<int>(r)).take(0.0, 1e6, "a pass of seconds"));
    double seconds = trial.watchdog;
    if (slowest > 0) {
        const double pass = slowest * trial.order.head.micro_batch_parts;
        costs each;
        each.forward = each.recompute = pass;
        each.backward = 3 * pass;
        each.input_gradient = each.weight_gradient = 1.5 * pass;
        each.update = pass;
        seconds = patience(seconds, simulate(trial.order, each, trial.cores.machine));
    }
    return 1e-3 * static_cast<double>(together.of_rank_0(std::llround(1e3 * seconds), 0, most_patience));
}

}  // namespace chimera::executor
