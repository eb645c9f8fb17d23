// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/communicator.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <utility>

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

/// Memory in which what is sent waits for its receiver, so that its tensor may be overwritten at once. It is taken
/// before the first message: taking or giving back memory can wait for the whole GPU, and so for another rank.
class nccl_staging {
public:
    /// Sends of one size to one peer that are kept at once.
    explicit nccl_staging(int most) : most_(most < 1 ? 1 : static_cast<std::size_t>(most)) {}

    struct piece {
        explicit piece(std::size_t size);
        ~piece() { cudaFree(data); }
        piece(const piece&) = delete;
        piece& operator=(const piece&) = delete;

        std::byte* data = nullptr;
        nccl_event sent;
        bool enqueued = true;  ///< its send; before that, nothing says when the piece is free
    };

    void reserve(std::span<const traffic> all);

    /// The piece that was taken longest ago; `compute` waits until it is free. What was taken for a group that is not
    /// enqueued yet is not taken again. Throws where a group has more than were reserved.
    piece& take(const transfer& t, cudaStream_t compute);

private:
    using pieces = std::deque<std::unique_ptr<piece>>;  // the one that was taken longest ago first
    std::size_t most_;
    std::map<std::pair<int, std::size_t>, pieces> all_;  // by peer and size
};

}  // namespace chimera::executor::detail
