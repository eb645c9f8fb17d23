// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <chimera/core/fixed_schedule.hpp>
#include <chimera/program/fixed_program.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/schedule/bidirectional.hpp>
#include <chimera/verify.hpp>
#include <executor/io/family_options.hpp>
#include <executor/job/programs.hpp>

namespace chimera::executor {

namespace {

/// A schedule and its program, both held to their laws by the compiler.
template <bidirectional Spec>
constexpr program_view compiled = proven<fixed_lowered<proven<table_of<Spec>>, reduction_start::eager_opt>>.view();

}  // namespace

const program_view* detail::find_compiled(const job& wanted) {
    static constexpr bidirectional four{.stages = 4, .micro_batches = 4}, eight{.stages = 4, .micro_batches = 8};
    family_options asked = wanted.schedule;
    if (asked.pipelines == 2) asked.pipelines = 0;  // the family's own number
    const auto is = [&](const bidirectional& spec) {
        return asked == family_options{{family::bidirectional, spec.stages, spec.micro_batches}};
    };
    if (wanted.file || wanted.sync != reduction_start::eager_opt) return nullptr;
    return is(four) ? &compiled<four> : is(eight) ? &compiled<eight> : nullptr;
}

schedule schedule_of(const job& wanted) {
    return wanted.file ? make_schedule(wanted.file->order, wanted.schedule) : make_schedule(wanted.schedule);
}

program detail::make_program(const job& wanted) {
    program made = lower(schedule_of(wanted), wanted.sync);
    if (const auto found = verify(made); !found.ok()) refuse(message(found.faults.front()));
    return made;
}

job_program::job_program(const job& wanted) {
    if (const auto* found = detail::find_compiled(wanted)) {
        view_ = *found;
    } else {
        made_ = detail::make_program(wanted);
        view_ = made_.view();
    }
}

}  // namespace chimera::executor
