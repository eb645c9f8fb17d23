// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <executor/io/files.hpp>

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <string_view>

namespace chimera::executor {

/// A new file beside `target` that takes its place when it is complete. Its name cannot be foreseen (16 random digits),
/// it is created exclusively, and it is locked as long as its process lives: drafts of processes that died can be told
/// from others. Where it cannot be made, `error` says why and nothing else may be called.
class draft {
public:
    /// Removes the lost drafts of `target` first. `mode`: permissions, cut by the process's mask.
    explicit draft(std::filesystem::path target, mode_t mode = 0666);
    /// Removes the file unless it has taken the target's place.
    ~draft();
    draft(const draft&) = delete;
    draft& operator=(const draft&) = delete;

    int error() const { return error_; }  ///< an error number, 0: none
    int file() const { return file_.get(); }
    /// Puts the file on the disk, then in the target's place, then this on the disk. Returns 0 or an error number.
    int replace_target();

private:
    bool create(mode_t mode);

    std::filesystem::path target_, path_;
    descriptor file_;
    int error_ = 0;
    bool there_ = false;
};

/// Writes all bytes to a descriptor. Returns 0 or an error number.
int write_all(int file, std::string_view bytes);

/// Removes the drafts of `target` that no living process holds.
void remove_lost_drafts(const std::filesystem::path& target);

/// The name of the file that a draft of this name stands for; empty where it is no draft's name.
std::string target_of_draft(const std::string& name);

}  // namespace chimera::executor
