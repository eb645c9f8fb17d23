// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/core/spec.hpp>
#include <chimera/schedule/families.hpp>
#include <chimera/schedule/for_workers.hpp>
#include <chimera/schedule/options.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>

namespace chimera {

/// A family chosen at run time, with the options that some families have; a schedule_spec, too.
/// An option that is 0 leaves the choice to the family: std::optional cannot be part of a template argument, a spec
/// can.
struct family_spec {
    family which = family::one_f_one_b;  ///< family to build
    int stages = 1;                      ///< stages of the model
    int micro_batches = 1;               ///< of an iteration, all pipelines together
    // A member for each option, in the order of the table.
#define CHIMERA_MEMBER(type, key, ...) type key{};
    CHIMERA_FAMILY_OPTIONS(CHIMERA_MEMBER)
#undef CHIMERA_MEMBER
    int width = 1;  ///< The workers of data_parallel.

    /// Calls f with the family's own spec.
    template <class F>
    constexpr auto visit(const F& f) const {
        return visit_family(which, [&]<class Spec>(std::type_identity<Spec>) { return f(as<Spec>()); });
    }

    [[nodiscard]] constexpr refusal refused() const noexcept {
        return visit([](const auto& spec) { return spec.refused(); });
    }
    [[nodiscard]] constexpr int workers() const noexcept {
        return visit([](const auto& spec) { return spec.workers(); });
    }
    /// Returns this spec on so many workers: with as many stages as these hold, or of that width (data_parallel).
    [[nodiscard]] constexpr family_spec for_workers(int count) const noexcept {
        family_spec out = *this;
        visit([&](const auto& spec) {
            const auto own = detail::on_workers(spec, count);
            out.stages = own.stages;
            if constexpr (requires { own.width; }) out.width = own.width;
        });
        return out;
    }
    [[nodiscard]] constexpr int placements() const noexcept {
        return visit([](const auto& spec) { return spec.placements(); });
    }
    [[nodiscard]] constexpr std::size_t slot_count() const noexcept {
        return visit([](const auto& spec) { return spec.slot_count(); });
    }
    friend constexpr bool operator==(const family_spec&, const family_spec&) = default;

private:
    friend struct detail::maker;

    constexpr schedule make() const {
        return visit([](const auto& spec) { return detail::maker::make(spec); });
    }

    template <class Spec>
    [[nodiscard]] constexpr Spec as() const {
        Spec out{};
        out.stages = stages;
        out.micro_batches = micro_batches;
        const auto take = [](const family_option&, auto& to, const auto& from) {
            if (from != std::remove_cvref_t<decltype(from)>{}) to = from;
        };
        each_option(take, out, *this);
        if constexpr (requires { out.width; }) out.width = width;
        return out;
    }
};

/// Returns the stages that a worker of the family holds on one pipeline, as the spec's own options say.
[[nodiscard]] constexpr int stages_per_worker(const family_spec& spec) noexcept {
    return spec.visit([](const auto& own) { return detail::stages_each(own); });
}

}  // namespace chimera
