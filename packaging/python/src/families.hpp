// SPDX-License-Identifier: Apache-2.0
#pragma once

// A family and its options from Python's keywords, by the library's one table of options.

#include <chimera/core/error.hpp>
#include <chimera/schedule/family.hpp>

#include <pybind11/pybind11.h>

#include <cstddef>
#include <string>
#include <type_traits>

namespace chimera_python {

namespace py = pybind11;

/// Returns the family of a name or an alias. Throws `chimera_error` that lists the names.
inline chimera::family family_named(const std::string& name) {
    std::string all;
    for (std::size_t i = 0; i < chimera::family_labels.size(); ++i) {
        const chimera::family_traits& traits = chimera::all_family_traits[i];
        if (traits.name == name || (!traits.alias.empty() && traits.alias == name))
            return static_cast<chimera::family>(i);
        all += (all.empty() ? "" : ", ") + std::string(traits.name);
    }
    chimera::refuse("unknown family " + name + " (no such name) use " + all);
}

/// Gives an option its value from Python: a whole number, yes or no, or one of its labels.
template <class Value>
void set_option(const chimera::family_option& option, Value& to, const py::handle& given) {
    if constexpr (std::is_same_v<Value, bool>) {
        to = given.cast<bool>();
    } else if constexpr (std::is_same_v<Value, int>) {
        to = given.cast<int>();
    } else {
        const auto label = given.cast<std::string>();
        for (std::size_t k = 0; k < option.labels.size(); ++k)
            if (option.labels[k] == label) {
                to = static_cast<Value>(k);
                return;
            }
        chimera::refuse(std::string(option.key) + " " + label + " is unknown (no such choice) give one of its labels");
    }
}

/// Returns a family's spec with the options given. Throws `chimera_error` for options that it does not have.
inline chimera::family_spec spec_of(const std::string& name, const py::dict& options) {
    chimera::family_spec spec{.which = family_named(name)};
    int workers = 0;
    for (const auto& [key_handle, given] : options) {
        const auto key = key_handle.cast<std::string>();
        bool known = true;
        if (key == "stages")
            spec.stages = given.cast<int>();
        else if (key == "micro_batches")
            spec.micro_batches = given.cast<int>();
        else if (key == "workers")
            workers = given.cast<int>();
        else if (key == "width" && spec.which == chimera::family::data_parallel)
            spec.width = given.cast<int>();
        else
            known = false;
        if (known) continue;
        if (!chimera::has_option(spec.which, key))
            chimera::refuse(name + " has no option " + key + " (see families()) leave it out");
        chimera::each_option(
            [&](const chimera::family_option& option, auto& to) {
                if (option.key == key) set_option(option, to, given);
            },
            spec);
    }
    if (options.contains("workers") && options.contains("stages"))
        chimera::refuse("stages and workers are given (one follows from the other) give one");
    return options.contains("workers") ? spec.for_workers(workers) : spec;
}

}  // namespace chimera_python
