// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/superpose.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// Lays pipelines over the same workers: pipelines and micro-batches of later layers are numbered after those of earlier ones.
/// All layers have the same workers, stages and parts. Refuses a collision, naming worker and tick.
constexpr schedule overlay(std::span<const schedule> layers) {
    shape head = layers.front().head;
    head.pipelines = head.micro_batches = 0;
    std::vector<std::int32_t> placement;
    std::vector<detail::part> parts;
    for (const schedule& layer : layers) {
        if (layer.head.workers != head.workers || layer.head.stages != head.stages ||
            layer.head.micro_batch_parts != head.micro_batch_parts)
            refuse("overlay of unlike schedules (workers, stages or parts differ) give every layer the same sizes");
        parts.push_back({layer.view(), 0, head.units(), head.pipelines});
        for (const std::int32_t w : layer.placement) placement.push_back(w);
        head.pipelines += layer.head.pipelines;
        head.micro_batches += layer.head.micro_batches;
    }
    return detail::superpose(head, std::move(placement), parts);
}

/// Runs b after a on the same pipelines, its tick 0 at tick `at` of a; b's micro-batches are numbered after a's.
constexpr schedule append(schedule_view a, schedule_view b, int at) {
    shape head = a.head;
    head.micro_batches += b.head.micro_batches;
    const detail::part parts[] = {{a, 0, 0, 0}, {b, at, a.head.units(), 0}};
    return detail::superpose(head, {a.placement.begin(), a.placement.end()}, parts);
}

/// k copies of a basic unit, one every `period` ticks.
constexpr schedule repeat(schedule_view unit, int k, int period) {
    shape head = unit.head;
    head.micro_batches *= k;
    std::vector<detail::part> parts;
    parts.reserve(static_cast<std::size_t>(k));
    for (int i = 0; i < k; ++i) parts.push_back({unit, i * period, i * unit.head.units(), 0});
    return detail::superpose(head, {unit.placement.begin(), unit.placement.end()}, parts);
}

}  // namespace chimera
