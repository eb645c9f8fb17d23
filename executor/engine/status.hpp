// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace chimera::executor {

/// The present work of a worker, for the watchdog.
enum class phase : std::uint8_t {
    idle,        ///< between iterations, or done with this one
    computing,   ///< in a stage: a pass or an update
    core,        ///< waits for a core
    message,     ///< waits for the data of a receive, or in a group of transfers
    reduction,   ///< waits for the members of a reduction
    hook,        ///< in the caller's own code
    work_queue,  ///< has enqueued everything and waits for it to be done
    failed,
};

constexpr const char* name(phase p) {
    constexpr const char* names[] = {"idle",
                                     "computing",
                                     "waits for a core",
                                     "waits for a message",
                                     "waits for a reduction",
                                     "in a hook",
                                     "does not finish what was enqueued",
                                     "failed"};
    return names[static_cast<int>(p)];
}

/// The position of a worker; written by its thread and read by the watchdog, hence relaxed atomics.
struct alignas(64) worker_status {
    std::atomic<std::uint64_t> progress{0};  ///< grows with everything that the worker gets done
    std::atomic<std::int32_t> instruction{-1};
    std::atomic<std::int32_t> message{-1};  ///< in phase message: which, or -1 in a group of transfers
    std::atomic<phase> what{phase::idle};

    void enter(phase p) { what.store(p, std::memory_order_relaxed); }
    void advance() { progress.store(progress.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};

/// The status of the worker whose thread this is; null on all others.
inline thread_local worker_status* this_worker = nullptr;

/// Counts as progress of the worker on whose thread it is called: for parts of a long pass.
inline void note_progress() {
    if (this_worker != nullptr) this_worker->advance();
}

}  // namespace chimera::executor
