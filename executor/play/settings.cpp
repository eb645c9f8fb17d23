// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/refusal.hpp>
#include <chimera/render/format.hpp>

#include <executor/play/settings.hpp>

#include <algorithm>

namespace chimera::executor::play {

namespace {

using format::fixed_point;
using format::put;

constexpr std::int64_t most_passes = 1 << 18;  // stages · micro-batches that are drawn anew at every key

constexpr field_text texts[field_count] = {
    {"family", column::sizes, "which order the passes run in; f takes the next one, F the one before"},
    {"stages", column::sizes, "parts that the model is cut into (data_parallel: workers, each with all of them)"},
    {"micro-batches", column::sizes, "of an iteration, all pipelines and copies together"},
    {"memory", column::sizes, "most activations of a stage that a worker may hold; 0 lifts the limit"},
    {"recompute", column::sizes, "whether activations are dropped, and computed again before the backward"},
    {"pipelines", column::family, "copies of the model that run through the workers, half of them down, half up"},
    {"scale", column::family, "beyond D micro-batches: units end to end, forwards in pairs, backwards in halves"},
    {"split", column::family, "backwards in two halves, weight gradients moved into the bubbles"},
    {"chunks", column::family, "stages that each worker holds"},
    {"group", column::family, "micro-batches that a chunk takes in a row"},
    {"waves", column::family, "how often a micro-batch runs down the workers and up again"},
    {"per update", column::family, "micro-batches between two updates of the weights"},
    {"forward", column::passes, "ticks of a stage's forward pass of a micro-batch"},
    {"backward", column::passes, "ticks of a stage's whole backward pass of a micro-batch"},
    {"weights", column::passes, "ticks of the backward that compute weight gradients, where it is split"},
    {"recompute", column::passes, "ticks of a stage's second forward, where it recomputes"},
    {"transfer", column::others, "ticks that a micro-batch takes from one stage to the next"},
    {"reduce", column::others, "ticks that the replicas of a stage take to add up their gradients"},
    {"update", column::others, "ticks of the update of a stage's weights"},
};

std::string number(double value) {
    std::string out;
    put(out, fixed_point{value, 3});
    return out;
}

std::string or_else(std::int64_t value, std::int64_t otherwise) {
    return std::to_string(value == 0 ? otherwise : value);
}

bool is_replicated(const settings& of) { return of.of.family == "data_parallel"; }

bool shows(const settings& of, field which) {
    const auto& family = of.of.family;
    switch (which) {
        case field::pipelines:
            return has_option(family, "pipelines");
        case field::scale:
            return has_option(family, "scale");
        case field::split:
            return has_option(family, "split");
        case field::chunks:
            return has_option(family, "chunks");
        case field::group:
            return has_option(family, "group");
        case field::waves:
            return has_option(family, "waves");
        case field::update_every:
            return has_option(family, "update_every");
        default:
            return true;
    }
}

}  // namespace

const field_text& describe(field which) { return texts[static_cast<int>(which)]; }

std::vector<field> fields_of(const settings& of) {
    std::vector<field> out;
    for (int i = 0; i < field_count; ++i)
        if (shows(of, static_cast<field>(i))) out.push_back(static_cast<field>(i));
    return out;
}

std::string value_of(const settings& of, field which) {
    const family_options& o = of.of;
    switch (which) {
        case field::family:
            return o.family;
        case field::stages:
            return std::to_string(o.stages);
        case field::micro_batches:
            return std::to_string(o.micro_batches);
        case field::memory:
            return of.memory ? number(*of.memory) : "no limit";
        case field::recompute:
            return o.recompute == "none" ? "no" : "yes";
        case field::pipelines:
            return or_else(o.pipelines, 2);
        case field::scale:
            return o.scale.empty() ? "direct" : o.scale;
        case field::split:
            return o.split ? "yes" : "no";
        case field::chunks:
            return or_else(o.chunks, 2);
        case field::group:
            return or_else(o.group, o.stages / (o.chunks == 0 ? 2 : o.chunks));
        case field::waves:
            return or_else(o.waves, 1);
        case field::update_every:
            return or_else(o.update_every, o.stages);
        case field::forward:
            return number(of.forward);
        case field::backward:
            return number(of.backward);
        case field::weight_gradient:
            return number(of.weight_gradient);
        case field::recompute_cost:
            return number(of.recompute);
        case field::transfer:
            return number(of.transfer);
        case field::reduce:
            return number(of.reduce);
        case field::update:
            return number(of.update);
    }
    return {};
}

family_options options_of(const settings& of) {
    family_options out = of.of;
    if (!is_replicated(of)) return out;
    if (out.stages < 1) refuse(text(refusal::width_below_one));
    if (out.micro_batches % out.stages != 0)
        refuse("micro_batches must be a multiple of the workers (each has its share) use such a number");
    out.width = out.stages;
    out.stages = 1;
    out.micro_batches /= out.width;
    return out;
}

costs costs_of(const settings& of, double stages) {
    costs out;
    out.forward = of.forward * stages;
    out.backward = of.backward * stages;
    out.input_gradient = (of.backward - of.weight_gradient) * stages;
    out.weight_gradient = of.weight_gradient * stages;
    out.recompute = of.recompute * stages;
    out.transfer = of.transfer;
    out.reduce.seconds = of.reduce * stages;
    out.update = of.update * stages;
    return out;
}

std::string refused(const settings& of) {
    try {
        check_family(options_of(of));
    } catch (const chimera_error& why) {
        return why.what();
    }
    if (of.of.stages * of.of.micro_batches <= most_passes) return {};
    return "stages · micro-batches is " + std::to_string(of.of.stages * of.of.micro_batches) +
           " (more than 262144 are not drawn at every key) use fewer, or chimera simulate";
}

}  // namespace chimera::executor::play
