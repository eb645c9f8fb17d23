// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/sanitized.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#ifdef CHIMERA_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
/// Looking for uses after return costs a stack of its own for each run of each fiber, a hundred times what the run does. One source
/// file a program includes this.
extern "C" __attribute__((used, no_sanitize("address"))) const char* __asan_default_options() {
    return "detect_stack_use_after_return=0";
}
#endif
#ifndef __x86_64__
#include <ucontext.h>
#endif

namespace chimera::emulated {

/// A function with its own stack, entered and left at will. A switch costs nanoseconds on x86-64, a system call elsewhere.
class fiber {
public:
    static constexpr std::size_t stack_bytes = 128 * 1024;

    /// `run` must end by leaving for good: it never returns.
    void prepare(void (*run)());
    void enter();
    /// From inside. `for_good`: this run is over.
    void leave(bool for_good = false);
    /// First thing on a stack of its own.
    void arrived();

private:
    void switch_stacks(bool in);

    std::unique_ptr<std::byte[]> stack_ = std::make_unique_for_overwrite<std::byte[]>(stack_bytes);
#ifdef __x86_64__
    void* inside_ = nullptr;
    void* outside_ = nullptr;
#else
    ucontext_t inside_{}, outside_{};
#endif
#ifdef CHIMERA_ADDRESS_SANITIZER
    void* fake_inside_ = nullptr;
    void* fake_outside_ = nullptr;
    const void* outer_bottom_ = nullptr;
    std::size_t outer_size_ = 0;
#endif
};

#ifdef __x86_64__
/// Saves what the System V ABI lets a callee keep, stores the stack pointer in *from (rdi), and goes on where `to` (rsi) left.
__attribute__((naked, noinline)) inline void switch_stack(void** /*from*/, void* /*to*/) {
    asm("pushq %rbp\n pushq %rbx\n pushq %r12\n pushq %r13\n pushq %r14\n pushq %r15\n"
        "movq %rsp, (%rdi)\n movq %rsi, %rsp\n"
        "popq %r15\n popq %r14\n popq %r13\n popq %r12\n popq %rbx\n popq %rbp\n ret");
}

inline void fiber::prepare(void (*run)()) {
    auto top = reinterpret_cast<std::uintptr_t>(stack_.get() + stack_bytes) & ~std::uintptr_t{15};
    auto* slot = reinterpret_cast<void**>(top);
    *--slot = nullptr;  // where run would return to
    *--slot = reinterpret_cast<void*>(run);
    for (int i = 0; i < 6; ++i) *--slot = nullptr;
    inside_ = slot;
}

inline void fiber::switch_stacks(bool in) {
    if (in)
        switch_stack(&outside_, inside_);
    else
        switch_stack(&inside_, outside_);
}
#else
inline void fiber::prepare(void (*run)()) {
    getcontext(&inside_);
    inside_.uc_stack.ss_sp = stack_.get();
    inside_.uc_stack.ss_size = stack_bytes;
    inside_.uc_link = nullptr;
    makecontext(&inside_, run, 0);
}

inline void fiber::switch_stacks(bool in) {
    if (in)
        swapcontext(&outside_, &inside_);
    else
        swapcontext(&inside_, &outside_);
}
#endif

#ifdef CHIMERA_ADDRESS_SANITIZER
inline void fiber::enter() {
    __sanitizer_start_switch_fiber(&fake_outside_, stack_.get(), stack_bytes);
    switch_stacks(true);
    __sanitizer_finish_switch_fiber(fake_outside_, nullptr, nullptr);
}
inline void fiber::leave(bool for_good) {
    __sanitizer_start_switch_fiber(for_good ? nullptr : &fake_inside_, outer_bottom_, outer_size_);
    switch_stacks(false);
    __sanitizer_finish_switch_fiber(fake_inside_, &outer_bottom_, &outer_size_);
}
inline void fiber::arrived() { __sanitizer_finish_switch_fiber(nullptr, &outer_bottom_, &outer_size_); }
#else
inline void fiber::enter() { switch_stacks(true); }
inline void fiber::leave(bool) { switch_stacks(false); }
inline void fiber::arrived() {}
#endif

}  // namespace chimera::emulated
