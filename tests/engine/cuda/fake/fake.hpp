// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/engine/fake_stream.hpp"

/// What this project calls of the CUDA runtime and of NCCL, on the host: streams that run late and out of step, and messages and
/// collectives that begin when their stream comes to them and end when all their sides have begun. Any number of GPUs, one memory.
namespace fake {

/// From now on streams are of a new machine. There must be none left of the one before.
void start_machine(pace p, unsigned seed);
machine& the_machine();

stream& stream_of(void* cuda_stream);

/// From now on NCCL says that this rank's communicators have lost a connection, and what they wait for never comes.
void lose_connections(int rank);
void restore_connections();

}  // namespace fake
