// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/run/run_row.hpp>

#include <concepts>
#include <cstdint>
#include <vector>

namespace chimera {

/// A `run_row` that owns its arrays: what a worker sets up once, and then runs in every iteration.
struct run_plan {
    std::int32_t worker = -1;             ///< as in `run_row`, as all that follows
    std::int32_t message_buffers = 0;     ///< in units
    std::int32_t activation_buffers = 0;  ///< in units
    std::int32_t recompute_buffers = 0;   ///< in units
    std::uint32_t needs = 0;              ///< a bit for each action that occurs
    std::vector<run_step> steps;          ///< in order of execution
    std::vector<run_pass> passes;         ///< in order of execution
    std::vector<message_call> messages;   ///< in order of execution
    std::vector<run_stage> stages;        ///< in order of execution
    std::vector<std::int32_t> places;     ///< buffers of passes
    std::vector<std::int32_t> waits;      ///< indices into `messages`
    std::vector<std::int32_t> members;    ///< replica groups
    run_range last_waits{};               ///< into `waits`
    std::vector<stage_link> links{};      ///< of the program

    /// Returns the view that `run` walks.
    [[nodiscard]] constexpr run_row view() const& noexcept {
        return {worker,
                message_buffers,
                activation_buffers,
                recompute_buffers,
                needs,
                steps,
                passes,
                messages,
                stages,
                places,
                waits,
                members,
                last_waits,
                links};
    }
    /// Converts to the view.
    constexpr operator run_row() const& noexcept { return view(); }  // NOLINT: plans are read through views
    // A view of a temporary would dangle.
    run_row view() const&& = delete;
    operator run_row() const&& = delete;  // NOLINT
};

}  // namespace chimera
