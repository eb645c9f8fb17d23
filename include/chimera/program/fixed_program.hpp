// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/lower.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace chimera {

/// The number of entries of each list of a program.
struct program_sizes {
    std::size_t workers = 0;       ///< rows
    std::size_t stages = 0;        ///< stages of the model
    std::size_t places = 0;        ///< pipelines × stages
    std::size_t instructions = 0;  ///< of all workers
    std::size_t buffers = 0;       ///< entries of the buffer lists of all instructions
    std::size_t members = 0;       ///< members of all replica groups
    std::size_t versions = 0;      ///< as `members` where weights change within the iteration, 0 elsewhere
};

/// A program in exactly sized arrays.
template <program_sizes Sizes>
struct fixed_program {
    shape head;                                                 ///< sizes
    std::array<std::int32_t, Sizes.places> placement;           ///< as in program_view, as all that follows
    std::array<std::int32_t, Sizes.workers + 1> offsets;        ///< into `instructions`
    std::array<instruction, Sizes.instructions> instructions;   ///< worker after worker, in order of execution
    std::array<std::int32_t, Sizes.buffers> buffers;            ///< buffer lists of passes over several units
    std::array<std::int32_t, Sizes.stages + 1> member_offsets;  ///< into `members`
    std::array<std::int32_t, Sizes.members> members;            ///< workers of each stage, ascending
    std::array<std::int32_t, Sizes.workers> buffer_counts;      ///< activation buffers of each worker, in units
    std::int32_t messages;                                      ///< number of distinct messages
    std::array<std::int32_t, Sizes.versions> version_counts;    ///< weight versions kept, beside `members`

    /// Returns a view, valid as long as the program is. A temporary has none: its view would dangle.
    [[nodiscard]] constexpr program_view view() const& noexcept {
        return {head,           placement, offsets,       instructions, buffers,
                member_offsets, members,   buffer_counts, messages,     version_counts};
    }
    /// Converts to the view.
    constexpr operator program_view() const& noexcept { return view(); }  // NOLINT: programs are read through views
    // A view of a temporary would dangle.
    program_view view() const&& = delete;
    operator program_view() const&& = delete;  // NOLINT
};

namespace detail {

template <auto Table, reduction_start Mode>
[[nodiscard]] consteval program_sizes measure_program() {
    const program p = lower(Table, Mode);
    return {
        p.offsets.size() - 1, p.member_offsets.size() - 1, p.placement.size(), p.instructions.size(), p.buffers.size(),
        p.members.size(),     p.version_counts.size()};
}

template <auto Table, reduction_start Mode>
[[nodiscard]] consteval auto freeze_program() {
    const program p = lower(Table, Mode);
    fixed_program<measure_program<Table, Mode>()> out{p.head, {}, {}, {}, {}, {}, {}, {}, p.messages, {}};
    copy_all(out.placement, p.placement);
    copy_all(out.offsets, p.offsets);
    copy_all(out.instructions, p.instructions);
    copy_all(out.buffers, p.buffers);
    copy_all(out.member_offsets, p.member_offsets);
    copy_all(out.members, p.members);
    copy_all(out.buffer_counts, p.buffer_counts);
    copy_all(out.version_counts, p.version_counts);
    return out;
}

template <auto Table, reduction_start Mode>
inline constexpr auto program_constant = freeze_program<Table, Mode>();

template <auto Source>
[[nodiscard]] consteval auto table_from() {
    if constexpr (schedule_spec<decltype(Source)>)
        return table_of<Source>;
    else
        return Source;
}

}  // namespace detail

/// The program of a spec as a constant, `fixed_lowered<spec>` beside `table_of<spec>`; takes the table itself, too. A
/// spec that cannot be built stops the compilation with the rule that it breaks.
/// Lowers twice, once for the sizes: meant for tables up to a few thousand slots. `chimera program --format cpp` writes
/// larger ones.
template <auto Source, reduction_start Mode = reduction_start::eager_opt>
requires(schedule_spec<decltype(Source)> || std::convertible_to<decltype(Source), schedule_view>) inline constexpr const
    auto& fixed_lowered = detail::program_constant<detail::table_from<Source>(), Mode>;

}  // namespace chimera
