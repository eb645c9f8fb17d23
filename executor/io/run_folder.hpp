// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/files.hpp>

#include <filesystem>
#include <string>

namespace chimera::executor {

/// Names of what a run writes into its output folder.
namespace run_file {
inline constexpr const char* mark = ".chimera-run";  ///< says that a run wrote here, and is locked while one does
inline constexpr const char* job = "job.json";
inline constexpr const char* log = "log.jsonl";
inline constexpr const char* checkpoint = "checkpoint.safetensors";
inline constexpr const char* earlier = "checkpoint.earlier.safetensors";    ///< until the newer one has proven good
inline constexpr const char* diverged = "checkpoint.diverged.safetensors";  ///< one that has not
inline constexpr const char* timeline = "timeline.svg";
inline constexpr const char* page = "timeline.html";
inline constexpr const char* trace = "trace.json";
}  // namespace run_file

/// Whether a run writes files of this name: those above, recorders, and drafts of them.
bool is_run_file(const std::string& name);

/// Whether a run has written into the folder: its mark is there, or, of runs before there was one, a job and a log.
bool holds_run(const std::filesystem::path& folder);

/// A run's output folder, which has one owner at a time. The lock is the system's and ends with the process that holds
/// it, however that ends.
class run_folder {
public:
    explicit run_folder(std::filesystem::path path) : path_(std::move(path)) {}
    run_folder(const run_folder&) = delete;
    run_folder& operator=(const run_folder&) = delete;
    /// Removes the folder if it was made here and holds nothing but its mark: the run failed before it began.
    ~run_folder();

    /// Takes the folder where it has a mark, and leaves everything as it is where not. Throws chimera_error that names
    /// the owner where another lives, and where a file of a run's name is no regular file or no run's.
    void take_if_marked();
    /// Makes the folder and its mark where they are missing, takes it, and removes what killed runs left behind. Throws
    /// likewise.
    void take();
    bool taken() const { return mark_.get() >= 0; }
    /// Throws chimera_error where the folder that was taken has gone or been moved meanwhile.
    void check() const;

private:
    void lock();
    bool is_there() const;
    void check_files() const;
    void clean() const;

    std::filesystem::path path_;
    descriptor mark_;
    bool locked_ = false;
    bool made_ = false;  // the folder, by this object
};

}  // namespace chimera::executor
