// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace chimera::executor {

/// What a search for text has passed over, by the reason for it.
class left_out {
public:
    /// `why` follows a number: "empty", "of a run".
    void add(const char* why, const std::filesystem::path& what);
    std::size_t count() const;
    /// Each reason with its number and the names of the first three: "2 empty (a, b/c), 1 hidden (.git)".
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::vector<std::string>>> all_;  // in the order in which reasons came up
};

/// The files of a search, and what it has passed over.
struct found_text {
    std::vector<std::filesystem::path> files;
    left_out others;
};

/// The files that `paths` stand for, sorted by path within each. Folders are searched to the bottom. Links are
/// followed, and a file or folder that is met again below one path is left out; so are hidden names; folders that runs
/// wrote (see holds_run), or `excluded`, the output of this one; of such a folder that is itself a path, the files that
/// runs write; folders whose files show that a tool made them (CMakeCache.txt, .ninja_log, CACHEDIR.TAG, pyvenv.cfg,
/// the lists of Node's package managers); links to nothing; what is no regular file; token files (.bin); files that are
/// empty, compressed or binary (a NUL byte in the first 8 KiB), or that this program's own output goes to. A path that
/// is missing or is itself such a file, or a file or folder that cannot be read, throws chimera_error.
found_text find_text(const std::vector<std::filesystem::path>& paths, const std::filesystem::path& excluded = {});

}  // namespace chimera::executor
