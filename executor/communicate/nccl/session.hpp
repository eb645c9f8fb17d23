// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace chimera::executor::detail {

/// All communicators of one rank: none of them blocks, and their calls are made one at a time, so that whoever finds
/// out that something is wrong can end them all.
class nccl_session {
public:
    nccl_session(int rank, int size, int gpu, double timeout_seconds)
        : rank_(rank), size_(size), gpu_(gpu), timeout_(timeout_seconds) {}
    /// Gives the communicators back. Where all is well that is collective over all ranks; after a failure, or where
    /// others do not come within the time-out, what still runs is ended.
    ~nccl_session();
    nccl_session(const nccl_session&) = delete;
    nccl_session& operator=(const nccl_session&) = delete;

    /// Collective over all ranks.
    ncclComm_t connect(const ncclUniqueId& id);
    /// Collective over all ranks of `from`; null for those without a colour (-1).
    ncclComm_t split(ncclComm_t from, int color, const char* purpose);

    /// Makes a call, or a group of them, on one communicator, and waits until NCCL has taken it.
    template <typename Call>
    void run(ncclComm_t on, const std::string& doing, Call call) {
        ncclResult_t result = ncclSuccess;
        {
            const std::lock_guard lock(mutex_);
            refuse_if_over();
            result = call();
        }
        settle(on, result, doing);
    }
    /// Waits until the stream has done what was enqueued.
    void wait(cudaStream_t stream, const std::string& doing);

    /// From now on a thread looks for errors.
    void watch();
    void check();
    void abort() noexcept;
    void use() const;
    std::string who() const { return "rank " + std::to_string(rank_) + " of " + std::to_string(size_); }

private:
    void finish() noexcept;
    void settle(ncclComm_t on, ncclResult_t first, const std::string& doing);
    void refuse_if_over() const;
    [[noreturn]] void fail(ncclComm_t on, ncclResult_t result, const std::string& doing);
    [[noreturn]] void late(const std::string& doing);
    void look();

    int rank_, size_, gpu_;
    double timeout_;
    mutable std::mutex mutex_;  // of NCCL's calls and of what follows
    std::vector<ncclComm_t> all_;
    std::string failure_;  // what the watching thread has found
    std::atomic<bool> over_{false};
    bool closing_ = false;
    std::condition_variable changed_;
    std::thread watcher_;
};

}  // namespace chimera::executor::detail
