// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/cuda/fake/fake.hpp"

#include "tests/device/cuda/fake/fake.hpp"
#include "tests/device/emulated/enqueue.hpp"

#include <executor/communicate/cuda/add.hpp>

#include <cublasLt.h>
#include <cuda_runtime_api.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

namespace fake {
namespace {

constexpr int gpus = 64;
thread_local int current_gpu = 0;
std::unique_ptr<machine>& current() {
    static auto one = std::make_unique<machine>(pace::random, 1, std::chrono::seconds(20));
    return one;
}

struct event {
    mark reached;
    double milliseconds = 0;
    bool timed = true;
    struct graph* of = nullptr;        // in which it was recorded last
    std::unique_ptr<mark> in_graph{};  // and where
};

/// A graph is what was called, and streams of its own to call it on.
struct graph {
    stream::recording calls;
    std::map<stream*, std::unique_ptr<stream>> instead;
    std::vector<std::unique_ptr<mark>> marks;
    mark begins, ends;
};

/// All of a graph comes after what its stream did before, and before what it does next.
void launch(graph& g, stream& on) {
    on.record(g.begins);
    for (auto& [of, call] : g.calls.calls) {
        auto& own = g.instead[of];
        if (!own) own = std::make_unique<stream>(the_machine());
    }
    for (auto& [of, own] : g.instead) own->wait_for(g.begins);
    for (auto& [of, call] : g.calls.calls) call(*g.instead[of]);
    for (auto& [of, own] : g.instead) {
        g.marks.push_back(std::make_unique<mark>());
        own->record(*g.marks.back());
        on.wait_for(*g.marks.back());
    }
}
std::set<stream*> recording_streams;
std::mutex graphs;

/// For ever: what is given back may still be named by work under way.
template <typename Thing>
Thing* keep(std::unique_ptr<Thing> made) {
    static std::mutex mutex;
    static std::vector<std::unique_ptr<Thing>> all;
    const std::lock_guard lock(mutex);
    all.push_back(std::move(made));
    return all.back().get();
}

event& event_of(cudaEvent_t e) { return *reinterpret_cast<event*>(e); }

/// The recording's end and all that would be recorded fail from now on.
std::atomic<bool> spoilt{false};
cudaError_t spoil() { return spoilt = true, cudaErrorStreamCaptureUnsupported; }
bool fails(const stream& s) { return s.recorded && spoilt; }

double now() {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// After all that was recorded.
bool passed(const event& e) { return e.reached.reached >= e.reached.recorded; }

}  // namespace

/// Kernels and products run in the order of their streams; memory is given back when all has come to rest.
[[maybe_unused]] const bool hooked = [] {
    chimera::emulated::enqueue = [](void* on, std::function<void()> work) { stream_of(on).then(std::move(work)); };
    chimera::emulated::launching = load;
    chimera::fake::the().may_move = may_wait_for_all;
    chimera::fake::the().wait_for_all = [] { the_machine().drain(); };
    return true;
}();

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

[[gnu::weak]] size_t cublasLtGetVersion() { return 0; }
[[gnu::weak]] const char* cublasLtGetStatusString(cublasStatus_t) { return "there is no cuBLASLt here"; }

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorString(cudaError_t error) {
    switch (error) {
        case cudaErrorMemoryAllocation:
            return "out of memory";
        case cudaErrorStreamCaptureUnsupported:
            return "operation not permitted when stream is capturing";
        case cudaErrorStreamCaptureInvalidated:
            return "operation failed due to a previous error during capture";
        default:
            return "invalid argument";
    }
}
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = 13000, cudaSuccess; }
cudaError_t cudaGetDeviceCount(int* count) { return *count = 3, cudaSuccess; }
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
    *properties = {};
    std::strcpy(properties->name, "a host / in disguise");
    properties->major = 9, properties->totalGlobalMem = chimera::fake::the().memory;
    properties->multiProcessorCount = 3;
    return cudaSuccess;
}
cudaError_t cudaGetDevice(int* gpu) { return *gpu = fake::current_gpu, cudaSuccess; }
cudaError_t cudaSetDevice(int gpu) {
    if (gpu < 0 || gpu >= fake::gpus) return cudaErrorInvalidDevice;
    return fake::current_gpu = gpu, cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaMemset(void* data, int value, size_t bytes) { return std::memset(data, value, bytes), cudaSuccess; }
cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
    fake::load(stream, "set");
    stream_of(stream).then([=] { std::memset(data, value, bytes); });
    return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind) {
    return std::memcpy(to, from, bytes), cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
    if (fake::fails(stream_of(stream))) return cudaErrorStreamCaptureInvalidated;
    if (kind == cudaMemcpyDeviceToDevice) {
        fake::load(stream, "copy");
        stream_of(stream).copy(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
        return cudaSuccess;
    }
    if (bytes == 0) return cudaSuccess;
    if (stream_of(stream).recorded) return fake::spoil();  // what it reads would be gone
    stream_of(stream).copy(static_cast<std::byte*>(to), static_cast<const std::byte*>(from), bytes);
    stream_of(stream).finish();  // as with memory of the host that is not pinned
    return cudaSuccess;
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
    if (!fake::may_wait_for_all(fake::current_gpu, "a stream is made")) return cudaErrorNotPermitted;
    *stream = reinterpret_cast<cudaStream_t>(new fake::stream(fake::the_machine()));
    return fake::place(*stream, fake::current_gpu), cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
    fake::place(stream, -1);
    stream_of(stream).finish();
    stream_of(stream).retire();
    delete &stream_of(stream);
    return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
    if (stream_of(stream).recorded) return fake::spoil();
    return stream_of(stream).finish(), cudaSuccess;
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
    if (stream_of(stream).recorded) return fake::spoil();
    return stream_of(stream).is_empty() ? cudaSuccess : cudaErrorNotReady;
}
/// Waiting for what a graph has recorded makes the stream part of it; nothing else may cross the graph's border.
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
    auto& s = stream_of(stream);
    auto& e = event_of(event);
    if (!s.recorded && e.of) {
        const std::lock_guard lock(fake::graphs);
        if (fake::recording_streams.empty()) return cudaErrorCapturedEvent;
        s.recorded = &e.of->calls;
        fake::recording_streams.insert(&s);
    }
    if (!s.recorded) return s.wait_for(e.reached), cudaSuccess;
    if (!e.of || &e.of->calls != s.recorded) return cudaErrorStreamCaptureIsolation;
    s.recorded->add(s, [m = e.in_graph.get()](fake::stream& instead) { instead.wait_for(*m); });
    return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
    fake::event* const made = fake::keep(std::make_unique<fake::event>());
    made->timed = (flags & cudaEventDisableTiming) == 0;
    return *event = reinterpret_cast<cudaEvent_t>(made), cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
cudaError_t cudaEventDestroy(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned flags) {
    auto& s = stream_of(stream);
    auto& e = event_of(event);
    if (fake::fails(s)) return cudaErrorStreamCaptureInvalidated;
    const auto carry_out = [at = &e](fake::stream& on) {
        on.then([at] { at->milliseconds = fake::now(); });
        on.record(at->reached);
    };
    if (!s.recorded) {
        if (flags != cudaEventRecordDefault) return cudaErrorInvalidValue;
        e.of = nullptr;
        return carry_out(s), cudaSuccess;
    }
    if (flags == cudaEventRecordExternal) return s.recorded->add(s, carry_out), cudaSuccess;
    // The recording is the graph's first member.
    e.of = reinterpret_cast<fake::graph*>(s.recorded);
    const std::lock_guard lock(fake::graphs);
    if (e.in_graph) e.of->marks.push_back(std::move(e.in_graph));
    e.in_graph = std::make_unique<fake::mark>();
    s.recorded->add(s, [m = e.in_graph.get()](fake::stream& instead) { instead.record(*m); });
    return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
    return cudaEventRecordWithFlags(event, stream, cudaEventRecordDefault);
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

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    const std::lock_guard lock(fake::graphs);
    stream_of(stream).recorded = &fake::keep(std::make_unique<fake::graph>())->calls;
    fake::recording_streams.insert(&stream_of(stream));
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
    *status = stream_of(stream).recorded ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
    const std::lock_guard lock(fake::graphs);
    *graph = reinterpret_cast<cudaGraph_t>(stream_of(stream).recorded);
    for (fake::stream* one : fake::recording_streams) one->recorded = nullptr;
    fake::recording_streams.clear();
    return fake::spoilt.exchange(false) ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* runnable, cudaGraph_t graph, unsigned long long) {
    *runnable = reinterpret_cast<cudaGraphExec_t>(graph);
    return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t runnable, cudaStream_t stream) {
    ++chimera::fake::the().launches;
    return fake::launch(*reinterpret_cast<fake::graph*>(runnable), stream_of(stream)), cudaSuccess;
}
cudaError_t cudaGraphDestroy(cudaGraph_t) { return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t) { return cudaSuccess; }
}
