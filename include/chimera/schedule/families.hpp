// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/schedule/bidirectional.hpp>
#include <chimera/schedule/bitpipe.hpp>
#include <chimera/schedule/breadth_first.hpp>
#include <chimera/schedule/data_parallel.hpp>
#include <chimera/schedule/dualpipe.hpp>
#include <chimera/schedule/gems.hpp>
#include <chimera/schedule/gpipe.hpp>
#include <chimera/schedule/interleaved.hpp>
#include <chimera/schedule/one_f_one_b.hpp>
#include <chimera/schedule/pipedream.hpp>
#include <chimera/schedule/v_1f1b.hpp>
#include <chimera/schedule/vee.hpp>
#include <chimera/schedule/wave.hpp>
#include <chimera/schedule/zb_interleaved.hpp>
#include <chimera/schedule/zero_bubble.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

// The list of families, synchronous ones first. The enum, names, traits and every choice at run time derive from it.
#define CHIMERA_FAMILIES(X) \
    X(gpipe)                \
    X(one_f_one_b)          \
    X(gems)                 \
    X(bidirectional)        \
    X(interleaved)          \
    X(breadth_first)        \
    X(zb_h1)                \
    X(zb_h2)                \
    X(zb_interleaved)       \
    X(zb_v)                 \
    X(v_half)               \
    X(v_min)                \
    X(v_1f1b)               \
    X(dualpipe)             \
    X(dualpipe_v)           \
    X(wave)                 \
    X(bitpipe)              \
    X(data_parallel)        \
    X(pipedream)            \
    X(pipedream_2bw)

namespace chimera {

/// The traits of the families, in the order of the list.
inline constexpr std::array all_family_traits{
#define CHIMERA_TRAITS(spec) spec::traits,
    CHIMERA_FAMILIES(CHIMERA_TRAITS)
#undef CHIMERA_TRAITS
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // two of the specs are aliases, which GCC takes for shadowed
/// The published families, synchronous ones first.
enum class family : std::uint8_t {
#define CHIMERA_ENUMERATOR(spec) spec,
    CHIMERA_FAMILIES(CHIMERA_ENUMERATOR)
#undef CHIMERA_ENUMERATOR
};
#pragma GCC diagnostic pop

/// The names of the families, in the order of the list.
inline constexpr auto family_labels = [] {
    std::array<std::string_view, all_family_traits.size()> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = all_family_traits[i].name;
    return out;
}();

/// Returns the traits of a family.
[[nodiscard]] constexpr const family_traits& traits_of(family which) noexcept {
    return all_family_traits[static_cast<std::size_t>(which)];
}

/// Returns the name of a family on command lines and in files, such as `one_f_one_b`.
[[nodiscard]] constexpr std::string_view name(family which) noexcept { return traits_of(which).name; }

/// Returns true if weights change within an iteration.
[[nodiscard]] constexpr bool asynchronous(family which) noexcept { return traits_of(which).asynchronous; }

/// Calls f with `std::type_identity` of the family's own spec.
template <class F>
constexpr auto visit_family(family which, const F& f) {
    switch (which) {
#define CHIMERA_CASE(spec) \
    case family::spec:     \
        return f(std::type_identity<spec>{});
        CHIMERA_FAMILIES(CHIMERA_CASE)
#undef CHIMERA_CASE
    }
    return f(std::type_identity<one_f_one_b>{});
}

}  // namespace chimera

#undef CHIMERA_FAMILIES
