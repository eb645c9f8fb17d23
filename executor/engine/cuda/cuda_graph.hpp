// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/communicate/cuda/cuda_stream.hpp>
#include <executor/engine/replay.hpp>

#include <memory>
#include <vector>

namespace chimera::executor {

/// An iteration of workers that share a GPU as a CUDA graph. `all`: every stream that any of them uses, that of the
/// reductions included; they outlive the graph. While it is recorded nobody may wait for the GPU or take memory on it:
/// what needs that belongs to an earlier iteration. Where CUDA refuses, chimera_error says what it said.
std::unique_ptr<replay> make_cuda_graph(std::vector<cuda_stream*> all);

}  // namespace chimera::executor
