// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/program/instruction.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chimera {

/// A program for reading, wherever it is stored: a schedule and everything that the executor must not decide by itself.
struct program_view {
    shape head;                                    ///< sizes
    std::span<const std::int32_t> placement;       ///< as in schedule_view
    std::span<const std::int32_t> offsets;         ///< workers + 1, into `instructions`
    std::span<const instruction> instructions;     ///< worker after worker, each in order of execution
    std::span<const std::int32_t> buffers;         ///< buffer lists of compute instructions that cover several units
    std::span<const std::int32_t> member_offsets;  ///< stages + tied links + 1, into `members`
    std::span<const std::int32_t> members;         ///< replica groups: the workers of each stage, ascending; then those
                                                   ///< of the weights of each tied link
    std::span<const std::int32_t>
        buffer_counts;          ///< workers: activation buffers each worker needs (its peak, in units)
    std::int32_t messages = 0;  ///< number of distinct messages
    std::span<const std::int32_t> version_counts{};  ///< beside `members`: weight versions kept; empty: one each
    std::span<const stage_link> links{};             ///< as in schedule_view

    /// Returns the instructions of worker w, 0 … workers - 1, in order of execution. Valid as long as the view's owner.
    [[nodiscard]] constexpr std::span<const instruction> row(int w) const noexcept {
        const auto from = static_cast<std::size_t>(offsets[static_cast<std::size_t>(w)]);
        return instructions.subspan(from, static_cast<std::size_t>(offsets[static_cast<std::size_t>(w) + 1]) - from);
    }
    /// Returns the worker that holds `stage` on `pipeline`. Both must be in range: nothing is checked.
    [[nodiscard]] constexpr std::int32_t worker_of(int pipeline, int stage) const noexcept {
        return placement[static_cast<std::size_t>(pipeline) * static_cast<std::size_t>(head.stages) +
                         static_cast<std::size_t>(stage)];
    }
    /// The workers that hold `stage`, ascending: the order in which their gradients are added.
    [[nodiscard]] constexpr std::span<const std::int32_t> replica_group(int stage) const noexcept {
        const auto from = static_cast<std::size_t>(member_offsets[static_cast<std::size_t>(stage)]);
        return members.subspan(from,
                               static_cast<std::size_t>(member_offsets[static_cast<std::size_t>(stage) + 1]) - from);
    }
    /// Returns how many weight versions of `stage` its k-th member keeps.
    [[nodiscard]] constexpr std::int32_t versions_of(int stage, std::size_t k) const noexcept {
        if (version_counts.empty()) return 1;
        return version_counts[static_cast<std::size_t>(member_offsets[static_cast<std::size_t>(stage)]) + k];
    }
    /// The activation buffer of the k-th unit that a compute instruction covers.
    [[nodiscard]] constexpr std::int32_t buffer_of(const instruction& i, int k) const noexcept {
        return i.list < 0 ? i.buffer : buffers[static_cast<std::size_t>(i.list + k)];
    }
};

/// A program that owns its instructions.
struct program {
    shape head;                                ///< sizes
    std::vector<std::int32_t> placement;       ///< as in program_view, as all that follows
    std::vector<std::int32_t> offsets;         ///< workers + 1, into `instructions`
    std::vector<instruction> instructions;     ///< worker after worker, each in order of execution
    std::vector<std::int32_t> buffers;         ///< buffer lists of passes over several units
    std::vector<std::int32_t> member_offsets;  ///< stages + tied links + 1, into `members`
    std::vector<std::int32_t> members;         ///< workers of each stage, ascending; then of each tied link
    std::vector<std::int32_t> buffer_counts;   ///< activation buffers of each worker, in units
    std::int32_t messages = 0;                 ///< number of distinct messages
    std::vector<std::int32_t> version_counts;  ///< weight versions kept, beside `members`; empty: one each
    std::vector<stage_link> links{};           ///< stages that depend on each other beyond the chain

    /// Returns a view, valid until the program changes or ends. A temporary has none: its view would dangle.
    [[nodiscard]] constexpr program_view view() const& noexcept {
        return {head,    placement,     offsets,  instructions,   buffers, member_offsets,
                members, buffer_counts, messages, version_counts, links};
    }
    /// Converts to the view.
    constexpr operator program_view() const& noexcept { return view(); }  // NOLINT: programs are read through views
    // A view of a temporary would dangle.
    program_view view() const&& = delete;
    operator program_view() const&& = delete;  // NOLINT
};

/// The parameter type of functions that read a program and keep no view of it. Takes a view, and whatever converts to
/// one: a `program`, also one made in the call itself, or a `fixed_lowered` one.
struct program_argument : program_view {
    /// Takes a view, or an owner that converts to one.
    constexpr program_argument(const program_view& view) noexcept : program_view(view) {}  // NOLINT
    template <class Owner>
    requires std::convertible_to<const Owner&, program_view>
    constexpr program_argument(const Owner& owner) : program_view(owner) {}  // NOLINT: as a view would be
};

}  // namespace chimera
