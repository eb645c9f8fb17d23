// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "families.hpp"

#include <chimera/algebra.hpp>
#include <chimera/core/query.hpp>
#include <chimera/io.hpp>
#include <chimera/program/lower.hpp>
#include <chimera/render.hpp>
#include <chimera/render/html.hpp>
#include <chimera/schedule/custom.hpp>
#include <chimera/verify.hpp>

#include <pybind11/stl.h>

namespace chimera_python {

using namespace chimera;

namespace {

py::dict options_of(family which) {
    py::dict out;
    for (const family_option& option : family_option_table)
        if (has_option(which, option.key)) out[py::str(std::string(option.key))] = std::string(option.help);
    return out;
}

py::dict families() {
    py::dict out;
    for (std::size_t i = 0; i < family_labels.size(); ++i)
        out[py::str(std::string(family_labels[i]))] = options_of(static_cast<family>(i));
    return out;
}

std::vector<std::string> faults(const report& found) {
    std::vector<std::string> out;
    for (const fault& f : found.faults) out.push_back(message(f));
    return out;
}

reduction_start sync_named(const std::string& name) {
    if (name == "lazy") return reduction_start::lazy;
    if (name == "eager") return reduction_start::eager;
    if (name == "eager_opt") return reduction_start::eager_opt;
    refuse("sync " + name + " is unknown (reductions start in three ways) give lazy, eager or eager_opt");
}

std::vector<std::vector<slot>> rows_of(const schedule& s) {
    std::vector<std::vector<slot>> out;
    for (int w = 0; w < s.head.workers; ++w) {
        const auto row = s.view().row(w);
        out.emplace_back(row.begin(), row.end());
    }
    return out;
}

std::vector<std::vector<std::int32_t>> placement_of(const schedule& s) {
    std::vector<std::vector<std::int32_t>> out;
    for (int p = 0; p < s.head.pipelines; ++p) {
        out.emplace_back();
        for (int stage = 0; stage < s.head.stages; ++stage) out.back().push_back(s.view().worker_of(p, stage));
    }
    return out;
}

schedule loaded(schedule_or_program read) {
    if (auto* order = std::get_if<schedule>(&read)) return std::move(*order);
    refuse("the file is a program (an order is needed) give the schedule that it was lowered from");
}

std::vector<std::tuple<std::string, int, int>> links_of(const schedule& s) {
    std::vector<std::tuple<std::string, int, int>> out;
    for (const stage_link& l : s.links) out.emplace_back(l.kind == link_kind::tied ? "tied" : "skip", l.from, l.to);
    return out;
}

void set_links(schedule& s, const std::vector<std::tuple<std::string, int, int>>& given) {
    std::vector<stage_link> links;
    for (const auto& [kind, from, to] : given) {
        if (kind != "skip" && kind != "tied")
            refuse("link " + kind + " is unknown (there are two kinds) give skip or tied");
        if (from < 0 || to < 0 || from > 65535 || to > 65535)
            refuse("a link's stage is out of range (0 to 65535) correct it");
        links.push_back({kind == "tied" ? link_kind::tied : link_kind::skip, static_cast<std::uint16_t>(from),
                         static_cast<std::uint16_t>(to)});
    }
    s.links = std::move(links);
}

void add_slot(py::module_& to) {
    py::class_<slot>(to, "Slot", "One pass of a stage over some units.")
        .def_property_readonly(
            "op", [](const slot& s) { return std::string(1, letter(s.op)); }, "F, B, I, W or R")
        .def_property_readonly("stage", [](const slot& s) { return int{s.stage}; })
        .def_property_readonly("pipeline", [](const slot& s) { return int{s.pipeline}; })
        .def_property_readonly(
            "first", [](const slot& s) { return s.first; }, "first unit")
        .def_property_readonly(
            "count", [](const slot& s) { return int{s.count}; }, "units")
        .def_property_readonly("tick", [](const slot& s) { return s.tick; })
        .def_property_readonly("ticks", [](const slot& s) { return int{s.ticks}; })
        .def_property_readonly(
            "overlap", [](const slot& s) { return s.overlap != 0; }, "runs together with the next")
        .def("__repr__", [](const slot& s) {
            return "<" + std::to_string(s.stage) + letter(s.op) + std::to_string(s.first) + " at " +
                   std::to_string(s.tick) + ">";
        });
}

}  // namespace

void add_schedules(py::module_& to) {
    add_slot(to);
    py::class_<schedule>(to, "Schedule", "For each worker, the slots that it computes, in order.")
        .def_property_readonly("family", [](const schedule& s) { return std::string(s.head.family.view()); })
        .def_property_readonly("workers", [](const schedule& s) { return s.head.workers; })
        .def_property_readonly("stages", [](const schedule& s) { return s.head.stages; })
        .def_property_readonly("pipelines", [](const schedule& s) { return s.head.pipelines; })
        .def_property_readonly("micro_batches", [](const schedule& s) { return s.head.micro_batches; })
        .def_property_readonly("micro_batch_parts", [](const schedule& s) { return s.head.micro_batch_parts; })
        .def_property_readonly(
            "makespan", [](const schedule& s) { return makespan(s); }, "ticks to the last end")
        .def_property_readonly("placement", &placement_of, "placement[pipeline][stage]: the worker")
        .def_property("links", &links_of, &set_links, "skips and tied stages: (kind, from, to)")
        .def("rows", &rows_of, "The slots of each worker.")
        .def(
            "idle",
            [](const schedule& s, int w) {
                if (w < 0 || w >= s.head.workers)
                    refuse("there is no worker " + std::to_string(w) + " (see workers) give another");
                return idle(s, worker{w});
            },
            py::arg("worker"), "Ticks in which a worker computes nothing.")
        .def(
            "verify", [](const schedule& s) { return faults(verify(s)); },
            "What breaks a law, a line each; empty if nothing does.")
        .def(
            "lower", [](const schedule& s, const std::string& sync) { return lower(s, sync_named(sync)); },
            py::arg("sync") = "eager_opt", "The program: all that may not be decided later.")
        .def(
            "widen",
            [](const schedule& s, int width) {
                if (width < 1 || width > 65535) refuse("width must be from 1 to 65535 (it counts copies) correct it");
                return widen(s, width);
            },
            py::arg("width"), "So many data-parallel copies.")
        .def("text", [](const schedule& s) { return text(ticks_timeline(s)); })
        .def("svg", [](const schedule& s) { return svg(ticks_timeline(s), {.unit = time_unit::ticks}); })
        .def("html", [](const schedule& s) { return html(ticks_timeline(s), {.unit = time_unit::ticks}); })
        .def(
            "csv", [](const schedule& s) { return csv(s); }, "PyTorch's form.")
        .def("json", [](const schedule& s) { return json(s); })
        .def_static(
            "from_json", [](const std::string& t) { return loaded(read_table(t)); }, py::arg("text"))
        .def_static(
            "from_csv", [](const std::string& t) { return read_csv(t).order; }, py::arg("text"))
        .def_static(
            "load", [](const std::string& p) { return loaded(load_table(p)); }, py::arg("path"))
        .def("_repr_svg_", [](const schedule& s) { return svg(ticks_timeline(s), {.unit = time_unit::ticks}); })
        .def("__repr__",
             [](const schedule& s) {
                 return "<Schedule " + std::string(s.head.family.view()) + ": " + std::to_string(s.head.workers) +
                        " workers, " + std::to_string(s.head.stages) + " stages, " +
                        std::to_string(s.head.micro_batches) + " micro-batches>";
             })
        .def("__eq__", [](const schedule& a, const schedule& b) {
            return a.head == b.head && a.placement == b.placement && a.offsets == b.offsets && a.entries == b.entries &&
                   a.links == b.links;
        });
    to.def("families", &families, "The families by name, each with its options and what they are.");
    to.def(
        "generate",
        [](const std::string& name, const py::kwargs& options) {
            const family_spec spec = spec_of(name, options);
            const py::gil_scoped_release released;
            return generate(spec);
        },
        py::arg("family"), "The schedule of a family: stages or workers, micro_batches and its options.");
    to.def(
        "custom", [](const std::string& order) { return generate(custom{order}); }, py::arg("order"),
        "An order written by hand, such as '0F0 0B0; 1F0 1B0'.");
}

}  // namespace chimera_python
