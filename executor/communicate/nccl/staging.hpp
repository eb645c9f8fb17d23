// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <deque>
#include <memory>

namespace chimera::executor::detail {

/// An event without a time.
class nccl_event {
public:
    nccl_event();
    ~nccl_event() { cudaEventDestroy(event_); }
    nccl_event(const nccl_event&) = delete;
    nccl_event& operator=(const nccl_event&) = delete;

    void record(cudaStream_t on);
    void hold(cudaStream_t up) const;  ///< what is enqueued there from now on comes after
    bool passed() const;

private:
    cudaEvent_t event_ = nullptr;
};

/// Memory in which what is sent waits for its receiver, so that its tensor may be overwritten at once.
class nccl_staging {
public:
    explicit nccl_staging(int most) : most_(most < 1 ? 1 : static_cast<std::size_t>(most)) {}

    struct piece {
        explicit piece(std::size_t size);
        ~piece() { cudaFree(data); }
        piece(const piece&) = delete;
        piece& operator=(const piece&) = delete;

        std::byte* data = nullptr;
        std::size_t bytes;
        nccl_event sent;
        bool enqueued = false;  ///< its send; before that, nothing says when the piece is free
    };

    /// The piece that has been free for longest, if it is free or there are as many as there may be; else another one. `compute`
    /// waits until it is free. What was taken for a group that is not enqueued yet is not taken again.
    piece& take(std::size_t bytes, cudaStream_t compute);

private:
    std::size_t most_;
    std::deque<std::unique_ptr<piece>> pieces_;  // the one that was taken longest ago first
};

}  // namespace chimera::executor::detail
