// SPDX-License-Identifier: Apache-2.0

// Seconds to make the orders that PyTorch's pipelining knows too: generate the schedule of all workers, lower it to a program with its
// communication, simulate that. A line of JSON for each family and size, medians; bench/peers/orders.py asks PyTorch the same.

#include <chimera/program/lower.hpp>
#include <chimera/schedule.hpp>
#include <chimera/simulate/simulate.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

using namespace chimera;

/// Median over about a tenth of a second, and at least three calls.
template <class Work>
double seconds(Work work) {
    using clock = std::chrono::steady_clock;
    std::vector<double> all;
    const auto start = clock::now();
    const auto since = [](clock::time_point from) {
        return std::chrono::duration<double>(clock::now() - from).count();
    };
    while (all.size() < 3 || (since(start) < 0.1 && all.size() < 1000)) {
        const auto begin = clock::now();
        work();
        all.push_back(since(begin));
    }
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
    return all[all.size() / 2];
}

template <class Spec>
void measure(const char* family, int workers, int micro_batches, int chunks) {
    const Spec spec{.stages = chunks * workers, .micro_batches = micro_batches};
    const schedule order = generate(spec);
    const program lowered = lower(order);
    const costs c{.forward = 1, .backward = 2, .input_gradient = 1, .weight_gradient = 1, .transfer = 0.1};
    std::size_t sink = 0;
    const double generating = seconds([&] { sink += generate(spec).entries.size(); });
    const double lowering = seconds([&] { sink += lower(order).instructions.size(); });
    const double simulating = seconds([&] { sink += simulate(lowered.view(), c).steps.size(); });
    std::printf(
        "{\"family\": \"%s\", \"workers\": %d, \"micro_batches\": %d, \"slots\": %zu, \"generate\": %.9f, "
        "\"lower\": %.9f, \"simulate\": %.9f}\n",
        family, workers, micro_batches, sink > 0 ? order.entries.size() : 0, generating, lowering, simulating);
}

}  // namespace

int main() {
    for (const auto& [workers, micro_batches] : {std::pair{8, 32}, {16, 64}, {32, 128}}) {
        measure<gpipe>("gpipe", workers, micro_batches, 1);
        measure<one_f_one_b>("one_f_one_b", workers, micro_batches, 1);
        measure<interleaved>("interleaved", workers, micro_batches, 2);
        measure<breadth_first>("breadth_first", workers, micro_batches, 2);
        measure<zb_v>("zb_v", workers, micro_batches, 2);
        measure<dualpipe_v>("dualpipe_v", workers, micro_batches, 2);
    }
}
