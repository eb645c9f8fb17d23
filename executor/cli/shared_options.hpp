// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/slot_table.hpp>
#include <chimera/program/synchronise.hpp>
#include <chimera/render/schedule_timeline.hpp>
#include <chimera/simulate/timeline.hpp>

#include <executor/cli/command_line.hpp>
#include <executor/io/family_options.hpp>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace chimera::executor {

/// A whole number from an option's text. Throws chimera_error, naming the option, for anything else: 1e9, 4x, 0x10, an
/// empty text, numbers outside least … most.
std::int64_t whole(std::string_view option, std::string_view text, std::int64_t least, std::int64_t most);

/// A number above 0 from an option's text, from `least` to `most`.
double positive(std::string_view option, std::string_view text, double least = 1e-9, double most = 1e18);

/// Adds an option of families to a subcommand: a flag sets `given`, all others `value`. `of`: before its help.
void add_option(subcommand& command, const family_option& option, std::optional<std::string>& value, bool& given,
                std::string_view of = "");

/// The options of a family, as texts, so that every complaint is worded in one place.
struct family_arguments {
    std::string family;
    std::optional<std::string> stages, micro_batches, width, recompute, memory;
    std::array<std::optional<std::string>, family_option_table.size()> values;  ///< by row of the table of options
    std::array<bool, family_option_table.size()> flags{};                       ///< by row of the table of options

    /// Adds them to a subcommand. `operand` is what the positional argument is called in the help.
    void add_to(subcommand& command, const char* operand, bool required = true);
    /// Returns the values of the options as numbers. Throws chimera_error for text that is no number.
    family_options options() const;
    /// The schedule that they ask for. Throws chimera_error where there is none, or where it breaks --memory.
    schedule make() const;
    /// Returns true if an option that only families have was given.
    bool any_given() const;
    /// Refuses a schedule, or peaks in units, whose peak of activations on any worker is above --memory.
    void check_memory(schedule_view of) const;
    bool keeps_memory(schedule_view of) const;
    void check_memory(const shape& head, std::span<const std::int32_t> peaks) const;
};

/// The choice of when gradients are reduced, by name; eager_opt where none is given. Throws chimera_error for other
/// names.
reduction_start sync_named(const std::optional<std::string>& text);

/// Adds --sync to a subcommand.
void add_sync(subcommand& command, std::optional<std::string>& to);

/// --format and -o.
struct output_arguments {
    std::string format = "text";
    std::optional<std::string> file;
    bool colour = false;

    void add_to(subcommand& command, const char* formats);
    /// Refuses a format that is not among those listed, before any work is done.
    void check(std::initializer_list<std::string_view> known) const;
    /// Refuses so many slots or instructions as text, beside `held` bytes, where memory does not suffice for it.
    void check_size(std::int64_t items, double held) const;
    /// To the file, if one is named, else to standard output.
    void write(std::string_view text) const;
    /// text, svg, html or trace of a timeline. `options`: of the family, see words_of.
    std::string picture(const timeline& of, time_unit unit, const std::string& note = "",
                        const std::string& options = "") const;
};

}  // namespace chimera::executor
