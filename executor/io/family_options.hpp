// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>
#include <chimera/core/slot_table.hpp>
#include <chimera/schedule/options.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace chimera::executor {

/// A value of an option as command lines and job files state it: a wide number, a name or a flag.
template <class Value>
using stated = std::conditional_t<std::is_same_v<Value, int>, std::int64_t,
                                  std::conditional_t<std::is_same_v<Value, bool>, bool, std::string>>;

/// The options of `chimera schedule FAMILY …`, as the command line and job files state them.
struct family_options {
    std::string family{};            ///< one of `family_names`
    std::int64_t stages = 0;         ///< model stages; data_parallel: 0 or 1
    std::int64_t micro_batches = 0;  ///< per copy of the pipeline group
    // The options that some families have; 0, empty and false leave the choice to the family.
#define CHIMERA_MEMBER(type, key, ...) stated<type> key{};
    CHIMERA_FAMILY_OPTIONS(CHIMERA_MEMBER)
#undef CHIMERA_MEMBER
    std::int64_t width = 1;          ///< data-parallel copies of the whole pipeline group
    std::string recompute = "none";  ///< none, full, or a list of stages such as 0,2,3
    std::string file = {};           ///< a schedule as JSON or CSV instead of all but width and recompute; empty: none

    friend bool operator==(const family_options&, const family_options&) = default;
};

/// True if `make_schedule` knows the family by its name or alias.
bool is_family(std::string_view name);

/// The name of the family that an alias stands for: 1f1b, dp. Other names come back as they are.
std::string family_name(std::string_view name);

/// True if the family has the option, a key of the table of options.
bool has_option(std::string_view family, std::string_view option);

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

/// The schedule that the options ask for: generated or read, then recompute slots inserted, then widened.
/// Throws chimera_error, in one line, for an unknown family, an option that the family does not have, sizes out of
/// range and whatever the family itself refuses.
schedule make_schedule(const family_options& options);

/// Throws what `make_schedule` would throw for these options of a family, without generating anything.
void check_family(const family_options& options);

/// The stages that a recompute choice names, ascending and each once: none, full, or a list such as 0,2,3.
std::vector<int> recomputed_stages(std::string_view choice, int stages);

}  // namespace chimera::executor
