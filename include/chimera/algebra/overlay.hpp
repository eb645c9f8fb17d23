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
    schedule_view table;    ///< layer as it was made
    int rotated = 0;        ///< 0 … workers - 1
    bool mirrored = false;  ///< true: the pipelines run the other way
};

/// Lays pipelines over the same workers. The pipelines and micro-batches of a layer are numbered after those of the
/// layer before. Throws `chimera_error` if the layers differ in workers, stages or parts, and for a collision, with its
/// worker and tick.
[[nodiscard]] constexpr schedule overlay(std::span<const moved> layers) {
    shape head = layers.front().table.head;
    head.pipelines = head.micro_batches = 0;
    std::vector<std::int32_t> placement;
    std::vector<detail::part> parts;
    parts.reserve(layers.size());
    for (const moved& layer : layers) {
        const shape& own = layer.table.head;
        if (own.workers != head.workers || own.stages != head.stages || own.micro_batch_parts != head.micro_batch_parts)
            refuse("overlay of unlike schedules (workers, stages or parts differ) give every layer the same sizes");
        parts.push_back({layer.table, 0, head.units(), head.pipelines, layer.rotated, layer.mirrored});
        for (const std::int32_t w : layer.table.placement) placement.push_back(parts.back().worker_of(w));
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

/// Runs b after a on the same pipelines: tick 0 of b is tick `at` of a. The micro-batches of b are numbered after those
/// of a. Throws `chimera_error` for a collision, with its worker and tick.
[[nodiscard]] constexpr schedule append(schedule_argument a, schedule_argument b, int at) {
    shape head = a.head;
    head.micro_batches += b.head.micro_batches;
    const detail::part parts[] = {{a, 0, 0, 0}, {b, at, a.head.units(), 0}};
    return detail::superpose(head, {a.placement.begin(), a.placement.end()}, parts);
}

/// Returns k copies of a basic unit one after the other, one every `period` ticks. Throws as `append` does.
[[nodiscard]] constexpr schedule repeat(schedule_argument unit, int k, int period) {
    shape head = unit.head;
    head.micro_batches *= k;
    std::vector<detail::part> parts;
    parts.reserve(static_cast<std::size_t>(k));
    for (int i = 0; i < k; ++i) parts.push_back({unit, i * period, i * unit.head.units(), 0});
    return detail::superpose(head, {unit.placement.begin(), unit.placement.end()}, parts);
}

}  // namespace chimera
