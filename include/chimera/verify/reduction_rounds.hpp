// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/program/update_group.hpp>
#include <chimera/verify/once.hpp>

#include <algorithm>

namespace chimera::detail {

/// The groups of a program, for laws that are asked for one by one.
[[nodiscard]] constexpr update_groups groups_of(const program_view& p) {
    if (p.head.update == update_rule::flushed) return {};
    report ignored;
    return find_update_groups(p.head, check_once(p, ignored).pipeline);
}

/// Returns how many things a program reduces: its stages, and then the weights of its tied links.
[[nodiscard]] constexpr std::int32_t reduced_of(const program_view& p) noexcept {
    return static_cast<std::int32_t>(p.member_offsets.size()) - 1;
}

/// Tells to which reduction of its stage a reduce or a wait belongs: the k-th on its worker to the k-th. If weights
/// change once, there is one.
class reduction_rounds {
public:
    constexpr explicit reduction_rounds(const program_view& p) : p_(p) {
        if (p.head.update == update_rule::flushed) return;
        round_.assign(p.instructions.size(), 0);
        std::vector<std::int32_t> seen(2 * static_cast<std::size_t>(reduced_of(p)), 0);
        for (std::int32_t w = 0; w < p.head.workers; ++w) {
            const auto begin = static_cast<std::size_t>(p.offsets[static_cast<std::size_t>(w)]);
            const auto end = static_cast<std::size_t>(p.offsets[static_cast<std::size_t>(w) + 1]);
            for (std::size_t i = begin; i < end; ++i) number(i, seen, false);
            for (std::size_t i = begin; i < end; ++i) number(i, seen, true);
        }
        // More rounds than units no program can need, and a file's number must not be trusted with memory.
        count_ = (std::min)(count_, static_cast<std::size_t>(p.head.units()));
    }

    /// One number for every (stage, round): stage · rounds + round.
    [[nodiscard]] constexpr std::size_t node(std::size_t i) const noexcept {
        const std::size_t stage = p_.instructions[i].stage;
        if (round_.empty()) return stage;
        return stage * count_ + (std::min)(static_cast<std::size_t>(round_[i]), count_ - 1);
    }
    [[nodiscard]] constexpr std::int32_t stage_of(std::int32_t node) const noexcept {
        return node / static_cast<std::int32_t>(count_);
    }
    [[nodiscard]] constexpr std::size_t nodes() const noexcept {
        return static_cast<std::size_t>(reduced_of(p_)) * count_;
    }

private:
    constexpr void number(std::size_t i, std::vector<std::int32_t>& seen, bool reset) {
        const instruction& x = p_.instructions[i];
        const bool waits = x.op == action::wait_gradient;
        if ((!waits && x.op != action::reduce_gradient) || x.stage >= reduced_of(p_)) return;
        std::int32_t& next = seen[x.stage * std::size_t{2} + (waits ? 1 : 0)];
        if (reset) {
            next = 0;
            return;
        }
        round_[i] = next++;
        count_ = (std::max)(count_, static_cast<std::size_t>(next));
    }

    const program_view& p_;
    std::size_t count_ = 1;
    std::vector<std::int32_t> round_;  // per instruction; empty where weights change once
};

}  // namespace chimera::detail
