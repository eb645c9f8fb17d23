// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/algebra/superpose.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace chimera {

/// A layer, with all its stages moved `rotated` workers on around the ring, then mirrored: see `rotate` and `mirror`.
struct moved {
    schedule_view of;
    int rotated = 0;  ///< 0 … workers - 1
    bool mirrored = false;
};

/// Lays pipelines over the same workers: pipelines and micro-batches of later layers are numbered after those of earlier ones.
/// All layers have the same workers, stages and parts. Refuses a collision, naming worker and tick.
[[nodiscard]] constexpr schedule overlay(std::span<const moved> layers) {
    shape head = layers.front().of.head;
    head.pipelines = head.micro_batches = 0;
    std::vector<std::int32_t> placement;
    std::vector<detail::part> parts;
    parts.reserve(layers.size());
    for (const moved& layer : layers) {
        const shape& own = layer.of.head;
        if (own.workers != head.workers || own.stages != head.stages || own.micro_batch_parts != head.micro_batch_parts)
            refuse("overlay of unlike schedules (workers, stages or parts differ) give every layer the same sizes");
        parts.push_back({layer.of, 0, head.units(), head.pipelines, layer.rotated, layer.mirrored});
        for (const std::int32_t w : layer.of.placement) placement.push_back(parts.back().worker_of(w));
        head.pipelines += own.pipelines;
        head.micro_batches += own.micro_batches;
    }
    return detail::superpose(head, std::move(placement), parts);
}
[[nodiscard]] constexpr schedule overlay(std::span<const schedule> layers) {
    std::vector<moved> each;
    each.reserve(layers.size());
    for (const schedule& layer : layers) each.push_back({layer.view()});
    return overlay(each);
}

/// Runs b after a on the same pipelines, its tick 0 at tick `at` of a; b's micro-batches are numbered after a's.
[[nodiscard]] constexpr schedule append(schedule_argument a, schedule_argument b, int at) {
    shape head = a.head;
    head.micro_batches += b.head.micro_batches;
    const detail::part parts[] = {{a, 0, 0, 0}, {b, at, a.head.units(), 0}};
    return detail::superpose(head, {a.placement.begin(), a.placement.end()}, parts);
}

/// k copies of a basic unit, one every `period` ticks.
[[nodiscard]] constexpr schedule repeat(schedule_argument unit, int k, int period) {
    shape head = unit.head;
    head.micro_batches *= k;
    std::vector<detail::part> parts;
    parts.reserve(static_cast<std::size_t>(k));
    for (int i = 0; i < k; ++i) parts.push_back({unit, i * period, i * unit.head.units(), 0});
    return detail::superpose(head, {unit.placement.begin(), unit.placement.end()}, parts);
}

}  // namespace chimera
