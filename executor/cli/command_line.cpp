// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/cli/command_line.hpp>

#include <CLI/CLI.hpp>

#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace chimera::executor {

namespace {

template <class Value>
void add(CLI::App& to, const std::string& names, Value& value, const std::string& what, const std::string& type,
         bool required) {
    to.add_option(names, value, what)->option_text(type)->required(required);
}

}  // namespace

void subcommand::option(const std::string& names, std::optional<std::string>& to, const std::string& what,
                        const std::string& type, bool required) {
    add(*of_, names, to, what, type, required);
}

void subcommand::option(const std::string& names, std::string& to, const std::string& what, const std::string& type,
                        bool required) {
    add(*of_, names, to, what, type, required);
}

void subcommand::option(const std::string& names, std::vector<std::string>& to, const std::string& what,
                        const std::string& type, bool required) {
    add(*of_, names, to, what, type, required);
}

void subcommand::flag(const std::string& name, bool& to, const std::string& what) { of_->add_flag(name, to, what); }

void subcommand::footer(const std::string& text) { of_->footer(text); }

void subcommand::run(std::function<void()> what) { of_->callback(std::move(what)); }

command_line::command_line(const std::string& name, const std::string& what, const std::string& version)
    : app_(std::make_unique<CLI::App>(what, name)) {
    app_->set_version_flag("--version", version);
    app_->set_help_flag("-h,--help", "this text");
    app_->require_subcommand(1);
}

command_line::~command_line() = default;

subcommand command_line::add(const std::string& name, const std::string& what) {
    return subcommand(app_->add_subcommand(name, what));
}

void command_line::footer(const std::string& text) { app_->footer(text); }

std::string command_line::run(int count, const char* const* arguments) {
    const auto named = [&](const CLI::App* one) { return one->get_name() == arguments[1]; };
    if (count > 1 && arguments[1][0] != '-' && app_->get_subcommands(named).empty())
        refuse("subcommand '" + std::string(arguments[1]).substr(0, 40) + "' is unknown (to this program) see --help");
    try {
        std::vector<const char*> words(arguments, arguments + count);
        for (const char*& word : words)
            if (std::string_view(word) == "--color") word = "--colour";
        app_->parse(count, words.data());
    } catch (const CLI::Success& help) {
        std::ostringstream text;
        app_->exit(help, text, text);
        return text.str();
    } catch (const CLI::ParseError& e) {
        refuse(e.what() + std::string(" (the command line cannot be read so) see --help"));
    }
    return "";
}

}  // namespace chimera::executor
