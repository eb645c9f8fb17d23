// SPDX-License-Identifier: Apache-2.0
#include <chimera/calibrate/hardware_catalogue.hpp>
#include <chimera/model/catalogue.hpp>

#include <executor/cli/commands.hpp>
#include <executor/cli/completion_scripts.hpp>
#include <executor/cli/shared_options.hpp>
#include <executor/io/write.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

namespace {

std::vector<std::string> split_at(std::string_view text, char at) {
    std::vector<std::string> out{""};
    for (const char c : text)
        if (c == at)
            out.emplace_back();
        else
            out.back().push_back(c);
    return out;
}

bool has(const described_option& one, std::string_view name) {
    return std::ranges::find(one.names, name) != one.names.end();
}

std::vector<std::string> family_words() {
    std::vector<std::string> out;
    for (const auto& name : family_labels)
        if (find_family(name)) out.emplace_back(name);
    return out;
}

/// Returns the values that an option of a command can have, as far as they are words, and whether files are among them.
completed_values values_of(const described_command& command, const described_option& one) {
    completed_values out;
    for (const std::string& part : split_at(one.value, '|')) {
        const bool word =
            !part.empty() && std::ranges::all_of(part, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
        if (word) out.words.push_back(part);
        if (part.starts_with("FAMILY") || part.starts_with("FAMILIES")) out.words = family_words();
        for (const std::string_view file : {"FILE", "JOB", "REQUEST", "FOLDER", "PATH", ".json", ".csv"})
            out.files |= part.find(file) != std::string::npos;
    }
    const bool named = has(one, "--model") && command.name != "train";
    if (named)
        for (const auto& entry : model_catalogue) out.words.emplace_back(entry.name);
    if (has(one, "--hardware") || (command.name == "hardware" && one.names.empty()))
        for (const auto& entry : hardware_catalogue) out.words.emplace_back(entry.name);
    return out;
}

std::vector<completed_command> completed(const std::vector<described_command>& all) {
    std::vector<completed_command> out;
    for (const described_command& one : all) {
        out.push_back({one.name, one.what, {}});
        for (const described_option& option : one.options)
            out.back().options.push_back({option.names, option.what, !option.value.empty(), values_of(one, option)});
    }
    return out;
}

}  // namespace

void add_completion(command_line& program, int&) {
    subcommand command = program.add("completion", "writes a script that completes these commands in a shell");
    const auto shell = std::make_shared<std::string>();
    command.option("SHELL", *shell, "bash, zsh or fish", " ", true);
    command.footer(
        "bash: source <(chimera completion bash), or write it to ~/.local/share/bash-completion/completions/chimera\n"
        "zsh:  write it to a file _chimera in a folder of $fpath\n"
        "fish: write it to ~/.config/fish/completions/chimera.fish\n"
        "Example: chimera completion bash > ~/.local/share/bash-completion/completions/chimera");
    command.run([shell, described = program.commands()] {
        const auto commands = completed(described);
        if (*shell == "bash") return write_output(bash_completion(commands));
        if (*shell == "zsh") return write_output(zsh_completion(commands));
        if (*shell == "fish") return write_output(fish_completion(commands));
        refuse("shell '" + *shell + "' is unknown (scripts are for bash, zsh and fish) name one of these");
    });
}

}  // namespace chimera::executor
