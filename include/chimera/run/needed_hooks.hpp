// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chimera/run/run_row.hpp>

#include <concepts>
#include <cstdint>
#include <span>

namespace chimera::detail {

/// The bit of an action in a set of them.
[[nodiscard]] constexpr std::uint32_t bit(action op) noexcept { return 1u << static_cast<unsigned>(op); }

template <class Hooks>
concept waits_for_messages = requires(Hooks& h, const message_call& m) {
    h.wait(m);
};
template <class Hooks>
concept tests_messages = requires(Hooks& h, const message_call& m) {
    { h.test(m) } -> std::convertible_to<bool>;
};
/// Sends and receives that only begin, to be waited for.
template <class Hooks>
concept starts_messages = requires(Hooks& h, std::span<const message_call> group) {
    h.start(group);
}
&&(waits_for_messages<Hooks> || tests_messages<Hooks>);

/// The actions for which Hooks has what they need.
template <class Hooks>
[[nodiscard]] consteval std::uint32_t hooks_of() {
    std::uint32_t out = 0;
    if (requires(Hooks & h, const pass_call& c) { h.forward(c); }) out |= bit(action::forward);
    if (requires(Hooks & h, const pass_call& c) { h.backward(c); }) out |= bit(action::backward);
    if (requires(Hooks & h, const pass_call& c) { h.input_gradient(c); }) out |= bit(action::input_gradient);
    if (requires(Hooks & h, const pass_call& c) { h.weight_gradient(c); }) out |= bit(action::weight_gradient);
    if (requires(Hooks & h, const pass_call& c) { h.recompute(c); }) out |= bit(action::recompute);
    if (starts_messages<Hooks> || requires(Hooks & h, const message_call& m) { h.send(m); })
        out |= bit(action::send_activation) | bit(action::send_gradient);
    if (starts_messages<Hooks> || requires(Hooks & h, const message_call& m) { h.receive(m); })
        out |= bit(action::recv_activation) | bit(action::recv_gradient);
    if (requires(Hooks & h, const stage_call& s) { h.start_reduction(s); }) out |= bit(action::reduce_gradient);
    if (requires(Hooks & h, const stage_call& s) { h.wait_reduction(s); }) out |= bit(action::wait_gradient);
    if (requires(Hooks & h, const stage_call& s) { h.update(s); }) out |= bit(action::update_weights);
    return out;
}

/// The hook of an action, as it is to be declared.
[[nodiscard]] constexpr const char* hook_of(action op) noexcept {
    constexpr const char* names[action_count] = {
        "forward(const pass_call&)",          "backward(const pass_call&)",        "input_gradient(const pass_call&)",
        "weight_gradient(const pass_call&)",  "recompute(const pass_call&)",       "send(const message_call&)",
        "receive(const message_call&)",       "send(const message_call&)",         "receive(const message_call&)",
        "start_reduction(const stage_call&)", "wait_reduction(const stage_call&)", "update(const stage_call&)",
    };
    return names[static_cast<int>(op)];
}

/// Stops the compilation if a program needs a hook that Hooks does not have; the message names it.
template <std::uint32_t Needs, class Hooks>
constexpr void assert_hooks() {
    constexpr std::uint32_t missing = Needs & ~hooks_of<Hooks>();
    constexpr auto has = [](action op) { return (missing & bit(op)) == 0; };
    static_assert(has(action::forward), "the program needs the hook forward(const pass_call&) add it");
    static_assert(has(action::backward), "the program needs the hook backward(const pass_call&) add it");
    static_assert(has(action::input_gradient), "the program needs the hook input_gradient(const pass_call&) add it");
    static_assert(has(action::weight_gradient), "the program needs the hook weight_gradient(const pass_call&) add it");
    static_assert(has(action::recompute), "the program needs the hook recompute(const pass_call&) add it");
    static_assert(has(action::send_activation) && has(action::send_gradient),
                  "the program needs the hook send(const message_call&), or start and wait, add it");
    static_assert(has(action::recv_activation) && has(action::recv_gradient),
                  "the program needs the hook receive(const message_call&), or start and wait, add it");
    static_assert(has(action::reduce_gradient), "the program needs the hook start_reduction(const stage_call&) add it");
    static_assert(has(action::wait_gradient), "the program needs the hook wait_reduction(const stage_call&) add it");
    static_assert(has(action::update_weights), "the program needs the hook update(const stage_call&) add it");
}

}  // namespace chimera::detail

namespace chimera {

/// Returns the hook that a row needs and Hooks does not have, as it is to be declared; null if there is none.
template <class Hooks>
[[nodiscard]] constexpr const char* missing_hook(run_argument row) noexcept {
    const std::uint32_t missing = row.needs & ~detail::hooks_of<Hooks>();
    for (int op = 0; op < action_count; ++op)
        if ((missing & detail::bit(static_cast<action>(op))) != 0) return detail::hook_of(static_cast<action>(op));
    return nullptr;
}

}  // namespace chimera
