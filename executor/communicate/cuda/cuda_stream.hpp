// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/communicate/stream.hpp>

#include <cstdint>

namespace chimera::executor {

/// A stream of a GPU, for workers that share it. What CUDA refuses throws chimera_error; at most 64 tensors are added
/// at once.
class cuda_stream final : public stream {
public:
    /// `given`: a cudaStream_t of that GPU, which must outlive this object; null: it makes its own.
    explicit cuda_stream(int gpu = 0, void* given = nullptr);
    ~cuda_stream() override;
    cuda_stream(const cuda_stream&) = delete;
    cuda_stream& operator=(const cuda_stream&) = delete;

    void* handle() const { return handle_; }  ///< a cudaStream_t
    int gpu() const { return gpu_; }

    /// Puts work from here on into the graph of that number; 0: into none, it runs. Marks are of one graph, or of none:
    /// to wait for one from elsewhere is no wait, because a graph starts when all before it is done, and so does what
    /// follows it.
    void enter(std::uint64_t graph) { graph_ = graph; }

    std::unique_ptr<mark> make_mark() override;
    void record(mark& here) override;
    void wait_for(const mark& there) override;
    std::byte* allocate(std::size_t bytes) override;
    void release(std::byte* memory) noexcept override;
    void copy(std::byte* to, const std::byte* from, std::size_t bytes) override;
    void add(std::span<const float* const> from, std::span<float* const> into, std::size_t size) override;

private:
    int gpu_;
    bool own_;
    void* handle_ = nullptr;
    std::uint64_t graph_ = 0;
};

}  // namespace chimera::executor
