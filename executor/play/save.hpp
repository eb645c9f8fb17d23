// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/play/outcome.hpp>

#include <string>

namespace chimera::executor::play {

/// The command line that has `chimera SUBCOMMAND` make the settings' schedule.
std::string command(const settings& of, const std::string& subcommand);

/// The settings' costs as a chimera.costs file, a tick as a second.
std::string costs_json(const settings& of);

/// Returns the file name for these settings without an ending: bidirectional-4x8.
std::string file_name(const settings& of);

/// Writes the timeline as SVG and HTML, the schedule as JSON and the costs, all under one new name beside whatever is
/// in the folder. Returns what was written, in a line. Throws chimera_error where there is no schedule or no room.
std::string save(const settings& of, const outcome& from, const std::string& folder);

}  // namespace chimera::executor::play
