// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace chimera {

/// A rule that maps the stages of a pipeline to workers. Every second pipeline takes the workers from last to first.
enum class placement_rule : std::uint8_t {
    linear,      ///< stage s on worker s
    shifted,     ///< linear; each pair of pipelines starts further on
    looped,      ///< from the first worker to the last, again and again
    folded,      ///< down the workers and up again
    replicated,  ///< the whole model on every worker
};

/// Facts about a family that need no sizes. Every family has them as its member `traits`.
struct family_traits {
    std::string_view name;        ///< on command lines and in files; equal to the name of the struct
    std::string_view alias = {};  ///< a second name that command lines and files accept, or empty
    placement_rule placement = placement_rule::linear;  ///< workers of the stages
    int stages_per_worker = 1;     ///< on one pipeline; a family with a choice has a function of that name
    bool splits_backward = false;  ///< always; the option `split` is another way
    bool asynchronous = false;     ///< weights change within an iteration
};

/// The forwards and full backwards on the critical path of an order over like stages (Chimera, section 3.4: C_f and
/// C_b).
struct path_counts {
    int forwards = 0;   ///< C_f
    int backwards = 0;  ///< C_b

    friend constexpr bool operator==(const path_counts&, const path_counts&) = default;
};

}  // namespace chimera
