// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/calibrate/hardware_catalogue.hpp>

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
/// "peak", the FLOP/s of the data sheet, is what a model's FLOPs are compared with (MFU); "fp8_peak" where its products
/// are in 8 bits, which only devices with "fp8_flops" compute. "memory", the bytes of a
/// device, and "workers_per_node" are those of a cluster that does not say them. "fit" and "sources" are for people.
/// Numbers are within what is possible (`hardware_numbers`). Throws error in one line that names the key.
hardware read_hardware(const nlohmann::json& value, const std::string& what);

/// The content of a hardware file, or what is known by a name.
struct fitted_hardware {
    hardware numbers;
    std::optional<double> held_out{};  ///< mean relative error on rows held out of the fit, where it says so
    std::optional<double> memory{};    ///< bytes of a device
    std::optional<int> workers_per_node{};
    std::string called{};  ///< the name in its own capitals, or the file
};
/// Of JSON. Throws error in one line that names the key.
fitted_hardware read_fitted_hardware(const nlohmann::json& value, const std::string& what);
/// Of a file, or of the hardware that is known by that name, such as A100, in capitals or not. Throws error in one line,
/// which names the nearest name.
fitted_hardware load_hardware(const std::string& name_or_path);
/// Returns the entry of the catalogue of that name, in capitals or not. Throws error that names the nearest one.
const catalogued_hardware& hardware_named(const std::string& name);
/// Returns the names that need no file: "P100, V100, A100, …".
std::string hardware_names();

/// As JSON: all numbers that are finite and known. read_hardware reads it back to the same.
nlohmann::json hardware_json(const hardware& numbers);
/// Writes the numbers of a file as JSON, with the memory and the workers of a node if these are known.
nlohmann::json hardware_json(const fitted_hardware& known);
/// Writes the numbers of a name as JSON, and under "sources" the origin of each number.
nlohmann::json hardware_json(const catalogued_hardware& known);

}  // namespace chimera::executor
