// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>
#include <executor/communicate/communicator.hpp>

#include <memory>
#include <span>
#include <vector>

namespace chimera::executor {

/// Joins workers of several processes, over TCP: a connection for every pair of workers, those of one process included,
/// all made at the start and in one order.
///
/// Sends deposit a copy and return. Messages match in order; where two workers disagree, the one that receives is told.
/// Sums are ((g0 + g1) + g2) + … in the order of the members: the bits of `local_world`. When a worker aborts, its
/// process ends or the connection to it breaks, every blocked and every later call of all others throws; a process that
/// is silent and alive is the watchdog's business.
class process_world {
public:
    /// `here`: the workers that this process plays, of `workers`; together the processes of the rendezvous play each
    /// once. All make theirs at once. Throws where others do not come within the time-out, or say something else.
    process_world(rendezvous& met, std::span<const int> here, int workers, double timeout_seconds);
    ~process_world();

    /// The ends of this process's workers, in the order of `here`. Those are apart: each may be used without the
    /// others.
    std::vector<communicator*> ends();

private:
    std::vector<std::unique_ptr<communicator>> ends_;
};

}  // namespace chimera::executor
