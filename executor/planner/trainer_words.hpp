// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/planner/trainer_text.hpp>

#include <span>
#include <string>
#include <string_view>

namespace chimera::executor::trainer {

/// A family, and what a framework calls it.
struct family_word {
    family which;
    const char* word;
};

/// The framework's word for the family. Refuses one that it does not run, naming those that it does.
const char* word_of(std::span<const family_word> known, family which, std::string_view framework);

/// The one way in which all stages recompute. Refuses a mixture: no framework chooses by stage.
recompute_mode recompute_of_all(const configuration& with, std::string_view framework);

/// Lines of a comment, each behind `mark`: the model, the configuration, what it takes.
std::string heading(const trainer_plan& of, std::string_view mark);

/// The processes of a plan on the nodes of the cluster. `each` is 0 where the nodes take different numbers.
struct processes {
    int nodes = 1, each = 1;
};
processes processes_of(const trainer_plan& of);

/// The model's name with '_' for all but letters, digits, '.' and '-': harmless in any language.
std::string harmless_name(const model& of);

/// Words with something between them.
std::string joined(std::span<const std::string> words, std::string_view between);

}  // namespace chimera::executor::trainer
