// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace chimera::executor {

/// The place of this process among those that run together.
struct identity {
    int rank = 0;
    int size = 1;
    int local_rank = -1;  ///< among the processes of this machine; -1: not said, counted when they meet
};

/// The address at which the processes meet: rank 0 listens there.
struct rendezvous_point {
    std::string address = "127.0.0.1";
    std::uint16_t port = 29500;
    std::string job{};            ///< of runs that share a machine; a process of another job is turned away
    double timeout_seconds = 60;  ///< for all to come, and for each exchange
};

/// Looks a variable up: null where it is not set.
using environment = std::function<const char*(const char* name)>;

/// The process's own.
environment process_environment();

/// From RANK, WORLD_SIZE and LOCAL_RANK; else from OMPI_COMM_WORLD_* (Open MPI), PMI_* (MPICH) or SLURM_PROCID,
/// SLURM_STEP_NUM_TASKS and SLURM_LOCALID within a step that srun has started; with none of them, a process alone. So
/// is what a batch script or a shell inside an allocation starts by hand. Throws where one is no number, is missing or
/// does not fit the others.
identity identify(const environment& of = process_environment());

/// From MASTER_ADDR, MASTER_PORT, CHIMERA_TIMEOUT (seconds), and as job CHIMERA_JOB or else SLURM_JOB_ID. Without
/// MASTER_ADDR, a Slurm step over several nodes meets on the first of them. Where torchrun itself listens at
/// MASTER_PORT (TORCHELASTIC_USE_AGENT_STORE), the port after it. Throws where address, port or time is none, or ranks
/// of several machines do not say where they meet.
rendezvous_point find_meeting_point(const environment& of = process_environment());

/// Returns true if ranks are told to be on several machines.
bool on_several_machines(const environment& of = process_environment());

/// Returns true if MPI's launcher started this process: one that MPI_Init joins with the others.
bool started_by_mpi(const environment& of = process_environment());

namespace detail {
/// The first of Slurm's nodes: node03 of node[03-05,9],other1.
std::string first_node(const std::string& nodes);
}  // namespace detail

}  // namespace chimera::executor
