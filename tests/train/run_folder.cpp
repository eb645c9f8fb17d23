// SPDX-License-Identifier: Apache-2.0
// The owner of an output folder, and files that take another's place.
#include "scratch.hpp"

#include <executor/io/draft.hpp>
#include <executor/io/run_folder.hpp>
#include <executor/io/write.hpp>

#include <gmock/gmock.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <csignal>
#include <optional>
#include <set>
#include <thread>
#include <vector>

using namespace chimera::executor;
using chimera::test::contents;
using chimera::test::refusal_of;
using chimera::test::scratch;
using testing::HasSubstr;

namespace {

std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> all;
    for (const auto& each : std::filesystem::directory_iterator(folder)) all.push_back(each.path().filename());
    std::sort(all.begin(), all.end());
    return all;
}

TEST(run_folder, has_one_owner_whom_the_next_one_is_told) {
    const scratch folder;
    std::optional<run_folder> first(folder / "out");
    first->take();
    run_folder second(folder / "out");
    const std::string who = "is in use (process " + std::to_string(::getpid()) + " trains into it)";
    EXPECT_THAT(refusal_of([&] { second.take(); }), HasSubstr(who));
    EXPECT_THAT(refusal_of([&] { run_folder(folder / "out").take_if_marked(); }), HasSubstr(who));
    first.reset();
    EXPECT_EQ(refusal_of([&] { run_folder(folder / "out").take(); }), "");
}

TEST(run_folder, goes_with_a_run_that_never_began_if_that_made_it) {
    const scratch folder;
    const std::filesystem::path made = folder / "deep" / "made", there = folder / "there", used = folder / "used";
    std::filesystem::create_directories(there);
    for (const std::filesystem::path& each : {made, there, used}) {
        run_folder held(each);
        held.take();
        if (each == used) folder.write("used/log.jsonl", "{}");
    }
    EXPECT_FALSE(std::filesystem::exists(made));
    EXPECT_EQ(names_in(there), std::vector<std::string>{".chimera-run"});
    EXPECT_EQ(names_in(used), (std::vector<std::string>{".chimera-run", "log.jsonl"}));
}

TEST(run_folder, is_had_again_and_again_by_many_that_remove_it) {
    const scratch folder;
    std::atomic<int> had{0}, at_once{0};
    const auto take_often = [&] {
        for (int i = 0; i < 300; ++i) {
            run_folder held(folder / "out");
            const std::string why = refusal_of([&] { held.take(); });
            if (!why.empty()) {
                EXPECT_THAT(why, HasSubstr("is in use"));
                continue;
            }
            EXPECT_EQ(++at_once, 1);
            ++had;
            --at_once;
        }
    };
    std::thread other(take_often);
    take_often();
    other.join();
    EXPECT_GT(had, 0);
}

TEST(run_folder, is_free_when_its_owner_was_killed_and_not_when_it_was_paused) {
    const scratch folder;
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t owner = ::fork();
    if (owner == 0) {
        run_folder held(folder / "out");
        held.take();
        const char done = 1;
        if (::write(ready[1], &done, 1) == 1) ::pause();
        ::_exit(1);
    }
    char done = 0;
    ASSERT_EQ(::read(ready[0], &done, 1), 1);
    ::kill(owner, SIGSTOP);
    EXPECT_THAT(refusal_of([&] { run_folder(folder / "out").take(); }),
                HasSubstr("process " + std::to_string(owner) + " trains"));
    ::kill(owner, SIGKILL);
    ::waitpid(owner, nullptr, 0);
    EXPECT_EQ(refusal_of([&] { run_folder(folder / "out").take(); }), "");
    ::close(ready[0]), ::close(ready[1]);
}

TEST(run_folder, follows_and_waits_for_nothing_that_has_a_name_of_its_own) {
    const scratch folder;
    const auto victim = folder.write("victim", "keep me");
    const std::string names[] = {".chimera-run",
                                 "job.json",
                                 "log.jsonl",
                                 "checkpoint.safetensors",
                                 "timeline.svg",
                                 "timeline.html",
                                 "trace.json",
                                 "checkpoint.earlier.safetensors",
                                 "recorder.txt",
                                 "recorder.3.txt",
                                 ".log.jsonl.0123456789abcdef.partial"};
    const std::filesystem::path out = folder / "out", other = folder / "other";
    for (const std::string& name : names)
        for (int kind = 0; kind < 5; ++kind) {
            std::filesystem::remove_all(out);
            std::filesystem::create_directories(out);
            if (kind == 0) std::filesystem::create_symlink(victim, out / name);
            if (kind == 1) std::filesystem::create_symlink("nowhere", out / name);
            if (kind == 2) {
                ASSERT_EQ(::mkfifo((out / name).c_str(), 0666), 0);
            }
            if (kind == 3) std::filesystem::create_symlink("/dev/null", out / name);
            if (kind == 4) std::filesystem::create_directories(out / name);
            EXPECT_THAT(refusal_of([&] { run_folder(out).take(); }), HasSubstr(name)) << kind;
            EXPECT_THAT(refusal_of([&] { run_folder(out).take_if_marked(); }), HasSubstr(name)) << kind;
            EXPECT_EQ(names_in(out), std::vector{name});
        }
    EXPECT_EQ(contents(victim), "keep me");
    std::filesystem::remove_all(out);
    std::filesystem::create_directories(out);
    std::filesystem::create_hard_link(victim, out / ".chimera-run");
    EXPECT_THAT(refusal_of([&] { run_folder(out).take(); }), HasSubstr("not the mark of a run"));
    EXPECT_EQ(contents(victim), "keep me");
    const auto empty = folder.write("empty", "");
    std::filesystem::remove(out / ".chimera-run");
    std::filesystem::create_hard_link(empty, out / ".chimera-run");
    EXPECT_THAT(refusal_of([&] { run_folder(out).take(); }), HasSubstr("not the mark of a run"));
    EXPECT_EQ(contents(empty), "");
}

