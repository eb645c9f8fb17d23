// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/refusal.hpp>
#include <chimera/render/format.hpp>

#include <executor/play/settings.hpp>

#include <type_traits>

namespace chimera::executor::play {

namespace {

using format::fixed_point;
using format::put;

constexpr std::int64_t most_passes = 1 << 18;  // stages · micro-batches that are drawn anew at every key

constexpr field_text before_options[] = {
    {"family", column::sizes, "which order the passes run in; f takes the next one, F the one before"},
    {"stages", column::sizes, "parts that the model is cut into (data_parallel: workers, each with all of them)"},
    {"micro-batches", column::sizes, "of an iteration, all pipelines and copies together"},
    {"memory", column::sizes, "most activations of a stage that a worker may hold; 0 lifts the limit"},
    {"recompute", column::sizes, "whether activations are dropped, and computed again before the backward"},
};

constexpr field_text after_options[] = {
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

bool is_replicated(const settings& of) { return of.of.which == chimera::family::data_parallel; }

/// The number that a family takes where the options leave it open; its workers, or the words of the option, where it
/// has no number of its own.
std::string taken(const family_options& of, const family_option& asked) {
    return of.visit([&](const auto& own) {
        int out = 0;
        const auto find = [&](const family_option& option, const auto& value) {
            if (option.key == asked.key) out = static_cast<int>(value);
        };
        each_option(find, own);
        if (out == 0 && !asked.otherwise.starts_with("the ")) return std::string(asked.otherwise);
        return std::to_string(out == 0 ? own.workers() : out);
    });
}

template <class Value>
std::string shown(const family_options& of, const family_option& option, Value value) {
    if constexpr (std::is_same_v<Value, bool>) return value ? "yes" : "no";
    if constexpr (std::is_enum_v<Value>) return std::string(name(value));
    return value == Value{} ? taken(of, option) : std::to_string(static_cast<int>(value));
}

bool shows(const settings& of, field which) {
    bool out = true;
    at_option(which, of.of,
              [&](const family_option& option, const auto&) { out = has_option(of.of.which, option.key); });
    return out;
}

}  // namespace

const field_text& describe(field which) {
    static const std::vector<field_text> all = [] {
        std::vector<field_text> out(std::begin(before_options), std::end(before_options));
        for (const family_option& option : family_option_table)
            out.push_back({option.title.data(), column::family, option.meaning.data()});
        out.insert(out.end(), std::begin(after_options), std::end(after_options));
        return out;
    }();
    return all[static_cast<std::size_t>(which)];
}

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
            return std::string(name(o.which));
        case field::stages:
            return std::to_string(o.stages);
        case field::micro_batches:
            return std::to_string(o.micro_batches);
        case field::memory:
            return of.memory ? number(*of.memory) : "no limit";
        case field::recompute:
            return o.recompute.mode == recompute_mode::none ? "no" : "yes";
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
        default:
            break;
    }
    std::string out;
    at_option(which, o, [&](const family_option& option, const auto& value) { out = shown(o, option, value); });
    return out;
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
    const std::int64_t passes = std::int64_t{of.of.stages} * of.of.micro_batches;
    if (passes <= most_passes) return {};
    return "stages · micro-batches is " + std::to_string(passes) +
           " (more than 262144 are not drawn at every key) use fewer, or chimera simulate";
}

}  // namespace chimera::executor::play
