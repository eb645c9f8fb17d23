// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/plan/hardware.hpp>

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace chimera::executor {

/// The figures of a device and its links as a file: chimera.hardware, version 1. Numbers by their names in
/// `hardware_numbers`, those of links in an object of their own; what is left out stays as in chimera::hardware, but
/// flops must be there:
///
///     {"format": "chimera.hardware", "version": 1, "flops": 5.1e12, "step_overhead": 0.01,
///      "between": {"latency": 1e-5, "bandwidth": 8e9}}
///
/// "peak", the FLOP/s of the data sheet, is what a model's FLOPs are compared with (MFU). Numbers are within what is
/// possible (`hardware_numbers`). Throws error in one line that names the key.
hardware read_hardware(const nlohmann::json& value, const std::string& what);

/// The content of a hardware file: its numbers and, where it says so, how far their fit was off.
struct fitted_hardware {
    hardware numbers;
    std::optional<double> held_out;  ///< mean relative error on rows held out of the fit
};
/// Of a file, or of the hardware that is known by that name, such as A100. Throws error in one line.
fitted_hardware load_hardware(const std::string& name_or_path);
/// Returns the names that need no file: "P100, V100, A100".
std::string hardware_names();

/// As JSON: all numbers that are finite. read_hardware reads it back to the same.
nlohmann::json hardware_json(const hardware& numbers);

}  // namespace chimera::executor
