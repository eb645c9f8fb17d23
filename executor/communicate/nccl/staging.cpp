// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/communicate/nccl/staging.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace chimera::executor::detail {

nccl_event::nccl_event() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "making an event"); }
void nccl_event::record(cudaStream_t on) { check(cudaEventRecord(event_, on), "recording an event"); }
void nccl_event::hold(cudaStream_t up) const { check(cudaStreamWaitEvent(up, event_, 0), "waiting for an event"); }
bool nccl_event::passed() const { return cudaEventQuery(event_) == cudaSuccess; }

nccl_staging::piece::piece(std::size_t size) {
    void* memory = nullptr;
    check(cudaMalloc(&memory, size), "taking memory for messages under way");
    data = static_cast<std::byte*>(memory);
}

void nccl_staging::reserve(std::span<const traffic> all) {
    for (const traffic& t : all)
        for (pieces& have = all_[{t.peer, t.bytes}]; have.size() < std::min(static_cast<std::size_t>(t.most), most_);)
            have.push_back(std::make_unique<piece>(t.bytes));
}

nccl_staging::piece& nccl_staging::take(const transfer& t, cudaStream_t compute) {
    pieces& have = all_[{t.peer, t.bytes}];
    if (have.empty() || !have.front()->enqueued)
        refuse("worker " + std::to_string(t.peer) + " is sent more messages of " + std::to_string(t.bytes) +
               " bytes at once than the " + std::to_string(have.size()) +
               " there is memory for (none can be taken while messages are under way) reserve it, or send fewer in a "
               "group");
    have.front()->sent.hold(compute);
    have.push_back(std::move(have.front()));
    have.pop_front();
    have.back()->enqueued = false;
    return *have.back();
}

}  // namespace chimera::executor::detail
