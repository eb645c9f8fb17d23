// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"

#include <chimera/io.hpp>
#include <chimera/render/cpp.hpp>
#include <chimera/render/csv.hpp>
#include <chimera/render/json.hpp>
#include <chimera/render/program_text.hpp>
#include <chimera/run.hpp>
#include <chimera/verify.hpp>

#include <pybind11/stl.h>

namespace chimera_python {

using namespace chimera;

namespace {

void check_worker(const program& p, int w) {
    if (w < 0 || w >= p.head.workers) refuse("there is no worker " + std::to_string(w) + " (see workers) give another");
}

std::vector<instruction> row_of(const program& p, int w) {
    check_worker(p, w);
    const auto row = p.view().row(w);
    return {row.begin(), row.end()};
}

std::vector<std::string> faults(const program& p) {
    std::vector<std::string> out;
    for (const fault& f : verify(p).faults) out.push_back(message(f));
    return out;
}

void add_instruction(py::module_& to) {
    py::class_<instruction>(to, "Instruction", "One step of a worker's program; -1 where a field does not apply.")
        .def_property_readonly("op", [](const instruction& i) { return std::string(name(i.op)); })
        .def_property_readonly("stage", [](const instruction& i) { return int{i.stage}; })
        .def_property_readonly("pipeline", [](const instruction& i) { return int{i.pipeline}; })
        .def_property_readonly("first", [](const instruction& i) { return i.first; })
        .def_property_readonly("count", [](const instruction& i) { return int{i.count}; })
        .def_property_readonly("peer", [](const instruction& i) { return i.peer; })
        .def_property_readonly("group", [](const instruction& i) { return i.group; })
        .def_property_readonly("message", [](const instruction& i) { return i.message; })
        .def_property_readonly("buffer", [](const instruction& i) { return i.buffer; })
        .def_property_readonly("version", [](const instruction& i) { return int{i.version}; })
        .def_property_readonly("link", [](const instruction& i) { return is_transfer(i.op) ? i.list : -1; })
        .def_property_readonly("overlap", [](const instruction& i) { return i.overlap != 0; })
        .def("__repr__", [](const instruction& i) {
            return "<" + std::string(name(i.op)) + " stage " + std::to_string(i.stage) + " unit " +
                   std::to_string(i.first) + ">";
        });
}

}  // namespace

void add_programs(py::module_& to) {
    add_instruction(to);
    py::class_<program>(to, "Program", "A schedule and everything that an executor must not decide by itself.")
        .def_property_readonly("workers", [](const program& p) { return p.head.workers; })
        .def_property_readonly("stages", [](const program& p) { return p.head.stages; })
        .def_property_readonly("pipelines", [](const program& p) { return p.head.pipelines; })
        .def_property_readonly("micro_batches", [](const program& p) { return p.head.micro_batches; })
        .def_property_readonly("units", [](const program& p) { return p.head.units(); })
        .def_property_readonly("messages", [](const program& p) { return p.messages; })
        .def("row", &row_of, py::arg("worker"), "The instructions of a worker, in order.")
        .def(
            "worker_of",
            [](const program& p, int pipeline, int stage) {
                if (pipeline < 0 || pipeline >= p.head.pipelines || stage < 0 || stage >= p.head.stages)
                    refuse("there is no such stage (see pipelines and stages) give another");
                return p.view().worker_of(pipeline, stage);
            },
            py::arg("pipeline"), py::arg("stage"))
        .def(
            "members",
            [](const program& p, int stage) {
                if (stage < 0 || stage + 1 >= static_cast<int>(p.member_offsets.size()))
                    refuse("there is no such stage (see stages) give another");
                const auto group = p.view().replica_group(stage);
                return std::vector<std::int32_t>(group.begin(), group.end());
            },
            py::arg("stage"), "The workers that hold a stage, ascending: the order in which gradients are added.")
        .def(
            "buffers",
            [](const program& p, int w) {
                check_worker(p, w);
                return message_buffers(p, w);
            },
            py::arg("worker"), "Message buffers that a worker needs, in units.")
        .def("verify", &faults, "What breaks a law, a line each; empty if nothing does.")
        .def("text", [](const program& p) { return text(p); })
        .def("json", [](const program& p) { return json(p); })
        .def(
            "csv", [](const program& p) { return csv(p); }, "As PyTorch loads it with format=\"compute_comms\".")
        .def(
            "cpp", [](const program& p, const std::string& name) { return cpp(p, name, "chimera_schedules"); },
            py::arg("name"), "A C++ header with the program as data.")
        .def_static(
            "load", [](const std::string& path) { return load_program(path); }, py::arg("path"))
        .def("__repr__", [](const program& p) {
            return "<Program " + std::string(p.head.family.view()) + ": " + std::to_string(p.head.workers) +
                   " workers, " + std::to_string(p.instructions.size()) + " instructions, " +
                   std::to_string(p.messages) + " messages>";
        });
}

}  // namespace chimera_python
