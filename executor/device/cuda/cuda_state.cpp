// SPDX-License-Identifier: Apache-2.0
#include <executor/device/cuda/cuda_state.hpp>

#include <chimera/core/error.hpp>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

namespace chimera::executor::detail {

namespace {

/// Names the machine that a choice of algorithms holds for: GPU, driver and library.
std::string machine_name(int gpu) {
    const auto found = find_gpus();
    const auto& d = found.all.at(static_cast<std::size_t>(gpu));
    std::string name = "products " + d.name + " " + std::to_string(d.processors) + " " + std::to_string(found.driver) +
                       " " + std::to_string(found.matrix_library) + ".txt";
    std::ranges::replace_if(
        name, [](unsigned char c) { return !std::isalnum(c) && c != '.'; }, '-');
    return name;
}

/// Checks that the GPU is there before anything is asked of it.
int checked(int gpu) {
    const auto found = find_gpus();
    if (found.all.empty())
        refuse("no GPU can be used (CUDA says: " + found.why +
               ") install a driver and make a GPU visible, or train on the CPU");
    if (gpu < 0 || static_cast<std::size_t>(gpu) >= found.all.size())
        refuse("there is no GPU " + std::to_string(gpu) + " (GPUs 0 to " + std::to_string(found.all.size() - 1) +
               " are visible) name one of them");
    return check(cudaSetDevice(gpu), "choosing a GPU"), gpu;
}

cudaStream_t new_stream() {
    cudaStream_t made = nullptr;
    check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "making a stream");
    return made;
}

}  // namespace

cuda_state::cuda_state(const cuda_options& o)
    : gpu(checked(o.gpu)), own_stream(!o.stream), fuse(o.fused_attention),
      reads_host(attribute(gpu, cudaDevAttrPageableMemoryAccess) != 0),
      stream(o.stream ? static_cast<cudaStream_t>(o.stream) : new_stream()),
      library(gpu, stream, o.deterministic, shared_choices(o.cache, machine_name(gpu))) {
    // A program without kernels for this GPU is told so now.
    gpu::fill(stream, reinterpret_cast<float*>(library.workspace.data()), 0.F, 1);
    check(cudaStreamSynchronize(stream), "running a first kernel");
}

cuda_state::~cuda_state() {
    cudaSetDevice(gpu);
    cudaStreamSynchronize(stream);
    if (own_stream) cudaStreamDestroy(stream);
}

std::byte* cuda_state::room(std::size_t bytes, bool running) {
    if (bytes > scratch.size()) {
        if (!running) check(cudaStreamSynchronize(stream), "growing the scratch memory");
        if (running && scratch.size() > 0) outgrown.push_back(std::move(scratch));
        scratch = {};
        scratch = device_memory(gpu, bytes);
    }
    return scratch.data();
}

}  // namespace chimera::executor::detail
