// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/engine/traffic.hpp>
#include <executor/memory/measured_memory.hpp>
#include <executor/memory/run_memory.hpp>
#include <executor/memory/update_groups.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <map>
#include <tuple>

namespace chimera::executor {
namespace {

/// Counts, for each worker, what memory_timeline does not know of.
class counter {
public:
    counter(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
            const unit_shape& unit, device_room& room)
        : of_(of), config_(config), layers_(layers), unit_(unit), room_(room), updates_(units_of_updates(of).size()),
          lives_(message_lives(of)) {
        std::map<std::tuple<int, bool, bool>, std::size_t> known;  // ranges with the same layers
        for (const layer_range& each : layers) {
            const auto [found, is_new] = known.try_emplace({each.last - each.first, each.embedding, each.head}, 0);
            if (is_new) found->second = room.own_bytes(config, each, unit);
            own_.push_back(found->second);
        }
    }

    std::size_t stages_of(int worker) const {
        std::size_t sum = 0;
        bool first = true;
        for (int s = 0; s < of_.head.stages; ++s) {
            if (!std::ranges::count(of_.replica_group(s), worker)) continue;
            sum += own_[static_cast<std::size_t>(s)] + batch(layers_[static_cast<std::size_t>(s)]);
            sum += 2 * updates_ * room_.step_bytes() + numbers(first) * sizeof(double);
            first = false;
        }
        return sum;
    }
    std::size_t messages_of(int worker) const {
        std::vector<transfer> sent;
        const std::size_t boundary = unit_.size(config_.channels) * static_cast<std::size_t>(room_.numbers().real);
        for (const instruction& i : of_.row(worker))
            if (is_transfer(i.op)) sent.push_back({nullptr, boundary * i.count, i.peer, i.message, is_send(i.op)});
        std::size_t sum = 0;
        for (const traffic& t : traffic_of(worker, sent, lives_))
            sum += t.bytes * static_cast<std::size_t>(std::min(t.most, room_.most_kept()));
        return sum;
    }

private:
    /// Tokens, targets and losses of an iteration.
    std::size_t batch(const layer_range& layers) const {
        const auto units = static_cast<std::size_t>(of_.head.units());
        if (!layers.embedding && !layers.head) return 0;
        return 2 * units * unit_.size(1) * sizeof(std::int32_t) + (layers.head ? units * sizeof(double) : 0);
    }
    /// The bytes that clipping keeps with a stage; see clipping. Two are there from the beginning.
    std::size_t numbers(bool first) const {
        if (of_.head.update != update_rule::flushed) return 2 * updates_;
        return first ? static_cast<std::size_t>(of_.head.workers * of_.head.stages + 1) : 2;
    }

    program_view of_;
    gpt2_sizes config_;
    std::span<const layer_range> layers_;
    unit_shape unit_;
    device_room& room_;
    std::size_t updates_;
    std::vector<message_life> lives_;
    std::vector<std::size_t> own_;
};

std::string gibibytes(std::size_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f GiB", static_cast<double>(bytes) / 0x1p30);
    return text;
}

}  // namespace

std::vector<std::size_t> device_needs(const program_view& of, const gpt2_sizes& config,
                                      std::span<const layer_range> layers, const unit_shape& unit, device_room& room) {
    const auto stages = training_memory(of, config, layers, unit, 0, room.numbers());
    const counter more(of, config, layers, unit, room);
    std::vector<std::size_t> out;
    for (const memory_row& row : memory_timeline(of, stages)) {
        const int worker = static_cast<int>(out.size());
        out.push_back(static_cast<std::size_t>(std::llround(row.reserved())) + more.stages_of(worker) +
                      more.messages_of(worker));
    }
    return out;
}

std::size_t check_device_memory(const program_view& of, const gpt2_sizes& config, std::span<const layer_range> layers,
                                const unit_shape& unit, device_room& room) {
    const auto spaces = room.spaces();
    std::vector<std::size_t> needed(spaces.size());
    const auto each = device_needs(of, config, layers, unit, room);
    for (std::size_t w = 0; w < each.size(); ++w)
        if (const int place = room.place_of(static_cast<int>(w)); place >= 0)
            needed[static_cast<std::size_t>(place)] += each[w];
    for (std::size_t i = 0; i < spaces.size(); ++i)
        if (needed[i] > spaces[i].free)
            refuse("training needs " + gibibytes(needed[i]) + " of " + spaces[i].name + " (" +
                   gibibytes(spaces[i].free) + " of its " + gibibytes(spaces[i].all) +
                   " are free) use fewer sequences in a micro-batch, fewer micro-batches in flight, more stages, "
                   "--recompute full" +
                   (room.numbers().real == 4 ? " or --precision bf16" : ""));
    return *std::ranges::max_element(needed);
}

}  // namespace chimera::executor
