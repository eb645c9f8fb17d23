// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cpu/team.hpp>

#include <executor/device/cpu/cpu_linear.hpp>

#include <utility>

namespace chimera::executor::detail {

namespace {

/// Returns when `of` is no longer `old`: operations follow each other closely, and waking a thread takes longer than
/// many of them.
template <class T>
void await_change(const std::atomic<T>& of, T old) {
    constexpr int looks = 2000;  // about 20 µs
    for (int i = 0; i < looks; ++i) {
        if (of.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    of.wait(old, std::memory_order_acquire);
}

}  // namespace

team::~team() { dismiss(); }

void team::dismiss() {
    if (helpers_.empty()) return;
    how_ = nullptr;
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
    helpers_.clear();
}

/// All helpers or none: fewer would do other parts of the work.
void team::start() {
    const unsigned seen = round_.load(std::memory_order_relaxed);
    try {
        for (int i = 1; i < size_; ++i) helpers_.emplace_back(&team::help, this, i, seen);
    } catch (...) {
        dismiss();
        throw;
    }
}

void team::together(call how, const void* what) {
    if (helpers_.empty()) start();
    how_ = how;
    what_ = what;
    busy_.store(size_ - 1, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
    attempt(0);
    for (int left; (left = busy_.load(std::memory_order_acquire)) > 0;) await_change(busy_, left);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void team::help(int i, unsigned seen) {
    use_one_thread();
    for (;; ++seen) {
        await_change(round_, seen);
        if (!how_) return;
        attempt(i);
        if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
}

void team::attempt(int i) noexcept {
    try {
        how_(what_, i);
    } catch (...) {
        const std::lock_guard lock(failing_);
        if (!failure_) failure_ = std::current_exception();
    }
}

}  // namespace chimera::executor::detail
