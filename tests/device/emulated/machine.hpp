// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/device/emulated/fiber.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace chimera::emulated {

struct extent {
    unsigned x = 1, y = 1, z = 1;
};

/// What a kernel did that hardware would punish, or might.
struct fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// In which order blocks run, and the threads of a block between two barriers. No result may depend on either.
struct order {
    bool blocks_reversed = false, threads_reversed = false;
};
inline order run_order;

/// Where a thread waits, by source line: threads that meet must meet at the same place.
struct place {
    const char* file = "";
    unsigned line = 0;
    std::string text() const { return std::string(file) + ":" + std::to_string(line); }
    friend bool operator==(const place& a, const place& b) {
        return a.line == b.line && (a.file == b.file || std::strcmp(a.file, b.file) == 0);
    }
};

/// Plays one launch: the blocks one after the other, a block's threads as fibers that switch where they must meet.
class machine {
public:
    static constexpr unsigned warp_size = 32;
    struct position {
        extent thread, block, threads, blocks;
    };
    position now;

    void launch(extent blocks, unsigned threads, const std::function<void()>& kernel);

    // For the running thread.
    unsigned thread() const { return now.thread.x; }
    unsigned warp() const { return now.thread.x / warp_size; }
    unsigned lane() const { return now.thread.x % warp_size; }
    unsigned block_epoch() const { return block_epoch_; }                    ///< barriers this block has passed
    unsigned warp_epoch(unsigned warp) const { return warps_[warp].epoch; }  ///< barriers of one warp
    unsigned launches() const { return launches_; }

    void meet_block(place where);
    void meet_warp(place where, bool ordered);
    /// Every lane offers a value and takes that of one lane. Orders no memory.
    std::uint64_t exchange(std::uint64_t value, unsigned from, place where);
    /// Shared memory of the running block: the same for each thread that asks for the same key, new for each block.
    template <class T>
    T& shared(place key);
    [[noreturn]] void fail(const char* what);
    [[noreturn]] void fail_apart(place here, place there);

private:
    enum class state { ready, at_block, at_warp, done };
    struct thread_state {
        fiber stack;
        state is = state::done;
        place where;
    };
    struct warp_state {
        unsigned waiting = 0, exchanges = 0, epoch = 0;
        std::uint64_t offered[2][warp_size] = {};
    };
    struct shared_object {
        place key;
        std::shared_ptr<void> memory;
    };

    static void run_thread();
    void run_block();
    void wait(state what, place where);
    void check_place(unsigned first, unsigned last, place where);
    void stuck();

    std::mutex launching_;  // there is one machine, and hosts may have threads
    std::vector<thread_state> threads_;
    std::vector<warp_state> warps_;
    std::vector<shared_object> shared_;
    const std::function<void()>* kernel_ = nullptr;
    std::string failure_;
    unsigned block_epoch_ = 0, block_waiting_ = 0, launches_ = 0;
};

inline machine the_machine;

inline void machine::run_thread() {
    machine& m = the_machine;
    thread_state& self = m.threads_[m.thread()];
    self.stack.arrived();
    (*m.kernel_)();
    self.is = state::done;
    self.stack.leave(true);
}

inline void machine::launch(extent blocks, unsigned threads, const std::function<void()>& kernel) {
    const std::scoped_lock alone(launching_);
    if (threads == 0 || threads > 1024 || threads % warp_size) throw fault("blocks of " + std::to_string(threads));
    if (blocks.y > 65535 || blocks.z > 65535 || blocks.x > 0x7fffffffu) throw fault("grid too large");
    if (threads_.size() < threads) threads_.resize(threads);
    now.threads = {threads}, now.blocks = blocks, kernel_ = &kernel, failure_.clear(), ++launches_;
    const unsigned count = blocks.x * blocks.y * blocks.z;
    for (unsigned i = 0; i < count; ++i) {
        const unsigned b = run_order.blocks_reversed ? count - 1 - i : i;
        now.block = {b % blocks.x, b / blocks.x % blocks.y, b / blocks.x / blocks.y};
        run_block();
    }
}

inline void machine::run_block() {
    const unsigned count = now.threads.x;
    warps_.assign(count / warp_size, {});
    shared_.clear(), block_epoch_ = block_waiting_ = 0;
    for (unsigned t = 0; t < count; ++t) threads_[t].stack.prepare(run_thread), threads_[t].is = state::ready;
    for (bool moved = true; moved;) {
        moved = false;
        for (unsigned i = 0; i < count; ++i) {
            const unsigned t = run_order.threads_reversed ? count - 1 - i : i;
            if (threads_[t].is != state::ready) continue;
            moved = true, now.thread.x = t;
            threads_[t].stack.enter();
            if (!failure_.empty()) throw fault(failure_);
        }
    }
    stuck();
}

/// Nobody can move: fine if all are done; else some wait for threads that have ended or wait elsewhere.
inline void machine::stuck() {
    const auto end = threads_.begin() + now.threads.x;
    const auto waiting = std::find_if(threads_.begin(), end, [](const auto& t) { return t.is != state::done; });
    if (waiting == end) return;
    throw fault("thread " + std::to_string(waiting - threads_.begin()) + " waits for ever at " + waiting->where.text());
}

inline void machine::wait(state what, place where) {
    thread_state& self = threads_[thread()];
    self.is = what, self.where = where;
    self.stack.leave();
}

inline void machine::check_place(unsigned first, unsigned last, place where) {
    for (unsigned t = first; t < last; ++t)
        if (t != thread() && !(threads_[t].where == where)) fail_apart(where, threads_[t].where);
}

inline void machine::meet_block(place where) {
    if (++block_waiting_ < now.threads.x) return wait(state::at_block, where);
    check_place(0, now.threads.x, where);
    block_waiting_ = 0, ++block_epoch_;
    for (unsigned t = 0; t < now.threads.x; ++t) threads_[t].is = state::ready;
}

inline void machine::meet_warp(place where, bool ordered) {
    warp_state& w = warps_[warp()];
    if (++w.waiting < warp_size) return wait(state::at_warp, where);
    const unsigned first = warp() * warp_size;
    check_place(first, first + warp_size, where);
    w.waiting = 0, w.epoch += ordered;
    for (unsigned t = first; t < first + warp_size; ++t) threads_[t].is = state::ready;
}

inline std::uint64_t machine::exchange(std::uint64_t value, unsigned from, place where) {
    warp_state& w = warps_[warp()];
    auto& offered =
        w.offered[w.exchanges % 2];  // two in turn: who is ahead overwrites nothing that others have yet to read
    offered[lane()] = value;
    if (w.waiting + 1 == warp_size) ++w.exchanges;
    meet_warp(where, false);
    return offered[from];
}

template <class T>
T& machine::shared(place key) {
    for (const shared_object& object : shared_)
        if (object.key == key) return *static_cast<T*>(object.memory.get());
    shared_.push_back({key, std::make_shared<T>()});
    return *static_cast<T*>(shared_.back().memory.get());
}

/// The stack is left as it is: nothing on it may own memory.
inline void machine::fail(const char* what) {
    failure_ = what;
    failure_ += " (thread " + std::to_string(thread()) + " of block " + std::to_string(now.block.x) + ", " +
                std::to_string(now.block.y) + ")";
    for (;;) threads_[thread()].stack.leave(true);
}

inline void machine::fail_apart(place here, place there) {
    failure_ = "threads meet at " + here.text() + " and " + there.text();
    for (;;) threads_[thread()].stack.leave(true);
}

}  // namespace chimera::emulated
