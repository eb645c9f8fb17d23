// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/simulate/costs.hpp>

#include <pybind11/pybind11.h>

#include <cmath>
#include <string>
#include <vector>

namespace chimera_python {

namespace py = pybind11;

/// Returns a number, or one for each stage. Throws `chimera_error` for what is negative or no number.
inline chimera::per_stage stage_seconds(const std::string& key, const py::handle& given) {
    std::vector<double> out;
    if (py::isinstance<py::sequence>(given))
        for (const auto& one : given) out.push_back(one.cast<double>());
    else
        out.push_back(given.cast<double>());
    for (const double value : out)
        if (!std::isfinite(value) || value < 0 || value > 1e9)
            chimera::refuse(key + " is out of range (seconds) give numbers from 0 to 1e9");
    if (out.empty()) chimera::refuse(key + " is empty (seconds) give one number, or one for each stage");
    return out;
}

/// Returns costs from Python's keywords. A full backward is two forwards unless given, each half one.
inline chimera::costs costs_of(const py::dict& given) {
    chimera::costs out;
    out.backward = 2;
    for (const auto& [key_handle, value] : given) {
        const auto key = key_handle.cast<std::string>();
        chimera::per_stage* to = key == "forward"           ? &out.forward
                                 : key == "backward"        ? &out.backward
                                 : key == "input_gradient"  ? &out.input_gradient
                                 : key == "weight_gradient" ? &out.weight_gradient
                                 : key == "recompute"       ? &out.recompute
                                 : key == "transfer"        ? &out.transfer
                                 : key == "reduce"          ? &out.reduce.seconds
                                 : key == "tied"            ? &out.tied
                                 : key == "update"          ? &out.update
                                                            : nullptr;
        if (to == nullptr)
            chimera::refuse("cost " + key +
                            " is unknown (no such cost) give forward, backward, input_gradient, weight_gradient, "
                            "recompute, transfer, reduce, tied or update");
        *to = stage_seconds(key, value);
    }
    return out;
}

}  // namespace chimera_python
