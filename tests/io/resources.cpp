// SPDX-License-Identifier: Apache-2.0
// What a process may use: read from made-up trees of control groups, against the smallest limit on the way up.
#include <chimera/core/error.hpp>
#include <executor/io/resources.hpp>

#include "tests/dose.hpp"
#include "tests/train/scratch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <thread>

namespace chimera::executor {
namespace {

using test::refusal_of;
using test::scratch;
using testing::HasSubstr;

TEST(resources, of_both_versions_of_control_groups) {
    const scratch tree;
    tree.write("memory.max", "max\n");
    tree.write("box/memory.max", "3221225472\n");
    tree.write("box/inner/memory.max", "max\n");
    tree.write("box/cpu.max", "150000 100000\n");
    tree.write("box/inner/cpu.max", "max 100000\n");
    const auto two = read_group_limits(tree.path(), "0::/box/inner\n");
    EXPECT_EQ(two.memory, 3221225472.0);
    EXPECT_EQ(two.cores, 1.5);

    const scratch old;
    old.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
    old.write("memory/a/memory.limit_in_bytes", "1073741824\n");
    old.write("cpu/cpu.cfs_quota_us", "-1\n");
    old.write("cpu/cpu.cfs_period_us", "100000\n");
    old.write("cpu/a/cpu.cfs_quota_us", "250000\n");
    old.write("cpu/a/cpu.cfs_period_us", "100000\n");
    const auto one = read_group_limits(old.path(), "4:memory:/a/b\n3:cpu,cpuacct:/a\n2:pids:/\n0::/\n");
    EXPECT_EQ(one.memory, 1073741824.0);
    EXPECT_EQ(one.cores, 2.5);
    // In a container the path is the host's, and the root is the container's own group.
    old.write("memory/memory.limit_in_bytes", "2048\n");
    EXPECT_EQ(read_group_limits(old.path(), "4:memory:/docker/0123\n").memory, 2048);
    EXPECT_EQ(read_group_limits(old.path(), "4:memory:/../..\n").memory, 2048);
    for (const char* none : {"", "nonsense", "::", "0:", "4:memory:", "1:name=systemd:/a\n"})
        EXPECT_EQ(read_group_limits(old.path() / "nothing", none).memory, std::nullopt) << none;
}

TEST(resources, are_the_smallest_limit_on_the_way_up) {
    std::mt19937 random(1);
    const auto below = [&](int n) { return std::uniform_int_distribution(0, n - 1)(random); };
    for (int round = 0; round < dose(60); ++round) {
        const scratch tree;
        std::string path, folder;
        std::optional<double> memory, cores;
        for (int depth = 0; depth < 5; ++depth) {
            if (below(2) == 1) {
                const int bytes = 1 + below(1'000'000);
                tree.write(folder + "memory.max", below(4) == 0 ? "max" : std::to_string(bytes));
                if (test::contents(tree / (folder + "memory.max")) != "max")
                    memory = std::min<double>(memory.value_or(bytes), bytes);
            }
            if (below(2) == 1) {
                const int quota = 1 + below(1'000'000);
                tree.write(folder + "cpu.max", std::to_string(quota) + " 100000");
                cores = std::min(cores.value_or(quota / 1e5), quota / 1e5);
            }
            folder += "g" + std::to_string(depth) + "/";
            path += "/g" + std::to_string(depth);
        }
        const auto found = read_group_limits(tree.path(), "0::" + path + "\n");
        EXPECT_EQ(found.memory, memory) << round;
        EXPECT_EQ(found.cores, cores) << round;
    }
}

TEST(resources, are_within_the_machines) {
    EXPECT_GE(usable_cores(), 1);
    EXPECT_LE(usable_cores(), static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
    EXPECT_GT(usable_memory(), 1 << 20);
    EXPECT_NO_THROW(check_room(1, "it", "use less"));
    EXPECT_THAT(refusal_of([] { check_room(1e18, "a table", "use less"); }),
                testing::AllOf(HasSubstr("a table needs 931322575 GiB of memory ("), HasSubstr(") use less")));
    EXPECT_NO_THROW(check_threads(3, "it", "use fewer"));
    EXPECT_EQ(bytes_text(3 * 0x1p30), "3.0 GiB");
    EXPECT_EQ(bytes_text(1), "1 MiB");
}

}  // namespace
}  // namespace chimera::executor
