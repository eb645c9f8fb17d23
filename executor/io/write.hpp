// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace chimera::executor {

/// Replaces the file by `text`, or leaves it as it was: a draft beside it takes its place. Links are followed; one that
/// leads to nothing is refused. Devices and pipes are written in place. Throws chimera_error, and leaves nothing
/// behind, where the folder cannot be written or is full.
void write_file(const std::string& path, std::string_view text);

/// Writes to standard output and makes sure that it arrived. Throws chimera_error where it did not.
void write_output(std::string_view text);

}  // namespace chimera::executor
