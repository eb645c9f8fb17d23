// SPDX-License-Identifier: Apache-2.0
// A skeleton: workers that are GPUs, each with a rank of its own. Hooks only enqueue, and messages overlap with passes.
#pragma once

#include <chimera/run.hpp>

#include <cuda_runtime.h>
#include <nccl.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

using chimera::message_call, chimera::pass_call, chimera::stage_call;

/// Your stages on the device. Each call enqueues its kernels on the stream and returns. `in` is null where the input
/// is the unit's data or the loss; `out` where nothing is handed on.
struct gpu_model {
    void forward(int stage, int version, int unit, const float* in, float* out, float* kept, cudaStream_t on);
    void recompute(int stage, int version, const float* kept, float* unfolded, cudaStream_t on);
    void input_gradient(int stage, int version, int unit, const float* in, float* out, float* kept, cudaStream_t on);
    void weight_gradient(int stage, const float* kept, cudaStream_t on);  // adds to gradient(stage)
    void update(int stage, int newest, int version, cudaStream_t on);     // and clears gradient(stage)
    std::span<float> gradient(int stage);
};

class nccl_worker {
public:
    /// `unit`: numbers of the largest tensor of a unit between two stages; `kept`: of the largest that a stage keeps.
    nccl_worker(const chimera::run_row& row, gpu_model& model, std::size_t unit, std::size_t kept, ncclComm_t world,
                std::vector<ncclComm_t> holders)
        : model_(model), unit_(unit), kept_(kept), world_(world), holders_(std::move(holders)),
          moved_(static_cast<std::size_t>(row.message_buffers)) {
        const auto rows = [](int buffers, std::size_t each) { return static_cast<std::size_t>(buffers) * each; };
        cudaMalloc(&messages_, rows(row.message_buffers, unit) * sizeof(float));
        cudaMalloc(&stash_, rows(row.activation_buffers, kept) * sizeof(float));
        cudaMalloc(&unfolded_, rows(row.recompute_buffers, kept) * sizeof(float));
        cudaStreamCreateWithFlags(&passes_, cudaStreamNonBlocking);
        cudaStreamCreateWithFlags(&transfers_, cudaStreamNonBlocking);
        cudaStreamCreateWithFlags(&sums_, cudaStreamNonBlocking);
        cudaEventCreateWithFlags(&done_, cudaEventDisableTiming);
        for (cudaEvent_t& e : moved_) cudaEventCreateWithFlags(&e, cudaEventDisableTiming);
    }

    // glue: begin
    void forward(const pass_call& p) {
        for (int k = 0; k < p.count; ++k)
            model_.forward(p.stage, p.version, p.first + k, in(p, k), out(p, k), stash(p, k), passes_);
    }
    void recompute(const pass_call& p) {
        for (int k = 0; k < p.count; ++k)
            model_.recompute(p.stage, p.version, stash(p, k), unfolded_ + kept_ * at(p.unfolded, k), passes_);
    }
    void input_gradient(const pass_call& p) {
        for (int k = 0; k < p.count; ++k)
            model_.input_gradient(p.stage, p.version, p.first + k, in(p, k), out(p, k), full(p, k), passes_);
    }
    void weight_gradient(const pass_call& p) {
        for (int k = 0; k < p.count; ++k) model_.weight_gradient(p.stage, full(p, k), passes_);
    }
    void backward(const pass_call& p) { input_gradient(p), weight_gradient(p); }
    void start(std::span<const message_call> group) {
        follow(transfers_, passes_);
        ncclGroupStart();
        for (const auto& m : group) {
            float* data = messages_ + unit_ * static_cast<std::size_t>(m.buffer);
            const std::size_t size = unit_ * static_cast<std::size_t>(m.count);
            m.sends ? ncclSend(data, size, ncclFloat, m.peer, world_, transfers_)
                    : ncclRecv(data, size, ncclFloat, m.peer, world_, transfers_);
        }
        ncclGroupEnd();
        for (const auto& m : group) cudaEventRecord(moved_[static_cast<std::size_t>(m.buffer)], transfers_);
    }
    void wait(const message_call& m) { cudaStreamWaitEvent(passes_, moved_[static_cast<std::size_t>(m.buffer)], 0); }
    void start_reduction(const stage_call& s) {
        const auto sum = model_.gradient(s.stage);
        follow(sums_, passes_);
        ncclAllReduce(sum.data(), sum.data(), sum.size(), ncclFloat, ncclSum, holders_[s.stage], sums_);
    }
    void wait_reduction(const stage_call&) { follow(passes_, sums_); }
    void update(const stage_call& s) { model_.update(s.stage, s.newest, s.version, passes_); }
    // glue: end

private:
    static std::size_t at(std::span<const std::int32_t> buffers, int k) {
        return static_cast<std::size_t>(buffers[static_cast<std::size_t>(k)]);
    }
    const float* in(const pass_call& p, int k) {
        return p.inputs.empty() ? nullptr : messages_ + unit_ * at(p.inputs, k);
    }
    float* out(const pass_call& p, int k) { return p.outputs.empty() ? nullptr : messages_ + unit_ * at(p.outputs, k); }
    float* stash(const pass_call& p, int k) { return stash_ + kept_ * at(p.activations, k); }
    float* full(const pass_call& p, int k) {
        return p.recomputed ? unfolded_ + kept_ * at(p.unfolded, k) : stash(p, k);
    }
    /// Lets all later work of the stream `later` wait for the work that the stream `first` has by now.
    void follow(cudaStream_t later, cudaStream_t first) {
        cudaEventRecord(done_, first);
        cudaStreamWaitEvent(later, done_, 0);
    }

    gpu_model& model_;
    std::size_t unit_, kept_;
    ncclComm_t world_;
    std::vector<ncclComm_t> holders_;  // by stage: of the workers that hold it, null: not this one
    std::vector<cudaEvent_t> moved_;   // by message buffer
    float *messages_ = nullptr, *stash_ = nullptr, *unfolded_ = nullptr;
    cudaStream_t passes_ = nullptr, transfers_ = nullptr, sums_ = nullptr;
    cudaEvent_t done_ = nullptr;
};
