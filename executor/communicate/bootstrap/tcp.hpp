// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/communicate/bootstrap/rendezvous.hpp>

namespace chimera::executor::detail {

/// Rank 0: listens until all others have come, and keeps a connection to each.
std::unique_ptr<meeting> host_meeting(const identity& me, const meeting_point& where);

/// Any other rank: tries rank 0's address until it answers.
std::unique_ptr<meeting> join_meeting(const identity& me, const meeting_point& where);

/// The start of every line: `rank 3 of 8 could not join the run`.
std::string who(const identity& me);

}  // namespace chimera::executor::detail
