// SPDX-License-Identifier: Apache-2.0
#pragma once

// Plain C++: needs no CUDA header.

#include <executor/engine/work_queue.hpp>

namespace chimera::executor {

/// The work queue of a worker whose stages and communicator enqueue on a stream of a GPU. Stamps are events with times,
/// whose resolution is about half a microsecond; the start of an iteration is known as exactly as an event is recorded
/// on an idle stream. What a loop enqueues is named for profilers, slot by slot.
///
/// `stream`: a cudaStream_t of that GPU, which must outlive the work queue.
std::unique_ptr<work_queue> make_cuda_work_queue(int gpu, void* stream);

}  // namespace chimera::executor
