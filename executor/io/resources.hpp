// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace chimera::executor {

/// The limits that control groups (a container's, a job scheduler's) set for a process.
struct group_limits {
    std::optional<double> memory;  ///< bytes
    std::optional<double> cores;   ///< CPU quota over its period
};

/// Reads the limits of the groups that `membership` (the text of /proc/self/cgroup) names, and of all groups around
/// them: the smallest counts. Versions 1 and 2; `mounts` is where they are mounted. What cannot be read is no limit.
group_limits read_group_limits(const std::filesystem::path& mounts, std::string_view membership);

/// Bytes of memory that this process may use: the machine's, or less where a control group or the shell (ulimit -v,
/// ulimit -d) says so.
double usable_memory();

/// Cores that this process may use: those that it may be scheduled on, or fewer where a control group has a CPU quota
/// (rounded up). At least 1.
int usable_cores();

/// Bytes that a run takes beside what it computes with: libraries write machine code as they go, and some end by a signal
/// where there is no room for it.
inline constexpr double program_bytes = 64 << 20;

/// Refuses `what`, which needs `bytes`, where they are more than this process may use, or than it gets by trying.
/// `taken`: those that it has already.
void check_room(double bytes, const std::string& what, const std::string& remedy, double taken = 0);

/// Starts and ends `count` threads at once, and refuses `what` where there are not so many to be had.
void check_threads(int count, const std::string& what, const std::string& remedy);

/// Has allocations beyond usable_memory() fail (std::bad_alloc) instead of the kernel ending the process without a
/// word. Does nothing where a sanitizer has reserved more than that for itself.
void hold_to_memory();

/// Bytes as messages show them: 3.0 GiB, 512 MiB.
std::string bytes_text(double bytes);

}  // namespace chimera::executor
