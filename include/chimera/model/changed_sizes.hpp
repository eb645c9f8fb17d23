// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/error.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>

namespace chimera {

/// The changes that a user makes to a named model.
struct model_changes {
    std::int64_t tokens = 0;               ///< of a sample; 0: as published. A shorter context grows with them
    std::int64_t vocabulary_multiple = 1;  ///< the vocabulary is padded to the next multiple of it
    bool fp8 = false;                      ///< linear products of blocks have operands of 8 bits

    /// Returns true if there is a change.
    [[nodiscard]] constexpr bool any() const noexcept { return tokens != 0 || vocabulary_multiple != 1 || fp8; }
};

/// Returns the sizes of a model with the changes. Of a T5 the encoder's tokens change. Throws `chimera_error` where the
/// sizes have no tokens, vocabulary or products to change, or they are out of range (1 to 2^28).
template <class Sizes>
[[nodiscard]] constexpr Sizes changed_sizes(Sizes sizes, const model_changes& asked) {
    constexpr std::int64_t most = std::int64_t{1} << 28;
    if (asked.tokens < 0 || asked.tokens > most || asked.vocabulary_multiple < 1 || asked.vocabulary_multiple > most)
        refuse("tokens or the multiple of a vocabulary are out of range give 1 to " + std::to_string(most));
    if constexpr (requires { sizes.tokens; }) {
        using number = std::remove_cvref_t<decltype(sizes.tokens)>;
        if (asked.tokens > 0) {
            sizes.tokens = static_cast<number>(asked.tokens);
            if constexpr (requires { sizes.context; })
                sizes.context = (std::max)(sizes.context, decltype(sizes.context){sizes.tokens});
        }
    } else if (asked.tokens > 0) {
        refuse("the model has no tokens (its samples are no sequences) leave their number out");
    }
    if constexpr (requires { sizes.vocabulary; }) {
        const std::int64_t each = asked.vocabulary_multiple, padded = (sizes.vocabulary + each - 1) / each * each;
        if (padded > most) refuse("the padded vocabulary is too large (at most 2^28) give a smaller multiple");
        sizes.vocabulary = static_cast<std::remove_cvref_t<decltype(sizes.vocabulary)>>(padded);
    } else if (asked.vocabulary_multiple != 1) {
        refuse("the model has no vocabulary (it predicts no tokens) leave its multiple out");
    }
    if constexpr (requires { sizes.how.fp8; }) {
        sizes.how.fp8 = sizes.how.fp8 || asked.fp8;
    } else if (asked.fp8) {
        refuse("the model has no products in 8 bits (it is no transformer) leave them out");
    }
    return sizes;
}

}  // namespace chimera
