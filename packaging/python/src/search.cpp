// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "costs.hpp"

#include <chimera/search.hpp>

#include <pybind11/stl.h>

namespace chimera_python {

using namespace chimera;

namespace {

placing placement_named(const std::string& wanted) {
    for (const placing p : {placing::linear, placing::fold, placing::loop, placing::overlay})
        if (wanted == name(p)) return p;
    refuse("placement " + wanted + " is unknown (no such name) give linear, fold, loop or overlay");
}

/// Lets Python handle its signals; an interrupt ends the search and is raised when it has returned.
bool goes_on() {
    const py::gil_scoped_acquire held;
    return PyErr_CheckSignals() == 0;
}

search_result find(const search_problem& problem, double seconds, std::int64_t evaluations, std::uint64_t seed) {
    search_options options{.seed = seed, .evaluations = evaluations, .seconds = seconds};
    options.progress = [](const search_progress&) { return goes_on(); };
    search_result found;
    {
        const py::gil_scoped_release released;
        found = search(problem, options);
    }
    if (PyErr_Occurred()) throw py::error_already_set();
    return found;
}

}  // namespace

void add_search(py::module_& to) {
    py::class_<search_result>(to, "SearchResult", "The best order found, and what no order can go below.")
        .def_property_readonly("schedule", [](const search_result& r) { return r.order; })
        .def_readonly("makespan", &search_result::makespan)
        .def_readonly("makespan_bound", &search_result::makespan_bound)
        .def_property_readonly(
            "gap", [](const search_result& r) { return r.makespan_gap(); }, "share above the bound")
        .def_readonly("exact", &search_result::exact)
        .def_readonly("evaluations", &search_result::evaluations)
        .def_readonly("peaks", &search_result::peaks);
    to.def(
        "search",
        [](int stages, int micro_batches, const std::string& placement, int chunks, bool split,
           const std::vector<double>& memory, double seconds, std::int64_t evaluations, std::uint64_t seed,
           const py::kwargs& given) {
            search_problem problem{.stages = stages, .micro_batches = micro_batches};
            problem.cost = costs_of(given);
            problem.placement = placement_named(placement);
            problem.chunks = chunks;
            problem.split = split;
            problem.memory = memory;
            return find(problem, seconds, evaluations, seed);
        },
        py::kw_only(), py::arg("stages"), py::arg("micro_batches"), py::arg("placement") = "linear",
        py::arg("chunks") = 2, py::arg("split") = true, py::arg("memory") = std::vector<double>{},
        py::arg("seconds") = 0.0, py::arg("evaluations") = 0, py::arg("seed") = 1,
        "The shortest order of a problem; costs as `simulate` takes them.");
}

}  // namespace chimera_python
