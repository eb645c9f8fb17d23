// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/nccl/staging.hpp>
#include <executor/device/cuda/check.hpp>

#include <utility>

namespace chimera::executor::detail {

nccl_event::nccl_event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event"); }
void nccl_event::record(cudaStream_t on) { check(cudaEventRecord(event_, on), "recording an event"); }
void nccl_event::hold(cudaStream_t up) const { check(cudaStreamWaitEvent(up, event_, 0), "waiting for an event"); }
bool nccl_event::passed() const { return cudaEventQuery(event_) == cudaSuccess; }

nccl_staging::piece::piece(std::size_t size) : bytes(size) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, size), "taking memory for messages under way");
    data = static_cast<std::byte*>(memory);
}

nccl_staging::piece& nccl_staging::take(std::size_t bytes, cudaStream_t compute) {
    std::unique_ptr<piece> next;
    if (!pieces_.empty() && pieces_.front()->enqueued && (pieces_.size() >= most_ || pieces_.front()->sent.passed())) {
        next = std::move(pieces_.front());
        pieces_.pop_front();
        next->sent.hold(compute);
    }
    if (!next || next->bytes < bytes)
        next = std::make_unique<piece>(bytes);  // cudaFree waits for what uses the old one
    next->enqueued = false;
    pieces_.push_back(std::move(next));
    return *pieces_.back();
}

}  // namespace chimera::executor::detail
