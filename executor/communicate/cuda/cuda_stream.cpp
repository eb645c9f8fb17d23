// SPDX-License-Identifier: Apache-2.0
#include <executor/communicate/cuda/add.hpp>
#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/device/cuda/cuda_check.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>

namespace chimera::executor {

namespace {

using detail::check;

cudaStream_t stream_of(void* handle) { return static_cast<cudaStream_t>(handle); }

class event final : public stream::mark {
public:
    event() { check(cudaEventCreateWithFlags(&handle, cudaEventDisableTiming), "making an event"); }
    ~event() override { cudaEventDestroy(handle); }
    cudaEvent_t handle = nullptr;
    std::uint64_t graph = 0;
};

}  // namespace

cuda_stream::cuda_stream(int gpu, void* given) : gpu_(gpu), own_(given == nullptr), handle_(given) {
    check(cudaSetDevice(gpu_), "choosing a GPU");
    if (!own_) return;
    cudaStream_t made = nullptr;
    check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "making a stream");
    handle_ = made;
}

cuda_stream::~cuda_stream() {
    if (own_) cudaStreamDestroy(stream_of(handle_));
}

std::unique_ptr<stream::mark> cuda_stream::make_mark() {
    check(cudaSetDevice(gpu_), "choosing a GPU");
    return std::make_unique<event>();
}

void cuda_stream::record(mark& here) {
    auto& e = static_cast<event&>(here);
    e.graph = graph_;
    check(cudaEventRecord(e.handle, stream_of(handle_)), "recording an event");
}

void cuda_stream::wait_for(const mark& there) {
    const auto& e = static_cast<const event&>(there);
    if (e.graph == graph_) check(cudaStreamWaitEvent(stream_of(handle_), e.handle, 0), "waiting for an event");
}

std::byte* cuda_stream::allocate(std::size_t bytes) {
    return static_cast<std::byte*>(detail::take_memory(gpu_, bytes));
}

void cuda_stream::release(std::byte* memory) noexcept { cudaFree(memory); }

void cuda_stream::copy(std::byte* to, const std::byte* from, std::size_t bytes) {
    check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream_of(handle_)), "copying between workers");
}

void cuda_stream::add(std::span<const float* const> from, std::span<float* const> into, std::size_t size) {
    if (from.empty() || std::max(from.size(), into.size()) > static_cast<std::size_t>(detail::most_added))
        refuse("cannot add " + std::to_string(from.size()) + " tensors (from 1 to " +
               std::to_string(detail::most_added) + " at once) use fewer replicas on one GPU");
    detail::tensors_to_add what{};
    std::ranges::copy(from, what.from);
    std::ranges::copy(into, what.into);
    what.sources = static_cast<int>(from.size());
    what.targets = static_cast<int>(into.size());
    check(cudaSetDevice(gpu_), "choosing a GPU");
    check(static_cast<cudaError_t>(detail::launch_add(what, size, handle_)), "adding gradients");
}

}  // namespace chimera::executor
