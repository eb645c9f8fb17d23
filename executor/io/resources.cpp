// SPDX-License-Identifier: Apache-2.0
#include <chimera/core/error.hpp>
#include <executor/io/resources.hpp>

#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <sstream>
#include <system_error>
#include <thread>
#include <vector>

namespace chimera::executor {

namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// Up to two numbers of a file such as "200000 100000"; "max", a negative number or none at all is no limit.
std::vector<double> numbers_of(const fs::path& path) {
    std::istringstream words(content_of(path));
    std::vector<double> out;
    for (double value = 0; words >> value && value >= 0;) out.push_back(value);
    return out;
}

void bound(std::optional<double>& limit, double to) {
    if (!limit || to < *limit) limit = to;
}

void lower_memory(const fs::path& file, group_limits& into) {
    if (const auto n = numbers_of(file); !n.empty() && n[0] < 0x1p62) bound(into.memory, n[0]);
}

void lower_cores(const std::vector<double>& quota, group_limits& into) {
    if (quota.size() == 2 && quota[0] > 0 && quota[1] > 0) bound(into.cores, quota[0] / quota[1]);
}

/// A group of version 2 has a file for each, of version 1 those of its controller.
void look_at(const fs::path& folder, group_limits& into) {
    lower_memory(folder / "memory.max", into);
    lower_memory(folder / "memory.limit_in_bytes", into);
    lower_cores(numbers_of(folder / "cpu.max"), into);
    auto quota = numbers_of(folder / "cpu.cfs_quota_us");
    if (!quota.empty()) {
        const auto period = numbers_of(folder / "cpu.cfs_period_us");
        quota.insert(quota.end(), period.begin(), period.end());
        lower_cores(quota, into);
    }
}

/// The group at `path` and those around it. In a container the path may be the host's, where only the root is there.
void look_up(const fs::path& root, const std::string& path, group_limits& into) {
    fs::path inside = fs::path(path).relative_path().lexically_normal();
    while (!inside.empty() && *inside.begin() == "..") inside = inside.lexically_relative("..");
    for (;; inside = inside.parent_path()) {
        look_at(root / inside, into);
        if (inside.empty()) return;
    }
}

const group_limits& own_groups() {
    static const group_limits found = read_group_limits("/sys/fs/cgroup", content_of("/proc/self/cgroup"));
    return found;
}

double machine_memory() {
    return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Address space alone: nothing is touched.
bool can_map(double bytes) {
    if (bytes < 1) return true;
    const auto size = static_cast<std::size_t>(bytes);
    void* const at = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return at != MAP_FAILED && ::munmap(at, size) == 0;
}

/// Bytes that are writable and this process's own by now, which RLIMIT_DATA counts.
double data_bytes() {
    std::istringstream lines(content_of("/proc/self/status"));
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("VmData:")) return 1024 * std::strtod(line.c_str() + 7, nullptr);
    return 0;
}

}  // namespace

group_limits read_group_limits(const fs::path& mounts, std::string_view membership) {
    group_limits out;
    std::istringstream lines{std::string(membership)};
    for (std::string line; std::getline(lines, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        if (first == line.npos || second == line.npos) continue;
        const std::string path = line.substr(second + 1);
        std::istringstream controllers(line.substr(first + 1, second - first - 1));
        if (second == first + 1)
            for (const char* const mount : {"", "unified"}) look_up(mounts / mount, path, out);
        for (std::string one; std::getline(controllers, one, ',');)
            if (one == "memory" || one == "cpu") look_up(mounts / one, path, out);
    }
    return out;
}

double usable_memory() {
    double least = machine_memory();
    if (const auto& groups = own_groups(); groups.memory) least = std::min(least, *groups.memory);
    for (const auto which : {RLIMIT_AS, RLIMIT_DATA}) {
        rlimit limit{};
        if (::getrlimit(which, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
            least = std::min(least, static_cast<double>(limit.rlim_cur));
    }
    return least;
}

int usable_cores() {
    cpu_set_t set;
    CPU_ZERO(&set);
    int cores = ::sched_getaffinity(0, sizeof set, &set) == 0 ? std::max(1, CPU_COUNT(&set)) : 1;
    if (const auto& groups = own_groups(); groups.cores)
        cores = std::min(cores, std::max(1, static_cast<int>(std::ceil(*groups.cores))));
    return cores;
}

std::string bytes_text(double bytes) {
    char text[64];
    if (bytes >= 0x1p30)
        std::snprintf(text, sizeof text, bytes < 100 * 0x1p30 ? "%.1f GiB" : "%.0f GiB", bytes / 0x1p30);
    else
        std::snprintf(text, sizeof text, "%.0f MiB", std::ceil(bytes / 0x1p20));
    return text;
}

void check_room(double bytes, const std::string& what, const std::string& remedy, double taken) {
    const double limit = usable_memory();
    if (bytes <= limit && can_map(bytes - taken)) return;
    refuse(what + " needs " + bytes_text(bytes) + " of memory (" +
           (limit < machine_memory() ? "this process may use " : "this machine has ") + bytes_text(limit) +
           (bytes <= limit ? ", of which too little is left) " : ") ") + remedy);
}

void check_threads(int count, const std::string& what, const std::string& remedy) {
    std::mutex mutex;
    std::condition_variable changed;
    bool over = false;
    std::string why;
    {
        std::vector<std::jthread> all;
        try {
            all.reserve(static_cast<std::size_t>(count));
            for (int i = 0; i < count; ++i)
                all.emplace_back([&] {
                    std::unique_lock lock(mutex);
                    changed.wait(lock, [&] { return over; });
                });
        } catch (const std::system_error& none) {
            why = "the system gave " + std::to_string(all.size()) + ": " + none.code().message();
        }
        const std::lock_guard lock(mutex);
        over = true;
        changed.notify_all();
    }
    if (!why.empty()) refuse(what + " needs " + std::to_string(count) + " threads (" + why + ") " + remedy);
}

void hold_to_memory() {
    rlimit limit{};
    const double most = usable_memory();
    if (::getrlimit(RLIMIT_DATA, &limit) != 0 || data_bytes() > most / 2) return;
    limit.rlim_cur = static_cast<rlim_t>(std::min(most, static_cast<double>(limit.rlim_max)));
    ::setrlimit(RLIMIT_DATA, &limit);
}

}  // namespace chimera::executor
