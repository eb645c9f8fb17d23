// SPDX-License-Identifier: Apache-2.0
// Who a process is, by what its launcher has set, and how it shows what others say.
#include <executor/communicate/bootstrap/identity.hpp>
#include <executor/communicate/bootstrap/peer_text.hpp>

#include <chimera/core/error.hpp>

#include <gmock/gmock.h>

#include <array>
#include <map>
#include <random>
#include <string>

namespace {

using namespace chimera::executor;
using testing::HasSubstr;

environment of(const std::map<std::string, const char*>& set) {
    return [set](const char* name) -> const char* {
        const auto found = set.find(name);
        return found == set.end() ? nullptr : found->second;
    };
}

TEST(identity, comes_from_whoever_started_the_process) {
    const auto read = [](const std::map<std::string, const char*>& set) {
        const identity me = identify(of(set));
        return std::array{me.rank, me.size, me.local_rank};
    };
    using testing::ElementsAre;
    EXPECT_THAT(read({}), ElementsAre(0, 1, -1));
    EXPECT_THAT(read({{"RANK", "3"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "1"}}), ElementsAre(3, 8, 1));
    EXPECT_THAT(read({{"SLURM_PROCID", "5"}, {"SLURM_NTASKS", "6"}, {"SLURM_LOCALID", "2"}, {"SLURM_STEP_ID", "0"}}),
                ElementsAre(5, 6, 2));
    // A step of fewer tasks than the allocation has.
    EXPECT_THAT(read({{"SLURM_PROCID", "1"},
                      {"SLURM_NTASKS", "6"},
                      {"SLURM_STEP_NUM_TASKS", "2"},
                      {"SLURM_LOCALID", "1"},
                      {"SLURM_STEP_ID", "3"}}),
                ElementsAre(1, 2, 1));
    // The script that srun is yet to be called from.
    EXPECT_THAT(read({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "6"}, {"SLURM_LOCALID", "0"}}), ElementsAre(0, 1, -1));
    EXPECT_THAT(read({{"OMPI_COMM_WORLD_RANK", "0"},
                      {"OMPI_COMM_WORLD_SIZE", "2"},
                      {"SLURM_PROCID", "0"},
                      {"SLURM_NTASKS", "1"}}),
                ElementsAre(0, 2, -1));
    EXPECT_THAT(read({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}), ElementsAre(1, 2, -1));
}

TEST(identity, refuses_what_does_not_add_up) {
    const auto refusal = [](const std::map<std::string, const char*>& set) -> std::string {
        try {
            identify(of(set));
            find_meeting_point(of(set));
        } catch (const chimera::chimera_error& e) {
            return e.what();
        }
        return "accepted";
    };
    EXPECT_THAT(refusal({{"RANK", "0"}}), HasSubstr("WORLD_SIZE is not set"));
    EXPECT_THAT(refusal({{"WORLD_SIZE", "4"}}), HasSubstr("RANK is not set"));
    EXPECT_THAT(refusal({{"RANK", "4"}, {"WORLD_SIZE", "4"}}), HasSubstr("RANK is '4'"));
    EXPECT_THAT(refusal({{"RANK", "-1"}, {"WORLD_SIZE", "4"}}), HasSubstr("RANK is '-1'"));
    EXPECT_THAT(refusal({{"RANK", "1x"}, {"WORLD_SIZE", "4"}}), HasSubstr("RANK is '1x'"));
    EXPECT_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "99999999999"}}), HasSubstr("WORLD_SIZE is"));
    EXPECT_THAT(refusal({{"MASTER_PORT", "65536"}}), HasSubstr("MASTER_PORT is"));
    EXPECT_EQ(find_meeting_point(of({{"MASTER_ADDR", "node7"}, {"MASTER_PORT", "1234"}})).address, "node7");
    EXPECT_EQ(find_meeting_point(of({{"MASTER_PORT", "1234"}})).port, 1234);
    EXPECT_EQ(find_meeting_point(of({{"SLURM_JOB_ID", "77"}})).job, "77");
}

/// Variables as the launchers set them, of which most say nothing here.
TEST(identity, a_process_that_is_started_by_hand_is_alone) {
    const std::map<std::string, const char*> allocation{
        {"SLURM_JOB_ID", "77"},       {"SLURM_JOBID", "77"},
        {"SLURM_NTASKS", "4"},        {"SLURM_NPROCS", "4"},
        {"SLURM_NNODES", "2"},        {"SLURM_JOB_NUM_NODES", "2"},
        {"SLURM_NODELIST", "n[1-2]"}, {"SLURM_TASKS_PER_NODE", "2(x2)"}};
    const auto with = [&](std::map<std::string, const char*> more) {
        more.insert(allocation.begin(), allocation.end());
        return of(more);
    };
    const auto batch = with({{"SLURM_PROCID", "0"}, {"SLURM_LOCALID", "0"}, {"SLURM_NODEID", "0"}});
    // salloc where LaunchParameters=use_interactive_step: the shell is a step.
    const auto interactive = with({{"SLURM_PROCID", "0"},
                                   {"SLURM_LOCALID", "0"},
                                   {"SLURM_STEP_ID", "4294967290"},
                                   {"SLURM_STEP_NUM_TASKS", "1"},
                                   {"SLURM_STEP_NUM_NODES", "1"},
                                   {"SLURM_STEP_NODELIST", "n1"},
                                   {"PMIX_RANK", "0"}});
    const auto pty = with({{"SLURM_PROCID", "0"},
                           {"SLURM_STEP_ID", "0"},
                           {"SLURM_STEP_NUM_TASKS", "1"},
                           {"SLURM_STEP_NUM_NODES", "1"},
                           {"PMI_RANK", "0"},
                           {"PMI_SIZE", "1"}});
    for (const auto& shell : {of({}), with({}), batch, interactive, pty}) {
        EXPECT_EQ(identify(shell).size, 1);
        EXPECT_FALSE(started_by_mpi(shell));
        EXPECT_EQ(find_meeting_point(shell).address, "127.0.0.1");
    }
}

