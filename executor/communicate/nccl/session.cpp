// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/communicator.hpp>
#include <executor/communicate/nccl/session.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#include <chrono>
#include <cstdio>

namespace chimera::executor::detail {
namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::microseconds between_looks{20};
constexpr std::chrono::microseconds without_sleep{50};  // a call is taken sooner than a thread wakes up
constexpr std::chrono::milliseconds watching{100};

clock::time_point in(double seconds) {
    return clock::now() + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
}

/// A message and a collective may be on the GPU at once, in any order, each until others come: both must fit beside
/// each other and beside what is computed, or neither ends (NCCL user guide, "Using multiple NCCL communicators
/// concurrently"). GPUs of compute capability 8.0 and more have a hundred multiprocessors and more.
constexpr int most_blocks = 16;

ncclConfig_t config_for([[maybe_unused]] const char* purpose) {
    ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
    config.blocking = 0;
    config.minCTAs = 1;
    config.maxCTAs = most_blocks;
#if NCCL_VERSION_CODE >= NCCL_VERSION(2, 27, 0)
    config.commName = purpose;
#endif
    return config;
}

}  // namespace

nccl_session::~nccl_session() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
        changed_.notify_all();
    }
    const bool complete = watcher_.joinable();
    if (complete) watcher_.join();
    if (complete && !over_) finish();
    abort();
}

/// Collective. What has left this rank and is still on its way comes to its end; an abort might lose it.
void nccl_session::finish() noexcept {
    try {
        use();
        while (!all_.empty()) {  // parents last
            const ncclComm_t last = all_.back();
            run(last, "ending a communicator", [&] { return ncclCommFinalize(last); });
            const std::lock_guard lock(mutex_);
            refuse_if_over();
            all_.pop_back();
            ncclCommDestroy(last);
        }
    } catch (const std::exception&) {  // the run is over, and others have failed
    }
}

void nccl_session::use() const { detail::check(cudaSetDevice(gpu_), "choosing a GPU"); }

ncclComm_t nccl_session::connect(const ncclUniqueId& id) {
    use();
    ncclConfig_t config = config_for("world");
    ncclComm_t made = nullptr;
    ncclResult_t result = ncclSuccess;
    {
        const std::lock_guard lock(mutex_);
        result = ncclCommInitRankConfig(&made, size_, id, rank_, &config);
        if (made) all_.push_back(made);
    }
    settle(made, result, "joining the other ranks");
    return made;
}

ncclComm_t nccl_session::split(ncclComm_t from, int color, const char* purpose) {
    ncclConfig_t config = config_for(purpose);
    ncclComm_t made = nullptr;
    const std::string doing = std::string("making the communicator for ") + purpose;
    run(from, doing,
        [&] { return ncclCommSplit(from, color < 0 ? NCCL_SPLIT_NOCOLOR : color, rank_, &made, &config); });
    if (!made) return nullptr;
    {
        const std::lock_guard lock(mutex_);
        all_.push_back(made);
    }
    settle(made, ncclInProgress, doing);
    return made;
}

/// NCCL is asked even about a call that it says is taken: some versions say so before it is enqueued (NVIDIA/nccl issue
/// 1495).
void nccl_session::settle(ncclComm_t on, ncclResult_t first, const std::string& doing) {
    const auto began = clock::now(), until = in(timeout_);
    ncclResult_t state = first;
    while (state == ncclSuccess || state == ncclInProgress) {
        {
            const std::lock_guard lock(mutex_);
            refuse_if_over();
            if (const ncclResult_t asked = ncclCommGetAsyncError(on, &state); asked != ncclSuccess) state = asked;
        }
        if (state == ncclSuccess) return;
        const auto now = clock::now();
        if (state == ncclInProgress && now > until) late(doing);
        if (now - began < without_sleep)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(between_looks);
    }
    fail(on, state, doing);
}

void nccl_session::wait(cudaStream_t stream, const std::string& doing) {
    const auto until = in(timeout_);
    for (;;) {
        const cudaError_t state = cudaStreamQuery(stream);
        if (state == cudaSuccess) break;
        if (state != cudaErrorNotReady) detail::check(state, doing.c_str());
        check();
        if (clock::now() > until) late(doing);
        std::this_thread::sleep_for(between_looks);
    }
    check();
}

void nccl_session::fail(ncclComm_t on, ncclResult_t result, const std::string& doing) {
    std::string why = ncclGetErrorString(result);
    {
        const std::lock_guard lock(mutex_);
        if (const char* more = on && !over_ ? ncclGetLastError(on) : nullptr; more && *more)
            why += "; " + std::string(more);
    }
    for (char& c : why)
        if (c == '\n') c = ' ';
    abort();
    refuse(who() + ": " + doing + " failed (NCCL says: " + why + ") look at the other ranks' output");
}

void nccl_session::late(const std::string& doing) {
    char seconds[32];
    std::snprintf(seconds, sizeof seconds, "%g s", timeout_);
    abort();
    refuse(who() + ": " + doing + " did not end within " + seconds +
           " (another rank is missing or elsewhere in its program) look at the other ranks' output");
}

void nccl_session::refuse_if_over() const {
    if (!failure_.empty()) refuse(failure_);
    if (over_) throw aborted();
}

void nccl_session::check() {
    const std::lock_guard lock(mutex_);
    refuse_if_over();
}

void nccl_session::watch() {
    watcher_ = std::thread([this] { look(); });
}

void nccl_session::look() {
    cudaSetDevice(gpu_);
    std::unique_lock lock(mutex_);
    while (!changed_.wait_for(lock, watching, [this] { return closing_ || over_.load(); })) {
        for (ncclComm_t one : all_) {
            ncclResult_t state = ncclSuccess;
            const ncclResult_t asked = ncclCommGetAsyncError(one, &state);
            if (asked != ncclSuccess) state = asked;
            if (state == ncclSuccess || state == ncclInProgress) continue;
            failure_ = who() +
                       ": the connection to another rank failed (NCCL says: " + std::string(ncclGetErrorString(state)) +
                       ") look at the other ranks' output";
            lock.unlock();
            abort();
            return;
        }
    }
}

/// No thread is inside NCCL meanwhile: nobody stays there longer than a call that does not block takes.
void nccl_session::abort() noexcept {
    const std::lock_guard lock(mutex_);
    over_ = true;
    for (auto one = all_.rbegin(); one != all_.rend(); ++one) ncclCommAbort(*one);  // parents last
    all_.clear();
    changed_.notify_all();
}

}  // namespace chimera::executor::detail
