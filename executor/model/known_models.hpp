// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/model/catalogue.hpp>
#include <executor/model/executed_model.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace chimera::executor {

/// A model that the executor trains, by its name.
struct trained_model {
    std::string_view name;
    gpt2_sizes sizes;
};

/// The executor's named models. "bytes" is what a job trains that names none.
inline constexpr std::array trained_models{
    trained_model{"tiny", {.layers = 4, .heads = 2, .channels = 32, .vocabulary = 256, .context = 32, .how = {}}},
    trained_model{"bytes", {.layers = 4, .heads = 4, .channels = 64, .vocabulary = 256, .context = 64, .how = {}}},
    trained_model{"gpt2", gpt2_124m},
};

/// Returns the sizes that the executor trains under that name, if it knows the name.
constexpr std::optional<gpt2_sizes> find_trained_sizes(std::string_view name) {
    for (const trained_model& each : trained_models)
        if (each.name == name) return each.sizes;
    return std::nullopt;
}

/// Returns all names, those of the executor before the library's, separated by commas.
inline std::string known_model_names() {
    std::string all;
    for (const trained_model& each : trained_models) all += std::string(each.name) + ", ";
    return all + model_names();
}

/// Returns the model of that name, as the executor trains it or as published, if there is one.
inline std::optional<model> find_known_model(std::string_view name, const model_changes& asked = {}) {
    const std::optional<gpt2_sizes> sizes = find_trained_sizes(name);
    if (!sizes) return find_model(name, asked);
    model made = executed_gpt2(changed_sizes(*sizes, asked));
    made.name = name;
    return made;
}

/// Returns the model of that name. Throws chimera_error that lists the names.
inline model known_model(std::string_view name) {
    if (std::optional<model> found = find_known_model(name)) return *found;
    refuse("unknown model " + std::string(name) + " (no such name) use " + known_model_names());
}

}  // namespace chimera::executor
