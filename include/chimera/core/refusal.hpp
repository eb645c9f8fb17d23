// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <cstdint>
#include <string>

// One list serves the run-time text and the static_assert of every family (core/fixed_schedule.hpp): the texts cannot
// drift apart.
#define CHIMERA_REFUSALS(X)                                                                                           \
    X(stages_below_one, "stages must be at least 1 (a pipeline needs a stage)")                                       \
    X(stages_odd, "stages must be even (a pipeline and its mirror meet in the middle) use an even number of stages")  \
    X(stages_too_many, "stages must be at most 65535 (slots keep a stage in 16 bits)")                                \
    X(stages_not_one, "stages must be 1 (data_parallel replicates the whole model) use width for more workers")       \
    X(micro_batches_below_one, "micro_batches must be at least 1 (an iteration needs work)")                          \
    X(pipelines_odd, "pipelines must be even and at least 2 (each pipeline has its mirror)")                          \
    X(pipelines_do_not_divide, "pipelines must divide stages (each pair starts stages / pairs workers further on)")   \
    X(chunks_below_one, "chunks must be at least 1 (it counts the stages of a worker)")                               \
    X(chunks_do_not_divide, "chunks must divide stages (every worker holds as many) use a multiple of chunks")        \
    X(waves_below_one, "waves must be at least 1 (it counts how often a micro-batch runs down the workers and up)")   \
    X(waves_do_not_divide, "2 · waves must divide stages (every worker holds two stages a wave)")                     \
    X(group_below_zero, "group must be at least 0 (it counts micro-batches of a chunk's turn) use 0 for the workers") \
    X(stages_not_folded, "stages must be even (every worker holds two, one on the way down, one on the way up)")      \
    X(stages_not_mirrored, "stages must be a multiple of 4 (two a worker, and the workers are even in number)")       \
    X(micro_batches_odd, "micro_batches must be even (both directions run as many) use one more or one less")         \
    X(micro_batches_too_few, "micro_batches must be at least 2 · workers (a direction fills the pipeline first)")     \
    X(update_too_often, "update_every must be at least stages (2 weight versions last that long) use 0 or more")      \
    X(ticks_out_of_range, "ticks must be from 0 to 10000 (a slot keeps them in 16 bits) use coarser ticks")           \
    X(ticks_too_many, "the ticks are too many (the longest order takes more than 2^30) use fewer ticks for a pass")   \
    X(activations_too_few, "activations are too few (the family needs more to run at all) use more or 0")             \
    X(width_below_one, "width must be at least 1 (it counts copies of the pipelines)")                                \
    X(custom_empty, "the order is empty (it needs a pass) write rows of cells such as 0F0 0B0")                       \
    X(custom_cell, "a cell of the order cannot be read (not stage, pass, micro-batch) write it such as 0F3 or 2W1")   \
    X(custom_numbers, "stages or micro-batches of the order are too large (few are computed) number them from 0")     \
    X(custom_stage_twice, "a stage of the order is in two rows (a stage has one worker) keep it in one row")          \
    X(custom_stage_missing, "a stage of the order is in no row (every stage has a worker) number stages from 0")      \
    X(too_many_slots, "the schedule is too large (more than 2^27 slots) use fewer stages or micro-batches")

namespace chimera {

/// The rules that a spec can break, so that its family cannot be built from it.
enum class refusal : std::uint8_t {
    none,  ///< no rule is broken
#define CHIMERA_ENUMERATOR(name, text) name,
    CHIMERA_REFUSALS(CHIMERA_ENUMERATOR)
#undef CHIMERA_ENUMERATOR
};

/// Returns the rule in words; an empty text for `none`.
[[nodiscard]] constexpr const char* text(refusal why) noexcept {
    switch (why) {
#define CHIMERA_CASE(name, text) \
    case refusal::name:          \
        return text;
        CHIMERA_REFUSALS(CHIMERA_CASE)
#undef CHIMERA_CASE
        case refusal::none:
            break;
    }
    return "";
}

/// The most slots that a schedule may have: offsets and ticks stay far from overflow.
inline constexpr std::int64_t most_slots = std::int64_t{1} << 27;

namespace detail {

/// Checks the sizes of any family; `slots_each`: slots of a stage and micro-batch. Computed in 64 bits.
[[nodiscard]] constexpr refusal refuse_sizes(std::int64_t stages, std::int64_t micro_batches,
                                             std::int64_t slots_each) noexcept {
    if (stages < 1) return refusal::stages_below_one;
    if (stages > 65535) return refusal::stages_too_many;
    if (micro_batches < 1) return refusal::micro_batches_below_one;
    if (micro_batches > most_slots || stages * micro_batches > most_slots / slots_each) return refusal::too_many_slots;
    return refusal::none;
}

/// Checks the sizes of a family in which every worker holds `chunks` stages.
[[nodiscard]] constexpr refusal refuse_chunks(std::int64_t stages, std::int64_t micro_batches, int chunks,
                                              std::int64_t slots_each) noexcept {
    if (const refusal why = refuse_sizes(stages, micro_batches, slots_each); why != refusal::none) return why;
    if (chunks < 1) return refusal::chunks_below_one;
    return stages % chunks == 0 ? refusal::none : refusal::chunks_do_not_divide;
}

}  // namespace detail
}  // namespace chimera
