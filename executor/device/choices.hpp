// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>

namespace chimera::executor {

/// The fastest of several ways to compute something, remembered from run to run in a text file: a way is eight numbers,
/// its key one word. Any number of threads may use one object.
///
/// The file is a help and nothing more: one that is damaged, of another version or cannot be written counts as empty,
/// and so does a single line that is damaged.
class choices {
public:
    using way = std::array<std::uint64_t, 8>;

    /// In memory only.
    choices() = default;
    /// Kept in `file`, whose folder is made when it is first written.
    explicit choices(std::filesystem::path file);

    std::optional<way> find(const std::string& key) const;
    /// Writes the file anew, in one step.
    void keep(const std::string& key, const way& found);
    /// Until the process ends, and not in the file: what was chosen without having been tried.
    void keep_for_now(const std::string& key, const way& found);

    /// Held by whoever measures, so that measurements do not disturb each other.
    std::mutex& measuring() { return measuring_; }

private:
    void write() const;

    std::filesystem::path file_;
    std::map<std::string, way> all_, for_now_;
    mutable std::mutex mutex_;
    std::mutex measuring_;
};

/// The one object of this process for a file (or for a name, if `folder` is empty: in memory only).
choices& shared_choices(const std::filesystem::path& folder, const std::string& name);

/// Returns the folder of such files: $XDG_CACHE_HOME/chimera, else $HOME/.cache/chimera, else nothing.
std::filesystem::path cache_folder();

}  // namespace chimera::executor
