// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>

namespace chimera::executor::detail {

/// Returns true if the program was built with MPI.
bool mpi_is_built_in();

/// Initialises MPI if nobody has, and finalises it at the process's end. Throws where MPI joins other processes than
/// the launcher's variables say.
std::unique_ptr<rendezvous> meet_over_mpi();

}  // namespace chimera::executor::detail
