// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/compare/contenders.hpp>

#include <optional>
#include <string>
#include <vector>

namespace chimera::executor::play {

/// Everything that the figures on the screen depend on. Times are in ticks, of one of the `of.stages` stages and one
/// micro-batch; all stages take the same.
struct settings {
    /// For data_parallel see `options_of`.
    family_options of{{.which = family::bidirectional, .stages = 4, .micro_batches = 4}};
    double forward = 1;
    double backward = 2;         ///< both halves together
    double weight_gradient = 1;  ///< the half of a backward that computes weight gradients; less than `backward`
    double recompute = 1;
    double transfer = 0;  ///< across a boundary between stages
    double reduce = 0;    ///< of a stage's gradient over its replicas
    double update = 0;
    std::optional<double> memory;  ///< most activations of a stage that a worker may hold

    friend bool operator==(const settings&, const settings&) = default;
};

/// The fields that can be changed, in the order of the keys.
enum class field {
    family,
    stages,
    micro_batches,
    memory,
    recompute,
#define CHIMERA_FIELD(type, key, ...) key,
    CHIMERA_FAMILY_OPTIONS(CHIMERA_FIELD)
#undef CHIMERA_FIELD
        forward,
    backward,
    weight_gradient,
    recompute_cost,
    transfer,
    reduce,
    update,
};
inline constexpr int field_count = static_cast<int>(field::update) + 1;

/// Calls f with the row and the value of the option that a field shows; not at all for other fields.
template <class Options, class F>
void at_option(field which, Options& options, const F& f) {
    int at = static_cast<int>(field::recompute);
    const auto find = [&](const family_option& option, auto& value) {
        if (++at == static_cast<int>(which)) f(option, value);
    };
    each_option(find, options);
}

/// The columns that the fields stand in: sizes, what only the family has, costs of passes, costs of the rest.
enum class column { sizes, family, passes, others };

/// The name of a field, its column, and its meaning in a line.
struct field_text {
    const char* name;
    column where;
    const char* meaning;
};
const field_text& describe(field which);

/// The fields that the family has, in order.
std::vector<field> fields_of(const settings& of);

/// The value of a field as it is shown; a choice that is left to the family reads as what the family takes.
std::string value_of(const settings& of, field which);

/// The schedule to generate. data_parallel runs on as many workers as the model has stages, the whole model on each,
/// and they share the micro-batches. Throws chimera_error where these cannot be shared evenly.
family_options options_of(const settings& of);

/// The costs of so many of the settings' stages taken together; transfers stay what they are.
costs costs_of(const settings& of, double stages);

/// Says in one line why there is nothing to show: the family refuses the settings, or they are too large to draw. Empty
/// if all is well. Generates nothing.
std::string refused(const settings& of);

}  // namespace chimera::executor::play
