// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "meddler.hpp"
#include "trainer_job.hpp"

#include <executor/engine/engine.hpp>
#include <executor/workers/process_group.hpp>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// Runs of two ranks with somebody between them: each rank must end with 0 and the right weights, or with one line and
/// 2 or 3; never by a signal, never late.
namespace meddling {

using namespace chimera::executor;
using chimera::test::scratch;

inline constexpr double timeout_seconds = 3, watchdog_seconds = 4;
/// The page's limit, doubled: the machine does more than this.
inline constexpr double longest_seconds = 2 * (timeout_seconds + watchdog_seconds + 10);

/// Four workers on two ranks: activations, gradients and sums of them go from one to the other.
inline job meddled_job(const scratch& folder, const std::string& output) {
    job wanted = chimera::test::small_job(folder, output.c_str());
    wanted.schedule.stages = 4;
    wanted.schedule.micro_batches = 2;
    wanted.optimiser.steps = 3;
    wanted.validation_windows = 8;
    wanted.watchdog = watchdog_seconds;
    wanted.cores = 2;
    return wanted;
}

/// A rank in another process, with its line on the pipe `to`: what it throws, or what it says when it cannot be stopped.
inline pid_t rank_process(int rank, std::uint16_t port, int to, const job& wanted) {
    const pid_t child = fork();
    if (child != 0) return child;
    int status = 0;
    std::string line;
    dup2(to, STDERR_FILENO);
    try {
        process_group all(meet({rank, 2, -1}, {"127.0.0.1", port, "", timeout_seconds}), timeout_seconds);
        train_options options;
        options.together = &all;
        all.together([&] { train(wanted, options); });
    } catch (const run_failed& e) {
        line = e.what(), status = 3;
    } catch (const bad_message& e) {
        line = e.what(), status = 3;
    } catch (const chimera::chimera_error& e) {
        line = e.what(), status = 2;
    } catch (const std::exception& e) {
        line = e.what(), status = 4;
    }
    [[maybe_unused]] const auto written = write(to, line.data(), std::min<std::size_t>(line.size(), 4096));
    std::_Exit(status);
}

/// Values of all tensors of a checkpoint. What is said about them has losses in it, which a rank may have lied about.
inline std::string values_of(const job& of) {
    const std::string all = chimera::test::weights(of);
    std::uint64_t header = 0;
    if (all.size() < sizeof header) return {};
    std::memcpy(&header, all.data(), sizeof header);
    return all.substr(std::min(all.size(), sizeof header + header));
}

struct ended {
    std::array<int, 2> status{};  ///< as waitpid has it
    std::array<std::string, 2> lines;
    double seconds = 0;
    counts seen{};
};

inline ended carry_out(const plan& how, const job& wanted) {
    const std::uint16_t port = ports::free_port();
    meddler between(how, port);
    ended out;
    std::array<pid_t, 2> children{};
    std::array<std::array<int, 2>, 2> pipes{};
    for (const int r : {0, 1}) {
        const auto i = static_cast<std::size_t>(r);
        if (pipe(pipes[i].data()) != 0) throw std::runtime_error("no pipe");
        children[i] = rank_process(r, r == 0 ? port : between.port(), pipes[i][1], wanted);
    }
    const auto start = clock::now();
    int running = 2;
    between.run([&] {
        out.seconds = std::chrono::duration<double>(clock::now() - start).count();
        for (std::size_t i = 0; i < 2; ++i) {
            if (out.seconds > longest_seconds && children[i] > 0) kill(children[i], SIGKILL);
            if (children[i] > 0 && waitpid(children[i], &out.status[i], WNOHANG) == children[i])
                children[i] = 0, --running;
        }
        return running == 0;
    });
    for (std::size_t i = 0; i < 2; ++i) {
        std::array<char, 4096> text{};
        close(pipes[i][1]);
        out.lines[i].assign(
            text.data(), static_cast<std::size_t>(std::max<ssize_t>(0, read(pipes[i][0], text.data(), text.size()))));
        if (out.lines[i].ends_with('\n')) out.lines[i].pop_back();
        close(pipes[i][0]);
    }
    out.seen = between.seen();
    return out;
}

/// What is wrong with how a run has ended; empty where nothing is.
inline std::string judge(const ended& run, const job& wanted, const std::string& right) {
    std::string wrong;
    for (std::size_t r = 0; r < 2; ++r) {
        const std::string rank = "rank " + std::to_string(r) + ": ", &line = run.lines[r];
        if (!WIFEXITED(run.status[r])) {
            wrong += rank + "signal " + std::to_string(WTERMSIG(run.status[r])) + "; ";
            continue;
        }
        const int status = WEXITSTATUS(run.status[r]);
        const bool good = status == 0 && line.empty(), told = (status == 2 || status == 3) && !line.empty();
        if (!good && !told) wrong += rank + "exit " + std::to_string(status) + " '" + line + "'; ";
        if (std::ranges::any_of(line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
            wrong += rank + "more than one line of text: " + line + "; ";
        if (good && values_of(wanted) != right) wrong += rank + "other weights with exit 0; ";
    }
    return wrong;
}

inline std::string name_of(const plan& p) {
    constexpr std::array names{"none",    "flip",    "cut",     "drop",  "repeat", "swap", "delay",
                               "dribble", "garbage", "shorten", "field", "inside", "words"};
    return std::string(names[static_cast<std::size_t>(p.what)]) + " of frame " + std::to_string(p.where.frame) +
           (p.where.away ? " from" : " to") + " rank 0 in world " + std::to_string(p.where.world) + ", seed " +
           std::to_string(p.seed);
}

/// A random frame of those that a run without faults has.
inline plan random_plan(unsigned seed, const counts& of) {
    std::mt19937 random(seed);
    plan p{static_cast<fault>(1 + random() % (faults - 1)), {}, seed};
    do {
        p.where.world = static_cast<int>(random() % most_worlds);
        p.where.away = static_cast<int>(random() % 2);
    } while (of[static_cast<std::size_t>(p.where.world)][static_cast<std::size_t>(p.where.away)] == 0);
    p.where.frame = random() % of[static_cast<std::size_t>(p.where.world)][static_cast<std::size_t>(p.where.away)];
    return p;
}

/// How often the ranks of a sweep ended: both well, both not, one of each.
struct tally {
    int well = 0, failed = 0, apart = 0;
    double longest = 0;
};

/// Runs seeds `first`, `first + step`, … below `last`; prints what is wrong. Returns how much that was.
inline int sweep(unsigned first, unsigned last, unsigned step, const counts& frames, const std::string& right) {
    int bad = 0;
    tally all;
    for (unsigned seed = first; seed < last; seed += step) {
        const scratch folder;
        const job wanted = meddled_job(folder, "out");
        const plan how = random_plan(seed, frames);
        const ended run = carry_out(how, wanted);
        const std::string wrong = judge(run, wanted, right);
        const bool good[] = {run.status[0] == 0, run.status[1] == 0};
        ++(good[0] && good[1] ? all.well : good[0] || good[1] ? all.apart : all.failed);
        all.longest = std::max(all.longest, run.seconds);
        if (!wrong.empty()) ++bad, std::fprintf(stderr, "%s: %s\n", name_of(how).c_str(), wrong.c_str());
        if (std::getenv("MEDDLED_SAYS"))
            std::fprintf(stderr, "%s: %.1f s [%s] [%s]\n", name_of(how).c_str(), run.seconds, run.lines[0].c_str(),
                         run.lines[1].c_str());
    }
    std::fprintf(stderr, "both well %d, both failed %d, one of each %d, the longest %.1f s\n", all.well, all.failed,
                 all.apart, all.longest);
    return bad;
}

/// `runs` faults, `at_once` of them at a time: most wait for something that does not come.
inline void expect_held(unsigned first, unsigned runs, unsigned at_once) {
    const scratch folder;
    const job plain = meddled_job(folder, "alone");
    const pid_t alone = fork();  // threads of the device would not survive the forks below
    if (alone == 0) {
        train(plain, {});
        std::_Exit(0);
    }
    int status = -1;
    waitpid(alone, &status, 0);
    ASSERT_EQ(status, 0);
    const std::string right = values_of(plain);
    const job between = meddled_job(folder, "between");
    const ended clean = carry_out({}, between);
    ASSERT_EQ(judge(clean, between, right), "");
    ASSERT_TRUE(clean.status[0] == 0 && clean.status[1] == 0) << clean.lines[0] << clean.lines[1];
    for (const auto& world : clean.seen)
        for (const std::size_t frames : world) EXPECT_GT(frames, 0U);
    std::vector<pid_t> sweeps;
    for (unsigned k = 0; k < at_once; ++k) {
        const pid_t child = fork();
        if (child == 0) std::_Exit(std::min(99, sweep(first + k, first + runs, at_once, clean.seen, right)));
        sweeps.push_back(child);
    }
    for (const pid_t child : sweeps) {
        waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
}

}  // namespace meddling
