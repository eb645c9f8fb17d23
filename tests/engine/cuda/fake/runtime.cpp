// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/cuda/fake/fake.hpp"

#include <executor/communicate/cuda/add.hpp>

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace fake {
namespace {

constexpr int gpus = 64;
std::unique_ptr<machine>& current() {
    static auto one = std::make_unique<machine>(pace::random, 1, std::chrono::seconds(20));
    return one;
}

struct event {
    mark reached;
    double milliseconds = 0;
    bool timed = true;
};
event& event_of(cudaEvent_t e) { return *reinterpret_cast<event*>(e); }

double now() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// After all that was recorded.
bool passed(const event& e) { return e.reached.reached >= e.reached.recorded; }

}  // namespace

machine& the_machine() { return *current(); }
void start_machine(pace p, unsigned seed) { current() = std::make_unique<machine>(p, seed, std::chrono::seconds(20)); }
stream& stream_of(void* cuda_stream) { return *static_cast<stream*>(cuda_stream); }

}  // namespace fake

using fake::event_of;
using fake::stream_of;

namespace chimera::executor::detail {

int launch_add(const tensors_to_add& what, std::size_t size, void* stream) {
    stream_of(stream).add({what.from, static_cast<std::size_t>(what.sources)},
                          {what.into, static_cast<std::size_t>(what.targets)}, size);
    return cudaSuccess;
}

}  // namespace chimera::executor::detail

extern "C" {

size_t cublasLtGetVersion() { return 0; }
const char* cublasLtGetStatusString(cublasStatus_t) { return "there is no cuBLASLt here"; }

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t) { return "invalid argument"; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count) { return *count = 3, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {};
    return properties->major = 9, cudaSuccess;
}
cudaError_t cudaSetDevice(int gpu) { return gpu >= 0 && gpu < fake::gpus ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaMemGetInfo(size_t* free, size_t* total) { return *free = *total = 1, cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaMalloc(void** data, size_t bytes) {
    *data = std::aligned_alloc(256, (bytes + 255) / 256 * 256);
    std::memset(*data, 0xff, bytes);
    return cudaSuccess;
}
cudaError_t cudaFree(void* data) {
    fake::the_machine().drain();
    return std::free(data), cudaSuccess;
}
cudaError_t cudaMemset(void* data, int value, size_t bytes) { return std::memset(data, value, bytes), cudaSuccess; }
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
    stream_of(stream).then([=] { std::memset(data, value, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (kind == cudaMemcpyDeviceToDevice) {
        stream_of(stream).copy(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
        return cudaSuccess;
    }
    stream_of(stream).copy(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
    stream_of(stream).finish();  // as with memory of the host that is not pinned
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    *stream = reinterpret_cast<cudaStream_t>(new fake::stream(fake::the_machine()));
    return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    stream_of(stream).finish();
    delete &stream_of(stream);
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) { return stream_of(stream).finish(), cudaSuccess; }
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    return stream_of(stream).is_empty() ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    stream_of(stream).wait_for(event_of(event).reached);
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    auto* made = new fake::event;
    made->timed = (flags & cudaEventDisableTiming) == 0;
    return *event = reinterpret_cast<cudaEvent_t>(made), cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
/// Streams may still come to an event that is gone: it is kept.
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    stream_of(stream).then([event] { event_of(event).milliseconds = fake::now(); });
    stream_of(stream).record(event_of(event).reached);
    return cudaSuccess;
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
    const std::lock_guard lock(fake::the_machine().mutex());
    return passed(event_of(event)) ? cudaSuccess : cudaErrorNotReady;
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
    fake::the_machine().until([event] { return passed(event_of(event)); });
    return cudaSuccess;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    if (!event_of(begin).timed || !event_of(end).timed || !passed(event_of(end))) return cudaErrorInvalidResourceHandle;
    *milliseconds = static_cast<float>(event_of(end).milliseconds - event_of(begin).milliseconds);
    return cudaSuccess;
}
}