TEST(identity, ranks_of_several_machines_meet_on_the_first) {
    const auto slurm = [](const char* nodes, const char* count) {
        return of({{"SLURM_PROCID", "1"},
                   {"SLURM_STEP_ID", "0"},
                   {"SLURM_STEP_NUM_TASKS", "4"},
                   {"SLURM_STEP_NUM_NODES", count},
                   {"SLURM_STEP_NODELIST", nodes}});
    };
    EXPECT_EQ(find_meeting_point(slurm("n[1-2]", "1")).address, "127.0.0.1");
    EXPECT_EQ(find_meeting_point(slurm("n[01-02,7],m4", "4")).address, "n01");
    EXPECT_EQ(find_meeting_point(slurm("rack2-n[7,9-12]", "4")).address, "rack2-n7");
    EXPECT_EQ(find_meeting_point(slurm("r[1-2]n[3-4]", "4")).address, "r1n3");
    EXPECT_EQ(find_meeting_point(slurm("login1.site,n2", "2")).address, "login1.site");
    EXPECT_THROW(find_meeting_point(slurm("n[1-2", "2")), chimera::chimera_error);
    const auto mpi = [](const char* here) {
        return of({{"OMPI_COMM_WORLD_RANK", "1"}, {"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_LOCAL_SIZE", here}});
    };
    EXPECT_EQ(find_meeting_point(mpi("4")).address, "127.0.0.1");
    EXPECT_THROW(find_meeting_point(mpi("2")), chimera::chimera_error);
    EXPECT_TRUE(started_by_mpi(mpi("2")));
    EXPECT_TRUE(started_by_mpi(of({{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}, {"MPI_LOCALNRANKS", "2"}})));
}

/// torchrun's agent listens at MASTER_PORT itself.
TEST(identity, torchrun_leaves_the_next_port) {
    const auto at = [](const char* port, const char* store) {
        return find_meeting_point(of({{"RANK", "1"},
                                      {"WORLD_SIZE", "2"},
                                      {"LOCAL_WORLD_SIZE", "2"},
                                      {"MASTER_ADDR", "localhost"},
                                      {"MASTER_PORT", port},
                                      {"TORCHELASTIC_RUN_ID", "none"},
                                      {"TORCHELASTIC_USE_AGENT_STORE", store}}))
            .port;
    };
    EXPECT_EQ(at("29500", "True"), 29501);
    EXPECT_EQ(at("65535", "True"), 65534);
    EXPECT_EQ(at("29500", "False"), 29500);
}

TEST(identity, an_address_is_a_name_or_a_number_without_a_port) {
    const auto address = [](const char* given) -> std::string {
        try {
            return find_meeting_point(of({{"MASTER_ADDR", given}, {"RANK", "0"}, {"WORLD_SIZE", "2"}})).address;
        } catch (const chimera::chimera_error& e) {
            return e.what();
        }
    };
    for (const char* good : {"node7", "10.1.2.3", "::1", "fe80::1%eth0", "a.b-c_d.example"})
        EXPECT_EQ(address(good), good);
    EXPECT_EQ(address("[::1]"), "::1");
    for (const char* with_port : {"node7:29500", "10.1.2.3:1", "[::1]:29500"})
        EXPECT_THAT(address(with_port), HasSubstr("a port stands in it"));
    for (const char* bad : {"tcp//node7", "two words", "[]", "n\x1b[2J"})
        EXPECT_THAT(address(bad), HasSubstr("no name and no number of a machine"));
    EXPECT_EQ(address("n\x1b[2J").find('\x1b'), std::string::npos);
}

TEST(peer_text, is_one_line_whatever_was_said) {
    EXPECT_EQ(peer_text("worker 3 failed (Straße, 東京) mend it"), "worker 3 failed (Straße, 東京) mend it");
    EXPECT_EQ(peer_text("a\nb\r\x1b[2J\x7f"), "a\\x0ab\\x0d\\x1b[2J\\x7f");
    EXPECT_EQ(peer_text("\xe2\x80\xae \xc2\x9b \xe2\x80\xa8"), "\\u202e \\x9b \\u2028");
    EXPECT_EQ(peer_text("\xff\xc0\x80\xed\xa0\x80\xf4\x90"), "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xf4\\x90");
    EXPECT_EQ(peer_text("abcdef", 3), "abc …");
    std::mt19937 random(5);
    for (int i = 0; i < 2000; ++i) {
        std::string said(random() % 40, ' ');
        for (char& c : said) c = static_cast<char>(random());
        for (const char c : peer_text(said)) EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
    }
}

}  // namespace
