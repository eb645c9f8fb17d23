// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/memory/recompute_mode.hpp>
#include <chimera/schedule/family.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace chimera::executor {

/// The stages that compute their activations again before the backward.
struct recompute_choice {
    recompute_mode mode = recompute_mode::none;  ///< none, full, or mixed: some stages
    std::vector<int> stages;                     ///< of mixed, in the order in which they were given

    friend bool operator==(const recompute_choice&, const recompute_choice&) = default;
};

/// The options of `chimera schedule FAMILY …`, as the command line and job files state them. The width of the spec is
/// the number of data-parallel copies of the whole pipeline group, for every family.
struct family_options : family_spec {
    recompute_choice recompute{};

    friend bool operator==(const family_options&, const family_options&) = default;
};

/// The family of that name or alias, if there is one.
std::optional<family> find_family(std::string_view name);

/// The family of that name or alias. Throws chimera_error, listing all, where there is none.
family family_named(std::string_view name);

/// The name of the family that an alias stands for: 1f1b, dp. Other names come back as they are.
std::string family_name(std::string_view name);

/// Throws chimera_error, naming the families that have the option, where this one does not.
void check_option(family which, const family_option& option);

/// The value of a choice's label, as a number. Throws chimera_error, listing all labels, for other texts.
int value_of_label(const family_option& option, std::string_view label);

/// The choice of a text: none, full, or a list of stages such as 0,2,3. Throws chimera_error for other texts.
recompute_choice recompute_named(std::string_view text, int stages);

/// The text of a choice; recompute_named reads it back.
std::string text_of(const recompute_choice& choice);

/// The flag of an option: --update-every.
std::string flag_of(const family_option& option);

/// The help of an option: the families that have it, its meaning, and the family's own choice if `otherwise` is set.
std::string help_of(const family_option& option, bool otherwise);

/// A help text with the families that have the option before it.
std::string with_families(const family_option& option, std::string_view what);

/// The number of labels of a choice, in words where it is small: three.
std::string number_of_labels(const family_option& option);

/// The labels of a choice, `last` before the last one and `between` before the others.
std::string labels_of(const family_option& option, std::string_view between, std::string_view last);

/// The families that `make_schedule` knows, synchronous ones first.
std::vector<std::string_view> family_names();

/// Their names, separated by commas.
std::string family_list();

/// The schedule of a file, proven. Throws chimera_error for what is none and for the first law that it breaks.
schedule order_of(const std::string& file);

/// The schedule that the options ask for: generated, then recompute slots inserted, then widened.
/// Throws chimera_error, in one line, for an option that the family does not have, sizes out of range and whatever the
/// family itself refuses.
schedule make_schedule(const family_options& options);

/// The options that were chosen, as a command line has them: "--chunks 4 --recompute full"; empty where none was.
std::string words_of(const family_options& options);

/// The schedule of a file with the recompute and the width that the options ask for; they say nothing else of it.
schedule make_schedule(const schedule& order, const family_options& options);

/// Throws what `make_schedule` would throw for these options of a family, without generating anything.
void check_family(const family_options& options);

/// The stages that a choice names, ascending and each once. Throws chimera_error for those that are none of `stages`.
std::vector<int> recomputed_stages(const recompute_choice& choice, int stages);

}  // namespace chimera::executor
