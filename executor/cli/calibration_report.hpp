// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/fit_hardware.hpp>

#include <executor/io/measurements.hpp>

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// Measurements of a file with what is predicted for them. `held_out` may be empty.
struct predicted_rows {
    const measured_file& of;
    predictor& by;
    const hardware& on;
    const std::vector<double>& errors;
    const std::vector<double>& held_out;
};

/// Fitted numbers with their intervals, errors of the fit and of rows held out.
std::string text_of(const calibration& found, const std::string& file, std::size_t rows);

/// Every row where they are few, else the errors of classes; of schemes their ranking at each number of nodes too.
std::string text_of(const predicted_rows& rows);

std::string text_of(const error_summary& errors);

nlohmann::json json_of(const calibration& found);
nlohmann::json json_of(const predicted_rows& rows);
nlohmann::json json_of(const error_summary& errors);

}  // namespace chimera::executor
