// SPDX-License-Identifier: Apache-2.0
// Workers that are MPI ranks. Sends end only when their receive is there, which is the strictest that MPI may do. The
// sum of a gradient is MPI's: with two holders of a stage, the same bits in either order.
#pragma once

#include "model_worker.hpp"

#include <mpi.h>

class mpi_worker : public model_worker {
public:
    /// Every rank calls this, with the same program.
    mpi_worker(const chimera::run_row& row, std::vector<stage> model, const chimera::program_view& program)
        : model_worker(row, std::move(model)), requests_(at(row.message_buffers)), sums_(gradient_.size()),
          groups_(gradient_.size(), MPI_COMM_NULL) {
        for (int s = 0; s < program.head.stages; ++s) {
            const auto members = program.replica_group(s);
            const bool mine = std::ranges::find(members, index_) != members.end();
            MPI_Comm_split(world_, mine ? 0 : MPI_UNDEFINED, index_, &groups_[at(s)]);
        }
    }

    // glue: begin
    void start(std::span<const message_call> group) {
        for (const message_call& m : group) {
            m.sends
                ? MPI_Issend(data(m).data(), size(data(m)), MPI_FLOAT, m.peer, m.tag, world_, &requests_[at(m.buffer)])
                : MPI_Irecv(data(m).data(), size(data(m)), MPI_FLOAT, m.peer, m.tag, world_, &requests_[at(m.buffer)]);
        }
    }
    void wait(const message_call& m) { MPI_Wait(&requests_[at(m.buffer)], MPI_STATUS_IGNORE); }
    void start_reduction(const stage_call& s) {
        numbers& g = gradient_[s.stage];
        MPI_Iallreduce(MPI_IN_PLACE, g.data(), size(g), MPI_FLOAT, MPI_SUM, groups_[s.stage], &sums_[s.stage]);
    }
    void wait_reduction(const stage_call& s) { MPI_Wait(&sums_[s.stage], MPI_STATUS_IGNORE); }
    // glue: end

private:
    static constexpr auto size = [](const auto& of) { return static_cast<int>(of.size()); };

    MPI_Comm world_ = MPI_COMM_WORLD;
    std::vector<MPI_Request> requests_;  // by message buffer
    std::vector<MPI_Request> sums_;      // by stage
    std::vector<MPI_Comm> groups_;       // by stage: the ranks that hold it
};
