// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace chimera::executor {

/// A subcommand: what it is called with, and what it does. CLI11 behind it is for command_line.cpp alone, as each file
/// that sees its templates takes seconds longer to compile.
class subcommand {
public:
    /// An option (or, without dashes, an operand) with a value; unset where it is not given. `type` stands for the
    /// value in the help.
    void option(const std::string& names, std::optional<std::string>& to, const std::string& what,
                const std::string& type, bool required = false);
    /// Adds an option whose default is the value of `to`.
    void option(const std::string& names, std::string& to, const std::string& what, const std::string& type,
                bool required = false);
    /// One that takes several values, or may be given again.
    void option(const std::string& names, std::vector<std::string>& to, const std::string& what,
                const std::string& type, bool required = false);
    /// Says that an option names a file that the command writes. One that another option reads or writes as well is
    /// refused before the command runs.
    void writes(const std::string& name) { files_->written.push_back(name); }
    void flag(const std::string& name, bool& to, const std::string& what);
    /// Below the options in the help: examples.
    void footer(const std::string& text);
    /// Runs once all options are read.
    void run(std::function<void()> what);

private:
    friend class command_line;
    explicit subcommand(CLI::App* of) : of_(of) {}
    /// Options whose values are files, by name.
    struct file_options {
        std::vector<std::string> all, written;
    };
    void note(const std::string& names, const std::string& type);
    static void check(const CLI::App& of, const file_options& files);

    CLI::App* of_;
    std::shared_ptr<file_options> files_ = std::make_shared<file_options>();
};

/// An option or an operand, as the help shows it.
struct described_option {
    std::vector<std::string> names;  ///< with their dashes; of an operand, none
    std::string value;               ///< what stands for its value, such as FILE or text|json; empty: a flag
    std::string what;
};

/// A subcommand, as the help shows it.
struct described_command {
    std::string name, what;
    std::vector<described_option> options;
};

/// The program's command line: subcommands, --help and --version.
class command_line {
public:
    command_line(const std::string& name, const std::string& what, const std::string& version);
    ~command_line();
    command_line(const command_line&) = delete;
    command_line& operator=(const command_line&) = delete;

    subcommand add(const std::string& name, const std::string& what);
    /// Returns all subcommands added so far.
    [[nodiscard]] std::vector<described_command> commands() const;
    void footer(const std::string& text);
    /// Runs what the arguments ask for, or gives back the help that they ask for. Throws chimera_error where they
    /// cannot be read; what a subcommand throws passes through.
    std::string run(int count, const char* const* arguments);

private:
    std::unique_ptr<CLI::App> app_;
};

}  // namespace chimera::executor
