// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cpu/cpu.hpp>
#include <executor/io/resources.hpp>
#include <executor/memory/run_memory.hpp>

#include <algorithm>
#include <cstddef>

namespace chimera::executor {

namespace {

template <class Real>
std::size_t scratch_bytes(const gpt2_sizes& c, const layer_range& range, const unit_shape& unit, int threads) {
    cpu_device_in<Real> device(threads);
    if (range.last > range.first) {
        for (const auto& [inputs, outputs] :
             {std::pair{c.channels, 3 * c.channels}, std::pair{c.channels, c.channels},
              std::pair{c.channels, 4 * c.channels}, std::pair{4 * c.channels, c.channels}})
            device.prepare(linear_shape{unit.rows(), inputs, outputs});
        device.prepare(attention_shape{unit.sequences, unit.tokens, c.heads, c.channels});
    }
    if (range.head) device.prepare(linear_shape{unit.rows(), c.channels, c.vocabulary, true});
    return device.scratch_bytes();
}

bool recomputes(const program_view& of, int stage) {
    return std::ranges::any_of(of.instructions,
                               [&](const instruction& i) { return i.op == action::recompute && i.stage == stage; });
}

}  // namespace

const executed_numbers& numbers_of(const job& wanted) {
    if (wanted.in_bf16())
        return wanted.device == training_device::cpu ? numbers_on_cpu_in_bf16 : numbers_on_gpu_in_bf16;
    return wanted.device == training_device::cuda ? numbers_on_gpu : numbers_on_cpu;
}

model described(gpt2_sizes config, const unit_shape& unit, const executed_numbers& on) {
    config.tokens = unit.tokens;
    return executed_gpt2(config, unit.sequences, on);
}

std::vector<stage_memory> training_memory(const program_view& of, const gpt2_sizes& config,
                                          std::span<const layer_range> layers, const unit_shape& unit, int threads,
                                          const executed_numbers& on) {
    const model whole = described(config, unit, on);
    std::vector<stage_memory> out;
    std::vector<std::pair<layer_range, std::size_t>> known;  // scratch of ranges with the same layers
    for (int s = 0; s < of.head.stages; ++s) {
        const layer_range& range = layers[static_cast<std::size_t>(s)];
        const int from = range.chain_first(), to = range.chain_last();
        const stage_bytes bytes = bytes_of(whole, from, to, unit.sequences);
        const auto mode = recomputes(of, s) ? recompute_mode::full : recompute_mode::none;
        out.push_back(memory_of(bytes, whole.bytes, mode, 0, 1, weight_versions(of.head, s)));
        if (from == to) out.back().workspace += on.library;
        if (threads == 0) continue;
        const layer_range kind{0, range.last > range.first, false, range.head};
        auto found = std::ranges::find(known, kind, &std::pair<layer_range, std::size_t>::first);
        if (found == known.end())
            found = known.insert(known.end(), {kind, on.real < 4 ? scratch_bytes<bf16>(config, range, unit, threads)
                                                                 : scratch_bytes<float>(config, range, unit, threads)});
        out.back().workspace += static_cast<double>(found->second);
    }
    return out;
}

void check_host_memory(const program_view& of, const job& wanted, std::span<const layer_range> layers,
                       const unit_shape& unit, double share, double more) {
    const auto need = [&](int threads) {
        double bytes = 0;
        const auto stages = training_memory(of, wanted.model, layers, unit, threads, numbers_of(wanted));
        for (const memory_row& row : memory_timeline(of, stages)) bytes += row.reserved();
        return share * bytes + more;
    };
    double bytes = need(0);
    // Work space takes planning to know, and is small beside the rest.
    if (bytes > usable_memory() / 4) bytes = need(wanted.threads);
    check_room(bytes + program_bytes, "the run",
               "use fewer --sequences or --micro-batches, --recompute full, fewer copies or a smaller model");
}

}  // namespace chimera::executor
