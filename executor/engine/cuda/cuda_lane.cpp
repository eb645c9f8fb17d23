// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda_check.hpp>
#include <executor/engine/cuda/cuda_lane.hpp>

#include <nvtx3/nvToolsExt.h>

namespace chimera::executor {
namespace {

using detail::check;

class cuda_lane final : public lane {
public:
    cuda_lane(int gpu, void* stream) : gpu_(gpu), stream_(static_cast<cudaStream_t>(stream)) {
        use();
        check(cudaEventCreate(&start_), "making an event");
    }
    ~cuda_lane() override {
        for (cudaEvent_t event : events_) cudaEventDestroy(event);
        cudaEventDestroy(start_);
    }
    cuda_lane(const cuda_lane&) = delete;
    cuda_lane& operator=(const cuda_lane&) = delete;

    std::byte* allocate(std::size_t bytes) override {
        void* const memory = detail::take_memory(gpu_, bytes);
        check(cudaMemsetAsync(memory, 0, bytes, stream_), "clearing memory for activations");
        return static_cast<std::byte*>(memory);
    }
    void release(std::byte* memory) noexcept override { cudaFree(memory); }

    void prepare(std::size_t count) override {
        use();
        while (events_.size() < count) {
            cudaEvent_t event = nullptr;
            // Threads outnumber cores where workers share a GPU: whoever waits is not to hold one.
            check(cudaEventCreateWithFlags(&event, cudaEventBlockingSync), "making an event");
            events_.push_back(event);
        }
    }

    void begin(clock::time_point start) override {
        use();
        cudaStreamCaptureStatus recorded = cudaStreamCaptureStatusNone;
        check(cudaStreamIsCapturing(stream_, &recorded), "starting an iteration");
        recorded_ = recorded != cudaStreamCaptureStatusNone;
        note(start_);
        late_ = std::chrono::duration<double>(clock::now() - start).count();
    }

    void launched(double seconds) override { late_ = seconds; }
    void stamp(std::size_t index) override { note(events_[index]); }

    double wait(std::size_t index) override {
        check(cudaEventSynchronize(events_[index]), "running what was enqueued");
        float milliseconds = 0;
        check(cudaEventElapsedTime(&milliseconds, start_, events_[index]), "reading a time");
        return late_ + static_cast<double>(milliseconds) * 1e-3;
    }

    void finish() override { check(cudaStreamSynchronize(stream_), "running what was enqueued"); }

    void name(std::vector<std::string> names) override { names_ = std::move(names); }
    void enter(std::int32_t instruction) override {
        nvtxRangePushA(names_[static_cast<std::size_t>(instruction)].c_str());
    }
    void leave() override { nvtxRangePop(); }

private:
    /// In a graph: each time that it runs.
    void note(cudaEvent_t event) {
        check(cudaEventRecordWithFlags(event, stream_, recorded_ ? cudaEventRecordExternal : cudaEventRecordDefault),
              "recording a time");
    }
    void use() const { check(cudaSetDevice(gpu_), "choosing a GPU"); }

    int gpu_;
    cudaStream_t stream_;
    cudaEvent_t start_ = nullptr;
    bool recorded_ = false;  // the iteration becomes a graph
    double late_ = 0;        // seconds from the iteration's start to `start_`
    std::vector<cudaEvent_t> events_;
    std::vector<std::string> names_;
};

}  // namespace

std::unique_ptr<lane> make_cuda_lane(int gpu, void* stream) { return std::make_unique<cuda_lane>(gpu, stream); }

}  // namespace chimera::executor
