// SPDX-License-Identifier: Apache-2.0
#pragma once

// The rooms of the module: each adds its names. A chimera_error becomes a ValueError with its one line.

#include <pybind11/pybind11.h>

#include <string>
#include <vector>

namespace chimera_python {

namespace py = pybind11;

void add_schedules(py::module_& to);
void add_programs(py::module_& to);
void add_simulation(py::module_& to);
void add_search(py::module_& to);
void add_planning(py::module_& to);

}  // namespace chimera_python
