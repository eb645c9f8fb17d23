// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/families.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

// The table of options that only some families have: a family has those that its spec has as members.
// Columns: type (int, bool or an enum with labels), key, largest number in a job, whether it decides which worker holds
// a stage, placeholder, help, the family's own choice in words, title and meaning on the screen of `chimera play`.
#define CHIMERA_FAMILY_OPTIONS(X)                                                                                     \
    X(int, pipelines, 65535, true, "P", "pipelines, an even number (2)", "", "pipelines",                             \
      "copies of the model that run through the workers, half of them down, half up")                                 \
    X(chimera::scale, scale, 0, false, "HOW", "beyond D micro-batches", "direct", "scale",                            \
      "beyond D micro-batches: units end to end, forwards in pairs, backwards in halves")                             \
    X(bool, split, 0, false, "", "backwards in two halves, weight gradients in the bubbles", "", "split",             \
      "backwards in two halves, weight gradients moved into the bubbles")                                             \
    X(int, chunks, 65535, true, "V", "stages per worker", "2", "chunks", "stages that each worker holds")             \
    X(int, group, 65535, false, "G", "micro-batches that a chunk takes in a row", "the workers", "group",             \
      "micro-batches that a chunk takes in a row")                                                                    \
    X(int, waves, 65535, true, "W", "times down the workers and up again", "1", "waves",                              \
      "how often a micro-batch runs down the workers and up again")                                                   \
    X(int, update_every, 1 << 20, false, "K", "micro-batches between updates", "the stages", "per update",            \
      "micro-batches between two updates of the weights")                                                             \
    X(int, activations, 65535, false, "A", "activations of a stage that a worker may hold", "its own", "activations", \
      "most activations of a stage that a worker holds at once")                                                      \
    X(int, forward_ticks, 10000, false, "T", "ticks of a forward that the order is made for", "1", "F ticks",         \
      "ticks of a forward that the order is made for")                                                                \
    X(int, input_ticks, 10000, false, "T", "ticks of an input gradient that the order is made for", "1", "I ticks",   \
      "ticks of an input gradient that the order is made for")                                                        \
    X(int, weight_ticks, 10000, false, "T", "ticks of a weight gradient that the order is made for", "1", "W ticks",  \
      "ticks of a weight gradient that the order is made for")                                                        \
    X(int, hop_ticks, 10000, false, "T", "ticks from worker to worker that the order is made for", "0", "hop ticks",  \
      "ticks from worker to worker that the order is made for")                                                       \
    X(bool, thorough, 0, false, "", "try many orders and keep the shortest", "", "thorough",                          \
      "many orders are tried, and the shortest is kept")

namespace chimera {

/// The names of the scales, in the order of the enum.
inline constexpr std::array<std::string_view, 3> scale_labels{"direct", "doubling", "halving"};

/// Returns the name of a scale on command lines and in files.
[[nodiscard]] constexpr std::string_view name(scale which) noexcept {
    return scale_labels[static_cast<std::size_t>(which)];
}

/// Returns the labels of a type of option: none for numbers and flags.
template <class Value>
[[nodiscard]] constexpr std::span<const std::string_view> labels_of() noexcept {
    if constexpr (std::is_same_v<Value, scale>) return scale_labels;
    return {};
}

/// The kinds of values that an option takes.
enum class option_kind : std::uint8_t {
    number,  ///< a whole number
    choice,  ///< one of its labels
    flag,    ///< yes or no
};

/// A row of the table of options.
struct family_option {
    std::string_view key;                      ///< in files; the flag has dashes: update_every, --update-every
    option_kind kind = option_kind::number;    ///< kind of its value
    std::span<const std::string_view> labels;  ///< of a choice; the first one stands where none is given
    std::int64_t most = 0;                     ///< largest number in a job
    bool places = false;                       ///< decides which worker holds a stage
    std::string_view symbol;                   ///< stands for the value in help
    std::string_view help;                     ///< one line for command lines
    std::string_view otherwise;                ///< the family's own choice in words
    std::string_view title;                    ///< on the screen of `chimera play`
    std::string_view meaning;                  ///< on the screen of `chimera play`
};

/// The rows of the table of options.
inline constexpr std::array family_option_table{
#define CHIMERA_ROW(type, key, most, places, symbol, help, otherwise, title, meaning) \
    family_option{#key,                                                               \
                  std::is_same_v<type, int>    ? option_kind::number                  \
                  : std::is_same_v<type, bool> ? option_kind::flag                    \
                                               : option_kind::choice,                 \
                  labels_of<type>(),                                                  \
                  most,                                                               \
                  places,                                                             \
                  symbol,                                                             \
                  help,                                                               \
                  otherwise,                                                          \
                  title,                                                              \
                  meaning},
    CHIMERA_FAMILY_OPTIONS(CHIMERA_ROW)
#undef CHIMERA_ROW
};

/// Calls f with each row, and with the members of that name where all `holders` have one.
template <class F, class... Holders>
constexpr void each_option(const F& f, Holders&... holders) {
    std::size_t row = 0;
#define CHIMERA_EACH(type, key, ...)                                                                   \
    if constexpr (requires { ((void)holders.key, ...); }) f(family_option_table[row], holders.key...); \
    ++row;
    CHIMERA_FAMILY_OPTIONS(CHIMERA_EACH)
#undef CHIMERA_EACH
}

/// Returns true if the family has the option of that key.
[[nodiscard]] constexpr bool has_option(family which, std::string_view key) noexcept {
    return visit_family(which, [&]<class Spec>(std::type_identity<Spec>) {
        bool found = false;
        const Spec any{};
        each_option([&](const family_option& option, const auto&) { found = found || option.key == key; }, any);
        return found;
    });
}

}  // namespace chimera
