// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/job/job.hpp>
#include <executor/workers/backend.hpp>

#include <functional>
#include <memory>
#include <string>

namespace chimera::executor {

/// Chooses the device of a job: a GPU where the job leaves the choice and there is one, or where it asks for one; else
/// the CPU, and `say` hears why. With a process group, the workers that this process plays. Throws chimera_error where
/// a GPU is asked for and there is none, with the reason, and where the CPU does not compute in the precision asked
/// for.
std::unique_ptr<backend> choose_backend(const job& wanted, int workers,
                                        const std::function<void(const std::string&)>& say,
                                        process_group* together = nullptr);

}  // namespace chimera::executor
