// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/stage_link.hpp>
#include <chimera/run/calls.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace chimera {

/// A range of one of the arrays of a `run_row`.
struct run_range {
    std::int32_t from = 0;  ///< index of the first
    std::int32_t size = 0;  ///< entries

    /// Returns the range's entries of `all`.
    template <class T>
    [[nodiscard]] constexpr std::span<const T> in(std::span<const T> all) const noexcept {
        return all.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(size));
    }
};

/// A step of a row: a pass, a group of sends and receives, or an action on a stage.
struct run_step {
    action op = action::forward;    ///< of a group: that of its first call
    bool paired = false;            ///< pass: runs together with the next step
    std::int32_t instruction = -1;  ///< position in the worker's row; of a group, its first
    run_range what{};               ///< into `passes`, `messages` or `stages`
    run_range waits{};              ///< into `waits`: messages to be waited for before it
};

/// A pass and where its buffers start in `places`: activations, then inputs, outputs, recompute buffers and those of
/// skips if it has them.
struct run_pass {
    instruction what{};               ///< of the program
    std::int32_t places = 0;          ///< its activation buffers; the others follow
    bool from_data = false;           ///< as in `pass_call`
    bool loss = false;                ///< as in `pass_call`
    bool recomputed = false;          ///< as in `pass_call`
    bool reads = false;               ///< has inputs
    bool writes = false;              ///< has outputs
    bool unfolds = false;             ///< has recompute buffers
    std::uint16_t skips_read = 0;     ///< skips that it reads; their buffers follow
    std::uint16_t skips_written = 0;  ///< skips that it writes; their buffers come last
};

/// A stage call without its members, which are at `members`.
struct run_stage {
    stage_call what{};    ///< without members
    run_range members{};  ///< into `members`
};

/// One worker's program with all that a trainer would have to look up: what `run` walks. A view: its owner, a
/// `run_plan`, must outlive it. Threads may share it.
struct run_row {
    std::int32_t worker = -1;                ///< worker of the row
    std::int32_t message_buffers = 0;        ///< message buffers that the worker needs, in units
    std::int32_t activation_buffers = 0;     ///< activation buffers, in units
    std::int32_t recompute_buffers = 0;      ///< buffers of recomputed activations, in units
    std::uint32_t needs = 0;                 ///< a bit for each action that occurs
    std::span<const run_step> steps;         ///< in order of execution
    std::span<const run_pass> passes;        ///< in order of execution
    std::span<const message_call> messages;  ///< in order of execution
    std::span<const run_stage> stages;       ///< in order of execution
    std::span<const std::int32_t> places;    ///< buffers of passes
    std::span<const std::int32_t> waits;     ///< indices into `messages`
    std::span<const std::int32_t> members;   ///< replica groups
    run_range last_waits{};                  ///< into `waits`: messages to be waited for at the end
    std::span<const stage_link> links{};     ///< of the program

    /// Returns the pass of a step as its hook gets it.
    [[nodiscard]] constexpr pass_call pass_of(const run_step& s) const noexcept {
        const run_pass& p = passes[static_cast<std::size_t>(s.what.from)];
        const instruction& i = p.what;
        std::size_t at = static_cast<std::size_t>(p.places);
        const auto next = [&](std::size_t times) {
            const std::span<const std::int32_t> found = places.subspan(at, times * i.count);
            at += found.size();
            return found;
        };
        pass_call out{i.op,    i.version, i.stage, i.pipeline, p.from_data, p.loss, p.recomputed, s.paired,
                      i.first, i.count,   {},      {},         {},          {},     {},           {}};
        out.activations = next(1);
        out.inputs = next(p.reads);
        out.outputs = next(p.writes);
        out.unfolded = next(p.unfolds);
        out.skips_read = next(p.skips_read);
        out.skips_written = next(p.skips_written);
        return out;
    }
    /// Returns the stage of a step as its hook gets it.
    [[nodiscard]] constexpr stage_call stage_of(const run_step& s) const noexcept {
        const run_stage& found = stages[static_cast<std::size_t>(s.what.from)];
        stage_call out = found.what;
        out.members = found.members.in(members);
        return out;
    }
};

/// The parameter type of functions that read a row and keep no view of it. Takes a view, and what converts to one: a
/// `run_plan`, also one made in the call itself.
struct run_argument : run_row {
    /// Takes a view, or an owner that converts to one.
    constexpr run_argument(const run_row& view) noexcept : run_row(view) {}  // NOLINT
    template <class Owner>
    requires std::convertible_to<const Owner&, run_row>
    constexpr run_argument(const Owner& owner) : run_row(owner) {}  // NOLINT: as a view would be
};

}  // namespace chimera
