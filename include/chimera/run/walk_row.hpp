// SPDX-License-Identifier: Apache-2.0
#pragma once

// May be included with -fno-exceptions; a missing hook then ends the program instead of throwing.

#include <chimera/run/needed_hooks.hpp>

#if defined(__cpp_exceptions)
#include <chimera/core/error.hpp>

#include <string>
#endif

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace chimera {
namespace detail {

[[noreturn]] inline void hook_is_missing(int worker, const char* name) {
#if defined(__cpp_exceptions)
    refuse("worker " + std::to_string(worker) + " cannot run (the hook " + name + " is missing) add it to the hooks");
#else
    std::fprintf(stderr, "worker %d cannot run (the hook %s is missing) add it to the hooks\n", worker, name);
    std::abort();
#endif
}

/// Walks one row. Every call is of a hook itself, so that the compiler sees through it.
template <class Hooks>
class row_walk {
public:
    constexpr row_walk(const run_row& row, Hooks& hooks) noexcept : row_(row), hooks_(hooks) {}

    constexpr void run() {
        for (std::size_t i = 0; i < row_.steps.size(); ++i) {
            const run_step& step = row_.steps[i];
            if constexpr (requires(const pass_call& p) { hooks_.pair(p, p); }) {
                if (step.paired) {
                    run_pair(step, row_.steps[++i]);
                    continue;
                }
            }
            enter(step);
            wait_for(step.waits);
            act(step);
            leave(step);
        }
        wait_for(row_.last_waits);
    }

private:
    constexpr void run_pair(const run_step& first, const run_step& second) {
        enter(first);
        wait_for(first.waits);
        wait_for(second.waits);
        hooks_.pair(row_.pass_of(first), row_.pass_of(second));
        leave(second);
    }
    constexpr void enter(const run_step& s) {
        if constexpr (requires { hooks_.enter(s); }) hooks_.enter(s);
    }
    constexpr void leave(const run_step& s) {
        if constexpr (requires { hooks_.leave(s); }) hooks_.leave(s);
    }

    /// Hooks that a row does not need may be missing.
    constexpr void act(const run_step& s) {
        switch (s.op) {
            case action::forward:
                if constexpr (has(action::forward)) hooks_.forward(row_.pass_of(s));
                return;
            case action::backward:
                if constexpr (has(action::backward)) hooks_.backward(row_.pass_of(s));
                return;
            case action::input_gradient:
                if constexpr (has(action::input_gradient)) hooks_.input_gradient(row_.pass_of(s));
                return;
            case action::weight_gradient:
                if constexpr (has(action::weight_gradient)) hooks_.weight_gradient(row_.pass_of(s));
                return;
            case action::recompute:
                if constexpr (has(action::recompute)) hooks_.recompute(row_.pass_of(s));
                return;
            case action::reduce_gradient:
                if constexpr (has(action::reduce_gradient)) hooks_.start_reduction(row_.stage_of(s));
                return;
            case action::wait_gradient:
                if constexpr (has(action::wait_gradient)) hooks_.wait_reduction(row_.stage_of(s));
                return;
            case action::update_weights:
                if constexpr (has(action::update_weights)) hooks_.update(row_.stage_of(s));
                return;
            default:
                return move(s.what.in(row_.messages));
        }
    }

    /// A group's calls start together, or come one after another in the row's order.
    constexpr void move(std::span<const message_call> group) {
        if constexpr (starts_messages<Hooks>) {
            hooks_.start(group);
        } else {
            for (const message_call& m : group) {
                if (m.sends) {
                    if constexpr (has(action::send_activation)) hooks_.send(m);
                } else {
                    if constexpr (has(action::recv_activation)) hooks_.receive(m);
                }
            }
        }
    }
    constexpr void wait_for(run_range waits) {
        if constexpr (starts_messages<Hooks>) {
            for (const std::int32_t m : waits.in(row_.waits)) wait_for(row_.messages[static_cast<std::size_t>(m)]);
        }
    }
    constexpr void wait_for(const message_call& m) {
        if constexpr (waits_for_messages<Hooks>) {
            hooks_.wait(m);
        } else {
            while (!hooks_.test(m)) {
                if constexpr (requires { hooks_.idle(); }) hooks_.idle();
            }
        }
    }

    [[nodiscard]] static consteval bool has(action op) { return (hooks_of<Hooks>() & bit(op)) != 0; }

    const run_row& row_;
    Hooks& hooks_;
};

}  // namespace detail

/// Carries out a row once: calls a hook for each step, in order, and returns when all have returned. `hooks` is any
/// object with the member functions that the row needs:
///
/// - `forward`, `backward`, `input_gradient`, `weight_gradient`, `recompute`, each with a `const pass_call&`;
/// - `send` and `receive` with a `const message_call&`, which return when the call has ended; or `start` with a
///   `std::span<const message_call>`, the calls of a group, which only begins them, and `wait` with a
///   `const message_call&`, called once for each before its buffer is read or written again. In place of `wait` there
///   may be `test`, asked until it returns true, with calls of `idle()` in between if there is one;
/// - `start_reduction`, `wait_reduction` and `update` with a `const stage_call&`;
/// - if they are there, `pair` with two `const pass_call&` that may run together, and `enter` and `leave` with a
///   `const run_step&` around each step.
///
/// Allocates nothing, keeps nothing and makes no virtual call. Throws `chimera_error` before the first step if a hook
/// is missing; with -fno-exceptions it prints that line and aborts.
template <class Hooks>
constexpr void run(run_argument row, Hooks&& hooks) {
    using type = std::remove_reference_t<Hooks>;
    if (const char* name = missing_hook<type>(row)) detail::hook_is_missing(row.worker, name);
    detail::row_walk<type>(row, hooks).run();
}

}  // namespace chimera
