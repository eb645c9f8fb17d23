// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>

#include <executor/cli/command_line.hpp>
#include <executor/io/family_options.hpp>
#include <executor/io/fields.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace chimera::executor {

namespace {

template <class Value>
void add(CLI::App& to, const std::string& names, Value& value, const std::string& what, const std::string& type,
         bool required) {
    to.add_option(names, value, what)->option_text(type)->required(required);
}

/// Returns true if a command that writes `a` would take `b`, which it reads or writes, with it.
bool same_file(const std::string& a, const std::string& b, bool both_written) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    if (a.empty() || b.empty()) return false;
    if (fs::is_regular_file(a, ignored)) return fs::equivalent(a, b, ignored);
    return both_written && !fs::exists(a, ignored) &&
           fs::absolute(a).lexically_normal() == fs::absolute(b).lexically_normal();
}

[[noreturn]] void refuse_both(const std::string& written, const std::string& path, const std::string& other) {
    refuse(written + " is " + one_line(path) + " (" + other + " is the same file, which would be lost) name another");
}

}  // namespace

void subcommand::option(const std::string& names, std::optional<std::string>& to, const std::string& what,
                        const std::string& type, bool required) {
    add(*of_, names, to, what, type, required);
    note(names, type);
}

void subcommand::option(const std::string& names, std::string& to, const std::string& what, const std::string& type,
                        bool required) {
    add(*of_, names, to, what, type, required);
    note(names, type);
}

void subcommand::option(const std::string& names, std::vector<std::string>& to, const std::string& what,
                        const std::string& type, bool required) {
    add(*of_, names, to, what, type, required);
    note(names, type);
}

/// Notes an option as a file where its help shows one: "FILE.csv", "NAME|FILE", or an operand JOB without more.
void subcommand::note(const std::string& names, const std::string& type) {
    const std::string shown = names + " " + type;
    for (const char* word : {"FILE", "JOB", "REQUEST", ".json", ".csv"})
        if (shown.find(word) != std::string::npos) return files_->all.push_back(names.substr(names.find(',') + 1));
}

void subcommand::check(const CLI::App& of, const file_options& files) {
    const auto named = [&](const std::string& written, const std::string& path, const std::string& other) {
        const bool both = std::ranges::find(files.written, other) != files.written.end();
        for (const std::string& value : of.get_option(other)->results())
            if (!find_family(value) && same_file(path, value, both)) refuse_both(written, path, other);
    };
    for (const std::string& written : files.written)
        for (const std::string& path : of.get_option(written)->results())
            for (const std::string& other : files.all)
                if (other != written) named(written, path, other);
}

void subcommand::flag(const std::string& name, bool& to, const std::string& what) { of_->add_flag(name, to, what); }

void subcommand::footer(const std::string& text) { of_->footer(text); }

void subcommand::run(std::function<void()> what) {
    of_->callback([of = of_, files = files_, what = std::move(what)] {
        check(*of, *files);
        what();
    });
}

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

std::vector<described_command> command_line::commands() const {
    std::vector<described_command> out;
    for (const CLI::App* one : std::as_const(*app_).get_subcommands({})) {
        out.push_back({one->get_name(), one->get_description(), {}});
        for (const CLI::Option* option : one->get_options()) {
            described_option next;
            for (const std::string& name : option->get_snames()) next.names.push_back("-" + name);
            for (const std::string& name : option->get_lnames()) next.names.push_back("--" + name);
            next.what = option->get_description();
            if (option->get_items_expected_max() > 0)
                next.value = next.names.empty() ? option->get_name() : option->get_option_text();
            out.back().options.push_back(std::move(next));
        }
    }
    return out;
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
