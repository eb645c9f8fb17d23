// SPDX-License-Identifier: Apache-2.0
#include <chimera/render/format.hpp>

#include <executor/cli/completion_scripts.hpp>

#include <string_view>

namespace chimera::executor {

namespace {

std::string joined_words(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

/// Puts a backslash before each of `special`. Line ends become spaces.
std::string escaped(std::string_view text, std::string_view special) {
    std::string out;
    for (const char c : text) {
        if (special.find(c) != std::string_view::npos) out += '\\';
        out += c == '\n' ? ' ' : c;
    }
    return out;
}

/// Returns all names of options, and the words of operands.
std::string first_words(const completed_command& one) {
    std::string out;
    for (const completed_option& option : one.options)
        for (const std::string& word : option.names.empty() ? option.values.words : option.names) out += word + ' ';
    return out;
}

void put_bash_values(std::string& out, const completed_command& one) {
    for (const completed_option& option : one.options) {
        if (option.names.empty() || !option.takes_value) continue;
        std::string pattern;
        for (const std::string& name : option.names) pattern += (pattern.empty() ? "" : "|") + one.name + ":" + name;
        const std::string words = joined_words(option.values.words);
        const char* other = option.values.files ? "" : " files=no";
        format::put(out, "            ", pattern, ") words='", words, "'", other, " ;;\n");
    }
}

std::string quoted_for_zsh(const std::string& text) {
    std::string out;
    for (const char c : escaped(text, "[]:\\")) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out;
}

/// Returns the part of an argument of _arguments that says what the value is.
std::string zsh_value(const completed_option& option) {
    if (!option.takes_value) return "";
    const std::string words = joined_words(option.values.words);
    if (option.values.files) return words.empty() ? ":file:_files" : ":name or file:{compadd -- " + words + "; _files}";
    return words.empty() ? ":value: " : ":name:(" + words + ")";
}

}  // namespace

std::string bash_completion(const std::vector<completed_command>& commands) {
    std::string names, values, others;
    for (const completed_command& one : commands) {
        names += one.name + ' ';
        put_bash_values(values, one);
        format::put(others, "            ", one.name, ":*) words='", first_words(one), "' ;;\n");
    }
    std::string out = "# Completes chimera in bash.\n_chimera() {\n";
    format::put(out, "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words= files=yes\n");
    format::put(out, "    if ((COMP_CWORD == 1)); then\n        words='", names, "--help --version' files=no\n");
    format::put(out, "    else\n        case ${COMP_WORDS[1]}:$before in\n", values, others, "        esac\n    fi\n");
    format::put(out, "    if [[ $files == no ]]; then compopt +o default 2>/dev/null; fi\n");
    format::put(out, "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\n");
    return out + "complete -o default -F _chimera chimera\n";
}

std::string zsh_completion(const std::vector<completed_command>& commands) {
    std::string out = "#compdef chimera\n_chimera() {\n    local -a commands=(\n";
    for (const completed_command& one : commands)
        format::put(out, "        '", one.name, ":", quoted_for_zsh(one.what), "'\n");
    format::put(out,
                "    )\n    if ((CURRENT == 2)); then\n        _describe command commands\n        return\n    fi\n");
    format::put(out, "    local chosen=$words[2]\n    shift words\n    ((CURRENT--))\n    case $chosen in\n");
    for (const completed_command& one : commands) {
        format::put(out, "        ", one.name, ")\n            _arguments");
        for (const completed_option& option : one.options) {
            if (option.names.empty()) format::put(out, " \\\n                '*", zsh_value(option), "'");
            for (const std::string& name : option.names)
                format::put(out, " \\\n                '", name, "[", quoted_for_zsh(option.what), "]",
                            zsh_value(option), "'");
        }
        format::put(out, "\n            ;;\n");
    }
    return out + "    esac\n}\n_chimera \"$@\"\n";
}

std::string fish_completion(const std::vector<completed_command>& commands) {
    std::string out = "# Completes chimera in fish.\ncomplete -c chimera -f\n";
    for (const completed_command& one : commands)
        format::put(out, "complete -c chimera -n __fish_use_subcommand -a ", one.name, " -d '",
                    escaped(one.what, "'\\"), "'\n");
    for (const completed_command& one : commands)
        for (const completed_option& option : one.options) {
            format::put(out, "complete -c chimera -n '__fish_seen_subcommand_from ", one.name, "'");
            for (const std::string& name : option.names)
                format::put(out, name.starts_with("--") ? " -l " : " -s ", name.substr(name.starts_with("--") ? 2 : 1));
            if (option.takes_value && !option.names.empty()) format::put(out, option.values.files ? " -r" : " -x");
            if (option.values.files) format::put(out, " -F");
            if (!option.values.words.empty()) format::put(out, " -a '", joined_words(option.values.words), "'");
            if (!option.names.empty()) format::put(out, " -d '", escaped(option.what, "'\\"), "'");
            out += '\n';
        }
    return out;
}

}  // namespace chimera::executor
