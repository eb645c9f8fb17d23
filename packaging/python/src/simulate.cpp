// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "costs.hpp"

#include <chimera/render.hpp>
#include <chimera/render/html.hpp>
#include <chimera/simulate/metrics.hpp>
#include <chimera/simulate/simulate.hpp>

#include <pybind11/stl.h>

namespace chimera_python {

using namespace chimera;

namespace {

py::list workers_of(const timeline& t) {
    py::list out;
    for (const worker_metrics& w : metrics(t).workers) {
        py::dict one;
        one["busy"] = w.busy;
        one["idle"] = w.idle;
        one["peak_activations"] = w.peak_activations;
        out.append(one);
    }
    return out;
}

std::vector<std::tuple<std::string, int, int, double, double>> row_of(const timeline& t, int w) {
    if (w < 0 || w >= t.head.workers) refuse("there is no worker " + std::to_string(w) + " (see workers) give another");
    std::vector<std::tuple<std::string, int, int, double, double>> out;
    for (const step& s : t.row(w)) out.emplace_back(name(s.op), s.stage, s.first, s.begin, s.end);
    return out;
}

}  // namespace

void add_simulation(py::module_& to) {
    py::class_<timeline>(to, "Timeline", "A program with times in seconds.")
        .def_property_readonly("makespan", [](const timeline& t) { return metrics(t).makespan; })
        .def_property_readonly("bubble_ratio", [](const timeline& t) { return metrics(t).bubble_ratio; })
        .def_property_readonly("workers", &workers_of, "busy, idle and peak_activations of each worker")
        .def("row", &row_of, py::arg("worker"), "(op, stage, first unit, begin, end) of a worker's steps.")
        .def("text", [](const timeline& t) { return text(t); })
        .def("svg", [](const timeline& t) { return svg(t); })
        .def("html", [](const timeline& t) { return html(t); })
        .def(
            "trace", [](const timeline& t) { return trace(t); }, "For chrome://tracing and Perfetto.")
        .def("_repr_svg_", [](const timeline& t) { return svg(t); });
    to.def(
        "simulate",
        [](const program& p, const py::kwargs& given) {
            const costs c = costs_of(given);
            const py::gil_scoped_release released;
            return simulate(p, c);
        },
        py::arg("program"),
        "The timeline of a program: seconds of forward, backward, input_gradient, weight_gradient, "
        "recompute, transfer, reduce and update, one number or one for each stage.");
    to.def(
        "simulate",
        [](const schedule& s, const py::kwargs& given) {
            const costs c = costs_of(given);
            const py::gil_scoped_release released;
            return simulate(lower(s), c);
        },
        py::arg("schedule"));
}

}  // namespace chimera_python
