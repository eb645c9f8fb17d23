// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/program.hpp>
#include <executor/job/job.hpp>

namespace chimera::executor {

/// The program that a job runs: one of the programs that were generated, lowered and proven when this file was
/// compiled, or one made now and verified. Both come from the same functions, so they are the same wherever both exist.
class job_program {
public:
    /// Throws error where the schedule's options are refused or a law is broken.
    explicit job_program(const job& wanted);

    job_program(const job_program&) = delete;  // the view may be of its own table
    job_program& operator=(const job_program&) = delete;

    const program_view& view() const { return view_; }
    bool compiled() const { return made_.instructions.empty(); }

private:
    program made_;
    program_view view_;
};

namespace detail {

/// Generates, lowers and verifies at run time.
program make_program(const job& wanted);

/// The compiled program of a job; null where there is none.
const program_view* find_compiled(const job& wanted);

}  // namespace detail

}  // namespace chimera::executor
