// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/engine/fake_stream.hpp"

#include <string>

/// What this project calls of the CUDA runtime and of NCCL, on the host: streams that run late and out of step, and messages and
/// collectives that begin when their stream comes to them and end when all their sides have begun. Any number of GPUs, one memory.
namespace fake {

/// From now on streams are of a new machine. There must be none left of the one before.
void start_machine(pace p, unsigned seed);
machine& the_machine();

stream& stream_of(void* cuda_stream);

/// What hardware would have punished so far: one line each.
std::string hazards();
void forget_hazards();
void note_hazard(const std::string& what);

/// A GPU loads code when it is first launched there; from now on no GPU has loaded any.
void forget_code();
/// Before a launch: throws where the code is not loaded yet and the loading would wait for a call of NCCL that waits for another rank
/// (CUDA Programming Guide, Lazy Loading: it may need all of the GPU to come to rest).
void load(void* stream, const void* code);
/// Whether what may wait for the whole GPU, as taking memory and giving it back may, would come to an end; if not, a hazard.
bool may_wait_for_all(int gpu, const char* what);
/// Notes on which GPU a stream is; -1: on none that is known.
void place(void* stream, int gpu);
int gpu_of(void* stream);
/// Whether a call of NCCL is enqueued on the GPU whose other sides are not; set where NCCL is stood in for.
extern bool (*waits_for_others)(int gpu);

/// From now on NCCL says that this rank's communicators have lost a connection, and what they wait for never comes.
void lose_connections(int rank);
/// From now on what this rank sends does not arrive, but for greetings of one double, and nobody is told.
void lose_messages(int rank);
void restore_connections();
/// From now on messages of up to so many bytes leave their sender before they are received, as they do over a network.
void buffer_messages(std::size_t most);
/// Communicators that were aborted so far.
int aborts();
/// What the library says of itself.
inline int nccl_version = 22809;

}  // namespace fake
