// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>

namespace chimera::executor::detail {

/// Returns true if the program was built with MPI and a launcher of MPI's started the process, and RANK does not say
/// otherwise.
bool started_by_mpi();

/// Initialises MPI if nobody has, and finalises it at the process's end.
std::unique_ptr<rendezvous> meet_over_mpi();

}  // namespace chimera::executor::detail
