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
constexpr program_view compiled = proven<fixed_lowered<proven<fixed<Spec>>, sync::eager_opt>>.view();

}  // namespace

const program_view* detail::find_compiled(const job& wanted) {
    const auto& s = wanted.schedule;
    const bool plain = s.file.empty() && s.family == "bidirectional" && s.stages == 4 &&
                       (s.pipelines == 0 || s.pipelines == 2) && (s.scale.empty() || s.scale == "direct") && !s.split &&
                       s.width == 1 && s.recompute == "none" && wanted.sync == "eager_opt";
    if (!plain) return nullptr;
    if (s.micro_batches == 4) return &compiled<bidirectional{.stages = 4, .micro_batches = 4}>;
    if (s.micro_batches == 8) return &compiled<bidirectional{.stages = 4, .micro_batches = 8}>;
    return nullptr;
}

program detail::make_program(const job& wanted) {
    const auto mode = wanted.sync == "lazy" ? sync::lazy : wanted.sync == "eager" ? sync::eager : sync::eager_opt;
    program made = lower(make_schedule(wanted.schedule), mode);
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
