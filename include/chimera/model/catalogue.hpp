// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/model/bert.hpp>
#include <chimera/model/changed_sizes.hpp>
#include <chimera/model/gpt2.hpp>
#include <chimera/model/llama.hpp>
#include <chimera/model/resnet.hpp>
#include <chimera/model/t5.hpp>
#include <chimera/model/vit.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace chimera {

namespace detail {

// Functions, not lambdas: GCC 14 calls a null pointer in constant evaluation where a lambda became one to a function.
template <auto Make, const auto& Sizes>
constexpr model made_by(const model_changes& asked) {
    return Make(changed_sizes(Sizes, asked));
}

}  // namespace detail

/// A named model of the catalogue.
struct catalogue_entry {
    std::string_view name;  ///< as command lines have it
    /// Makes the model, with changes. Throws `chimera_error` as `changed_sizes` does.
    model (*make)(const model_changes&);
};

/// The named models, as published.
inline constexpr std::array model_catalogue{
    catalogue_entry{"gpt2-124m", detail::made_by<gpt2, gpt2_124m>},
    catalogue_entry{"gpt2-355m", detail::made_by<gpt2, gpt2_355m>},
    catalogue_entry{"gpt2-774m", detail::made_by<gpt2, gpt2_774m>},
    catalogue_entry{"gpt2-1558m", detail::made_by<gpt2, gpt2_1558m>},
    catalogue_entry{"gpt2-64", detail::made_by<gpt2, gpt2_64>},
    catalogue_entry{"gpt3-175b", detail::made_by<gpt2, gpt3_175b>},
    catalogue_entry{"bert-base", detail::made_by<bert, bert_base>},
    catalogue_entry{"bert-large", detail::made_by<bert, bert_large>},
    catalogue_entry{"bert-48", detail::made_by<bert, bert_48>},
    catalogue_entry{"bert-48-512", detail::made_by<bert, bert_48_512>},
    catalogue_entry{"llama-2-7b", detail::made_by<llama, llama_2_7b>},
    catalogue_entry{"llama-2-13b", detail::made_by<llama, llama_2_13b>},
    catalogue_entry{"llama-2-70b", detail::made_by<llama, llama_2_70b>},
    catalogue_entry{"llama-3-8b", detail::made_by<llama, llama_3_8b>},
    catalogue_entry{"llama-3-70b", detail::made_by<llama, llama_3_70b>},
    catalogue_entry{"llama-3-405b", detail::made_by<llama, llama_3_405b>},
    catalogue_entry{"t5-small", detail::made_by<t5, t5_small>},
    catalogue_entry{"t5-base", detail::made_by<t5, t5_base>},
    catalogue_entry{"t5-large", detail::made_by<t5, t5_large>},
    catalogue_entry{"vit-b-16", detail::made_by<vit, vit_b_16>},
    catalogue_entry{"vit-l-16", detail::made_by<vit, vit_l_16>},
    catalogue_entry{"resnet-20", detail::made_by<resnet, resnet_20>},
};

/// Returns all names of the catalogue, separated by commas.
[[nodiscard]] constexpr std::string model_names() {
    std::string all;
    for (const auto& entry : model_catalogue) {
        if (!all.empty()) all += ", ";
        all += entry.name;
    }
    return all;
}

/// Returns the model of that name with the changes, if there is one. Throws `chimera_error` for changes that do not
/// apply to it.
[[nodiscard]] constexpr std::optional<model> find_model(std::string_view name, const model_changes& asked = {}) {
    for (const auto& entry : model_catalogue)
        if (entry.name == name) {
            model made = entry.make(asked);
            made.name = name;
            return made;
        }
    return std::nullopt;
}

/// Returns the model of that name. Throws `chimera_error`, which lists the names, if there is none.
[[nodiscard]] constexpr model named(std::string_view name) {
    if (std::optional<model> found = find_model(name)) return *found;
    refuse("unknown model " + std::string(name) + " (no such name) use " + model_names());
}

}  // namespace chimera