TEST(run_folder, takes_no_file_that_no_run_wrote) {
    const scratch folder;
    folder.write("mine/job.json", "my own");
    folder.write("mine/readme.txt", "text");
    EXPECT_THAT(refusal_of([&] { run_folder(folder / "mine").take(); }), HasSubstr("holds job.json"));
    EXPECT_EQ(names_in(folder / "mine"), (std::vector<std::string>{"job.json", "readme.txt"}));
    folder.write("old/job.json", "{}");  // of a run before there were marks
    folder.write("old/log.jsonl", "");
    EXPECT_EQ(refusal_of([&] { run_folder(folder / "old").take(); }), "");
}

TEST(run_folder, notices_that_it_is_another) {
    const scratch folder;
    run_folder held(folder / "out");
    held.take();
    held.check();
    std::filesystem::remove_all(folder / "out");
    EXPECT_THAT(refusal_of([&] { held.check(); }), HasSubstr("is not what it was"));
    run_folder(folder / "out").take();
    EXPECT_THAT(refusal_of([&] { held.check(); }), HasSubstr("is not what it was"));
}

TEST(draft, of_the_dead_are_removed_and_of_the_living_are_not) {
    const scratch folder;
    std::filesystem::create_directories(folder / "out");
    const auto lost = folder.write("out/.log.jsonl.0123456789abcdef.partial", "half");
    const auto other = folder.write("out/.notes.0123456789abcdef.partial", "of no run");
    const auto short_one = folder.write("out/.log.jsonl.0123.partial", "not a draft");
    folder.write("out/log.jsonl", "");
    folder.write("out/job.json", "{}");
    const draft living(folder / "out/trace.json");
    EXPECT_EQ(living.error(), 0);
    run_folder(folder / "out").take();
    EXPECT_FALSE(std::filesystem::exists(lost));
    EXPECT_TRUE(std::filesystem::exists(other));
    EXPECT_TRUE(std::filesystem::exists(short_one));
    EXPECT_EQ(names_in(folder / "out").size(), 6u);  // the mark, the living draft, two strangers, log and job
    EXPECT_EQ(target_of_draft(".trace.json.0123456789abcdef.partial"), "trace.json");
    for (const char* no : {"trace.json.0123456789abcdef.partial", ".a.0123456789abcdeF.partial", ".partial",
                           "..partial", ".0123456789abcdef.partial"})
        EXPECT_EQ(target_of_draft(no), "") << no;
}

TEST(draft, has_a_name_that_nobody_foresees_and_replaces_what_is_there) {
    const scratch folder;
    const auto victim = folder.write("victim", "keep me");
    std::filesystem::create_symlink(victim, folder / "made");
    std::set<std::string> names;
    for (int i = 0; i < 20; ++i) {
        atomic_file file(folder / "made");
        for (const std::string& name : names_in(folder.path()))
            if (!target_of_draft(name).empty()) names.insert(name);
        file.append(std::to_string(i));
        if (i == 19) file.commit();
    }
    EXPECT_EQ(names.size(), 20u);
    EXPECT_EQ(contents(folder / "made"), "19");
    EXPECT_EQ(contents(victim), "keep me");
    EXPECT_EQ(names_in(folder.path()), (std::vector<std::string>{"made", "victim"}));
}

TEST(write_file, goes_through_a_link_but_not_through_one_to_nothing) {
    const scratch folder;
    const auto target = folder.write("target", "old");
    std::filesystem::create_symlink("target", folder / "link");
    std::filesystem::create_symlink("nowhere", folder / "dangling");
    write_file((folder / "link").string(), "new");
    EXPECT_EQ(contents(target), "new");
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
    EXPECT_THAT(refusal_of([&] { write_file((folder / "dangling").string(), "new"); }), HasSubstr("a link to nothing"));
    EXPECT_EQ(std::filesystem::read_symlink(folder / "dangling"), "nowhere");
    EXPECT_FALSE(std::filesystem::exists(folder / "nowhere"));
}

}  // namespace
