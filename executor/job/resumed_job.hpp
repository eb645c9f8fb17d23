// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/job/job.hpp>

#include <nlohmann/json.hpp>

#include <string>

namespace chimera::executor {

/// Takes out of a job what filled_in would put in again: a smallest learning rate of a tenth of the rate, the warm-up
/// that so many steps have where nothing is said. It then follows a rate or steps that are said elsewhere.
void leave_out_filled_in(nlohmann::json& job);

/// The job of a resumed run: `said`, by a file, by options or by both, and all that it leaves out as in the job.json of
/// its output folder. Model, schedule and batch are taken from either as a whole; of the optimiser each setting. Throws
/// chimera_error where that file is no JSON.
nlohmann::json resumed_job(nlohmann::json said);

/// What differs between two settings_text, named by key: what a resumed run may not change, and what it may, the
/// optimiser's settings. Empty: nothing.
struct changed_settings {
    std::string fixed, optimiser;
};
changed_settings compare_settings(const std::string& there, const std::string& here);

}  // namespace chimera::executor
