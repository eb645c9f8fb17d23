// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/family_options.hpp>

#include <string>
#include <vector>

namespace chimera::executor {

/// A family with its options, and its name with them as on the command line: `interleaved --chunks 4`.
struct entry {
    std::string name;
    family_options options;
};

/// The entries of some words, each a family and its options, such as `interleaved --chunks 2,4 --group 8`: one entry
/// for every combination of the values listed, each once, in the order of the words. Where none are given: every family
/// in the order of `family_names`, then some of their variants. `chunks`: the stages on a worker that families with
/// such an option enter with where their words do not say; empty leaves them their own.
/// Throws chimera_error for what is no family, an option that it does not have, and values out of range.
std::vector<entry> entries_of(const std::vector<std::string>& words, const std::vector<int>& chunks);

/// The numbers of a list such as 2,4,8. Throws chimera_error, naming the option, for anything else and for numbers
/// below 1 or above `most`.
std::vector<int> numbers_of(const std::string& option, const std::string& text, std::int64_t most);

}  // namespace chimera::executor
