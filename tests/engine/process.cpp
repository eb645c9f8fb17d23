// SPDX-License-Identifier: Apache-2.0
// What becomes of a world of processes when one of them does not go on.
#include "ports.hpp"
#include "rigs.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace chimera::executor;
using testing::HasSubstr;

/// Processes of a world, one worker each; each ends with the line that `code` throws or returns, which comes back over a pipe.
/// `timeout` is also how long an end waits for the others to come to theirs.
std::vector<std::string> in_processes(int size, const std::function<std::string(communicator&)>& code,
                                      double timeout = 20) {
    const std::uint16_t port = ports::free_port();
    std::vector<std::pair<pid_t, int>> children;
    for (int r = 0; r < size; ++r) {
        std::array<int, 2> ends{};
        if (pipe(ends.data()) != 0) throw std::runtime_error("no pipe");
        const pid_t child = fork();
        if (child == 0) {
            std::string line;
            try {
                const auto met = meet({r, size, -1}, {"127.0.0.1", port, "", 20});
                process_world world(*met, std::array{r}, size, timeout);
                world.ends()[0]->prepare(4);
                line = code(*world.ends()[0]);
            } catch (const std::exception& e) {
                line = e.what();
            }
            [[maybe_unused]] const auto written = write(ends[1], line.data(), line.size());
            _exit(0);
        }
        close(ends[1]);
        children.emplace_back(child, ends[0]);
    }
    std::vector<std::string> lines;
    for (const auto& [child, end] : children) {
        std::array<char, 512> text{};
        const auto got = read(end, text.data(), text.size());
        lines.emplace_back(text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, got)));
        close(end);
        waitpid(child, nullptr, 0);
    }
    return lines;
}

/// Blocks until something ends the wait for a message that nobody sends.
std::string wait_in_vain(communicator& end, int peer) {
    std::array<std::byte, 4> data{};
    const transfer t{data.data(), data.size(), peer, 0, false};
    end.start({&t, 1});
    end.wait(0);
    return "came";
}

TEST(process_world, a_process_that_is_killed_is_named_by_all_others) {
    const auto lines = in_processes(4, [](communicator& end) {
        if (end.worker() == 2) raise(SIGKILL);
        return wait_in_vain(end, end.worker() == 0 ? 1 : 0);
    });
    EXPECT_EQ(lines[2], "");
    for (const std::size_t r : {0U, 1U, 3U}) EXPECT_THAT(lines[r], HasSubstr("the process of worker 2 is gone"));
}

TEST(process_world, a_process_that_takes_its_leave_is_no_failure_of_the_others) {
    const auto talk = [](communicator& end) -> std::string {
        if (end.worker() == 2) return "left";
        std::array<std::byte, 4> data{};
        const transfer t{data.data(), data.size(), 1 - end.worker(), 0, end.worker() == 0};
        if (end.worker() == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(2500));  // the connection has ended
        end.start({&t, 1});
        if (end.worker() == 1) end.wait(0);
        return "came";
    };
    const auto lines = in_processes(3, talk, 2);
    EXPECT_THAT(lines, testing::ElementsAre("came", "came", "left"));
}

TEST(process_world, an_abort_reaches_all_and_says_what_the_communication_has_seen) {
    const auto lines = in_processes(3, [](communicator& end) -> std::string {
        if (end.worker() != 0) return wait_in_vain(end, 0);
        end.abort();
        end.check();
        return "goes on";
    });
    for (const std::string& line : lines) EXPECT_THAT(line, HasSubstr("communication aborted"));

    const auto told = in_processes(3, [](communicator& end) -> std::string {
        std::array<std::byte, 4> data{};
        const transfer sent{data.data(), data.size(), 1, 3, true};
        if (end.worker() == 0) end.start({&sent, 1});
        if (end.worker() != 1) return wait_in_vain(end, 2 - end.worker());
        try {
            return wait_in_vain(end, 0);  // another message than the one that comes
        } catch (const mismatched& e) {
            end.abort();
            return e.what();
        }
    });
    for (const std::string& line : told) EXPECT_THAT(line, HasSubstr("message 3 of 4 bytes came where message 0 of 4"));
}

TEST(process_world, much_data_in_both_directions_at_once_fits_in_no_socket_and_comes_all_the_same) {
    constexpr std::size_t size = 8 << 20;
    rigs::process rig(2);
    rig.prepare(2);
    std::array<std::vector<std::byte>, 2> out, in;
    for (const int w : {0, 1}) {
        const auto me = static_cast<std::size_t>(w);
        for (std::size_t i = 0; i < size; ++i) out[me].push_back(static_cast<std::byte>(i * 7 / 3 + me));
        in[me].resize(size);
        const transfer sent{out[me].data(), size, 1 - w, w, true}, received{in[me].data(), size, 1 - w, 1 - w, false};
        for (const transfer& t : {sent, received}) rig.at(w).start({&t, 1});
    }
    for (const int w : {0, 1}) rig.at(w).wait(1 - w);
    EXPECT_TRUE(in[0] == out[1]);
    EXPECT_TRUE(in[1] == out[0]);
}

TEST(process_world, a_worker_that_two_ranks_or_none_play_is_refused) {
    const auto met = meet(identity{}, rendezvous_point{});
    for (const std::vector<int>& here : {std::vector{0, 2}, {0, 1, 1}})
        EXPECT_THROW(process_world(*met, here, 3, 5), chimera::chimera_error);
}

}  // namespace
