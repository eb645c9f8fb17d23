// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"

#include <chimera/core/error.hpp>
#include <chimera/version.hpp>

#include <exception>

namespace chimera_python {

PYBIND11_MODULE(_native, module) {
    module.doc() = "chimera's headers";
    py::register_exception_translator([](std::exception_ptr thrown) {
        try {
            if (thrown) std::rethrow_exception(thrown);
        } catch (const chimera::chimera_error& e) {
            PyErr_SetString(PyExc_ValueError, e.what());
        }
    });
    module.attr("__version__") = std::to_string(CHIMERA_VERSION_MAJOR) + "." + std::to_string(CHIMERA_VERSION_MINOR) +
                                 "." + std::to_string(CHIMERA_VERSION_PATCH);
    add_schedules(module);
    add_programs(module);
    add_simulation(module);
    add_search(module);
    add_planning(module);
}

}  // namespace chimera_python
