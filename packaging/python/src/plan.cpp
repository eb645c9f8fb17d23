// SPDX-License-Identifier: Apache-2.0
#include "bindings.hpp"
#include "families.hpp"

#include <chimera/calibrate/hardware_catalogue.hpp>
#include <chimera/model.hpp>
#include <chimera/plan.hpp>
#include <chimera/render/plan_text.hpp>

#include <pybind11/stl.h>

#include <algorithm>
#include <cctype>

namespace chimera_python {

using namespace chimera;

namespace {

std::string in_capitals(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

template <class Catalogue>
std::vector<std::string> names_of(const Catalogue& entries) {
    std::vector<std::string> out;
    for (const auto& entry : entries) out.emplace_back(entry.name);
    return out;
}

const catalogued_hardware& hardware_named(const std::string& wanted) {
    std::string all;
    for (const catalogued_hardware& known : hardware_catalogue) {
        if (in_capitals(std::string(known.name)) == in_capitals(wanted)) return known;
        all += (all.empty() ? "" : ", ") + std::string(known.name);
    }
    refuse("unknown hardware " + wanted + " (no such name) use " + all);
}

/// Returns the spec as keywords for `generate`.
py::dict spec_words(const family_spec& spec) {
    py::dict out;
    out["family"] = std::string(name(spec.which));
    out["stages"] = spec.stages;
    out["micro_batches"] = spec.micro_batches;
    each_option(
        [&](const family_option& option, const auto& value) {
            if (value == std::remove_cvref_t<decltype(value)>{}) return;
            if (option.kind == option_kind::choice)
                out[py::str(std::string(option.key))] = std::string(option.labels[static_cast<std::size_t>(value)]);
            else
                out[py::str(std::string(option.key))] = static_cast<int>(value);
        },
        spec);
    return out;
}

py::dict place_of(const ranked& r, std::int64_t samples) {
    py::dict out;
    out["seconds"] = r.found.seconds;
    out["samples_per_second"] = static_cast<double>(samples) / r.found.seconds;
    out["memory"] = r.found.memory;
    out["words"] = in_words(r.with, samples);
    out["schedule"] = spec_words(r.with.schedule);
    out["width"] = r.with.width;
    out["tensor"] = r.with.tensor;
    out["micro_batch"] = r.with.micro_batch;
    out["zero"] = r.with.zero;
    out["recompute"] = std::string(name(r.with.recompute));
    out["cuts"] = r.with.cuts;
    return out;
}

cluster machines_of(const std::string& hardware, int nodes, int workers_per_node, double memory) {
    const catalogued_hardware& known = hardware_named(hardware);
    cluster out{.nodes = nodes};
    out.each = numbers_of(known);
    out.workers_per_node = workers_per_node > 0 ? workers_per_node : (std::max)(known.workers_per_node, 1);
    out.memory = memory > 0 ? memory : known.device->memory.value;
    if (out.memory <= 0) refuse(hardware + " does not say its memory (it comes in several sizes) give memory in bytes");
    if (nodes < 1) refuse("nodes must be at least 1 (a cluster has workers) correct it");
    return out;
}

plan_report planned(const model& network, const cluster& machines, plan_request asked) {
    asked.progress = [](const plan_progress&) {
        const py::gil_scoped_acquire held;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };
    const py::gil_scoped_release released;
    plan_cache cache;
    return make_plan(network, machines, asked, cache);
}

}  // namespace

void add_planning(py::module_& to) {
    to.def(
        "models", [] { return names_of(model_catalogue); }, "The models that `plan` knows by name.");
    to.def(
        "hardware", [] { return names_of(hardware_catalogue); }, "The devices and nodes that `plan` knows by name.");
    to.def(
        "plan",
        [](const std::string& model_name, const std::string& hardware, std::int64_t samples, int nodes,
           int workers_per_node, double memory, const std::vector<std::string>& families,
           const std::vector<int>& tensor, const std::vector<int>& zero, std::size_t top) {
            plan_request asked{.samples = samples, .tensors = tensor, .zero = zero, .top = top};
            for (const std::string& f : families) asked.families.push_back(family_named(f));
            const model network = named(model_name);
            const plan_report report = planned(network, machines_of(hardware, nodes, workers_per_node, memory), asked);
            py::list out;
            for (const ranked& r : report.ranking) out.append(place_of(r, samples));
            return out;
        },
        py::kw_only(), py::arg("model"), py::arg("hardware"), py::arg("samples"), py::arg("nodes") = 1,
        py::arg("workers_per_node") = 0, py::arg("memory") = 0.0, py::arg("families") = std::vector<std::string>{},
        py::arg("tensor") = std::vector<int>{1}, py::arg("zero") = std::vector<int>{0, 1, 2, 3}, py::arg("top") = 10,
        "The best ways to train a model on a cluster, best first. memory: bytes of a worker.");
}

}  // namespace chimera_python
