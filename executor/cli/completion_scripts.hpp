// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace chimera::executor {

/// The values that stand after an option: words, files, or neither where they cannot be listed.
struct completed_values {
    std::vector<std::string> words;
    bool files = false;
};

/// An option; without names it is an operand.
struct completed_option {
    std::vector<std::string> names;
    std::string what;
    bool takes_value = false;
    completed_values values;
};

struct completed_command {
    std::string name, what;
    std::vector<completed_option> options;
};

/// Return the script that completes the commands in a shell.
std::string bash_completion(const std::vector<completed_command>& commands);
std::string zsh_completion(const std::vector<completed_command>& commands);
std::string fish_completion(const std::vector<completed_command>& commands);

}  // namespace chimera::executor
