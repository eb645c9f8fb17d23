// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/label.hpp>
#include <chimera/core/platform.hpp>
#include <chimera/core/slot.hpp>
#include <chimera/core/stage_link.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// A row of the schedule, as an argument that cannot be mistaken for a stage or a tick.
struct worker {
    int index = 0;  ///< 0 … workers - 1
};

/// The times at which the weights of a stage change, and the version of them that a pass reads.
enum class update_rule : std::uint8_t {
    flushed,          ///< once, after the whole iteration: the synchronous families
    stashed,          ///< after every group; a forward reads the newest version, its backward the same (PipeDream)
    double_buffered,  ///< after every group; group g reads what there was before update g - 1 (PipeDream-2BW)
};

/// Returns the name of a rule in files.
[[nodiscard]] constexpr const char* name(update_rule rule) noexcept {
    return rule == update_rule::stashed           ? "stashed"
           : rule == update_rule::double_buffered ? "double_buffered"
                                                  : "flushed";
}

/// The sizes that every schedule and every program states first.
struct shape {
    label family;                               ///< name of the family, up to 31 characters
    std::int32_t workers = 0;                   ///< rows of the table
    std::int32_t stages = 0;                    ///< of the model, on every pipeline
    std::int32_t pipelines = 0;                 ///< copies of the model that the workers hold together
    std::int32_t micro_batches = 0;             ///< over the whole iteration, all pipelines together
    std::int32_t micro_batch_parts = 1;         ///< units a micro-batch is cut into: 2 under backward halving
    update_rule update = update_rule::flushed;  ///< when weights change
    std::int32_t update_every = 0;  ///< micro-batches between two updates of a stage; 0 where `update` is `flushed`

    /// Returns the units of an iteration: micro_batches × micro_batch_parts.
    [[nodiscard]] constexpr std::int32_t units() const noexcept { return micro_batches * micro_batch_parts; }
    friend constexpr bool operator==(const shape&, const shape&) = default;
};

/// A view of a schedule, wherever it is stored. It is valid while its owner is, and is passed by value.
struct schedule_view {
    shape head;                               ///< sizes
    std::span<const std::int32_t> placement;  ///< pipelines × stages: the worker of (pipeline, stage)
    std::span<const std::int32_t> offsets;    ///< workers + 1: row w is slots [offsets[w], offsets[w + 1])
    std::span<const slot> entries;            ///< row after row, each in order of execution
    std::span<const stage_link> links{};      ///< stages that depend on each other beyond the chain

    /// Returns the slots of worker w, 0 … workers - 1, in order of execution. Valid as long as the view's owner.
    [[nodiscard]] constexpr std::span<const slot> row(int w) const noexcept {
        const auto from = static_cast<std::size_t>(offsets[static_cast<std::size_t>(w)]);
        return entries.subspan(from, static_cast<std::size_t>(offsets[static_cast<std::size_t>(w) + 1]) - from);
    }
    /// Returns the worker that holds `stage` on `pipeline`. Both must be in range: nothing is checked.
    [[nodiscard]] constexpr std::int32_t worker_of(int pipeline, int stage) const noexcept {
        return placement[static_cast<std::size_t>(pipeline) * static_cast<std::size_t>(head.stages) +
                         static_cast<std::size_t>(stage)];
    }
};

/// A schedule that owns its slots, generated or read at run time. The combinators take and return these.
struct schedule {
    shape head;                           ///< sizes
    std::vector<std::int32_t> placement;  ///< pipelines × stages: the worker of (pipeline, stage)
    std::vector<std::int32_t> offsets;    ///< workers + 1: row w is slots [offsets[w], offsets[w + 1])
    std::vector<slot> entries;            ///< row after row, each in order of execution
    std::vector<stage_link> links{};      ///< stages that depend on each other beyond the chain; no family has any

    /// Returns a view, valid until the schedule changes or ends. A temporary has none: its view would dangle.
    [[nodiscard]] constexpr schedule_view view() const& noexcept { return {head, placement, offsets, entries, links}; }
    /// Converts to the view.
    constexpr operator schedule_view() const& noexcept { return view(); }  // NOLINT: a schedule is read through a view
    // A view of a temporary would dangle: keep the schedule in a variable, or pass it to the function that reads it.
    schedule_view view() const&& = delete;
    operator schedule_view() const&& = delete;  // NOLINT
};

/// A parameter of functions that read a schedule and keep no view of it. Takes a view, and what converts to one: a
/// `schedule`, also one made in the call itself, or a `table_of<spec>`.
struct schedule_argument : schedule_view {
    /// Takes a view, or an owner that converts to one.
    constexpr schedule_argument(const schedule_view& view) noexcept : schedule_view(view) {}  // NOLINT
    template <class Owner>
    requires std::convertible_to<const Owner&, schedule_view>
    constexpr schedule_argument(const Owner& owner) : schedule_view(owner) {}  // NOLINT: as a view would be
};

}  // namespace chimera
