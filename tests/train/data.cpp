// SPDX-License-Identifier: Apache-2.0
#include "scratch.hpp"

#include <executor/data/corpus.hpp>

#include <gmock/gmock.h>

#include <random>
#include <set>
#include <sstream>

using namespace chimera::executor;
using chimera::test::refusal_of;
using chimera::test::scratch;
using chimera::test::token_file;
using testing::HasSubstr;

namespace {

std::string text_of(const corpus& data) {
    std::vector<std::int32_t> tokens(data.size());
    data.copy(0, tokens);
    return {tokens.begin(), tokens.end()};
}

TEST(text, folders_are_read_in_path_order_without_what_is_no_text) {
    const scratch folder;
    folder.write("b.txt", "B");
    folder.write("a/z.cpp", "AZ");
    folder.write("a/b/c.hpp", "ABC");
    folder.write(".git/config", "git");
    folder.write("a/.hidden", "hidden");
    folder.write("build/generated.cpp", "BUILD");
    folder.write("made/CMakeCache.txt", "cache");
    folder.write("cached/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\n");
    folder.write("cached/other.txt", "other");
    folder.write("out/CACHEDIR.TAG", "no signature");
    folder.write("made/other.txt", "other");
    folder.write("picture.png", std::string_view("\x89PNG\0\0", 6));
    folder.write("empty.txt", "");
    folder.write("tokens.bin", token_file({1, 2, 3}));
    folder.write("runs/log.jsonl", "log");
    std::filesystem::create_symlink(folder / "b.txt", folder / "c.txt");
    std::filesystem::create_directory_symlink(folder.path(), folder / "loop");
    const auto data = open_corpus({folder.path()}, 256, folder / "runs");
    EXPECT_EQ(text_of(data), "ABCAZBBUILDno signature");
    EXPECT_EQ(data.files(), 5u);
    EXPECT_EQ(data.others().count(), 10u);
    for (const char* each : {"2 made by a tool", "2 hidden", "1 binary", "1 empty", "1 of tokens", "2 met before",
                             "1 of a run", "picture.png", "/runs"})
        EXPECT_THAT(data.others().text(), HasSubstr(each));
    EXPECT_EQ(text_of(open_corpus({folder / "b.txt", folder / "a"}, 256)), "BABCAZ");
}

TEST(text, what_runs_write_is_no_data_wherever_it_lies) {
    const scratch folder;
    folder.write("a.txt", "A");
    folder.write("b.txt", "B");
    const auto before = open_corpus({folder.path()}, 256, folder.path()).fingerprint();
    folder.write(".chimera-run", "");
    for (const char* name : {"job.json", "log.jsonl", "recorder.txt", "recorder.1.txt", "trace.json", "timeline.svg"})
        folder.write(name, "a run's");
    folder.write("runs/old/job.json", "{}");
    folder.write("runs/old/log.jsonl", "{}");
    folder.write("runs/old/notes.txt", "notes");
    folder.write("runs/new/.chimera-run", "");
    folder.write("runs/new/timeline.html", "page");
    std::filesystem::create_directory_symlink(folder / "runs/new", folder / "linked");
    const auto data = open_corpus({folder.path()}, 256, folder.path());
    EXPECT_EQ(text_of(data), "AB");
    EXPECT_EQ(data.fingerprint(), before);
    EXPECT_THAT(data.others().text(), HasSubstr(" of a run ("));
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "runs/new/timeline.html"}, 256); }),
                HasSubstr("is the output of a run"));
    EXPECT_EQ(text_of(open_corpus({folder / "runs/old"}, 256)), "notes");
}

TEST(text, compressed_files_are_told_by_their_first_bytes) {
    const scratch folder;
    folder.write("text.gz", "named so, and text all the same");
    for (const std::string start : {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "BZh91AY&SY", "PK\x03\x04", "\xfd\x37zXZ"}) {
        const auto path = folder.write("packed.txt", start + "rest");
        EXPECT_THAT(refusal_of([&] { open_corpus({path}, 256); }), HasSubstr("is compressed"));
        EXPECT_THAT(open_corpus({folder.path()}, 256).others().text(), HasSubstr("1 compressed ("));
    }
}

/// The texts below a folder, each once, by a walk that knows of links only what the system resolves.
void walk(const std::filesystem::path& at, std::set<std::filesystem::path>& met, std::multiset<std::string>& texts) {
    if (!std::filesystem::exists(at)) return;
    if (!met.insert(std::filesystem::canonical(at)).second) return;
    if (std::filesystem::is_regular_file(at)) return void(texts.insert(chimera::test::contents(at)));
    for (const auto& each : std::filesystem::directory_iterator(at)) walk(each.path(), met, texts);
}

TEST(text, random_trees_of_links_are_read_once_each) {
    std::mt19937 random(7);
    for (int tree = 0; tree < 60; ++tree) {
        const scratch folder;
        std::vector<std::filesystem::path> folders{folder.path()}, all;
        std::string sum;
        for (int i = 0; i < 30; ++i) {
            const auto parent = folders[random() % folders.size()];
            const std::string name = std::string(i % 7 == 0 ? "build" : i % 7 == 1 ? "out" : "n") + std::to_string(i);
            const auto kind = random() % 4;
            if (kind == 0) {
                std::filesystem::create_directories(parent / name);
                folders.push_back(parent / name);
            } else if (kind == 1 && !all.empty()) {
                const auto to = all[random() % all.size()];
                random() % 5 == 0 ? std::filesystem::create_symlink("nowhere", parent / name)
                                  : std::filesystem::create_symlink(to, parent / name);
            } else {
                std::ofstream(parent / name) << "text " << i << "\n";
            }
            all.push_back(parent / name);
        }
        std::set<std::filesystem::path> met;
        std::multiset<std::string> texts;
        walk(folder.path(), met, texts);
        std::multiset<std::string> read;
        if (texts.empty()) continue;
        std::istringstream lines(text_of(open_corpus({folder.path()}, 256)));
        for (std::string line; std::getline(lines, line);) read.insert(line + "\n");
        EXPECT_EQ(read, texts);
    }
}

TEST(text, a_file_may_hold_any_bytes_but_nul) {
    const scratch folder;
    folder.write("utf8.txt", "\xe2\x82\xac\xff");
    EXPECT_EQ(text_of(open_corpus({folder / "utf8.txt"}, 256)), "\xe2\x82\xac\xff");
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "utf8.txt"}, 128); }),
                HasSubstr("byte 226, the vocabulary has 128"));
}

TEST(text, what_cannot_be_read_is_refused_in_one_line) {
    const scratch folder;
    folder.write("empty.txt", "");
    folder.write("binary", std::string_view("a\0b", 3));
    std::filesystem::create_directories(folder / "nothing");
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "missing"}, 256); }),
                HasSubstr("missing cannot be found (No such file"));
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "new\nline"}, 256); }), HasSubstr("new?line"));
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "empty.txt"}, 256); }), HasSubstr("is empty"));
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "binary"}, 256); }), HasSubstr("is binary"));
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "nothing"}, 256); }), HasSubstr("has no text"));
    EXPECT_THAT(refusal_of([&] { open_corpus({"/dev/zero"}, 256); }), HasSubstr("not a regular file"));
    EXPECT_THAT(refusal_of([&] { open_corpus({}, 256); }), HasSubstr("no data"));
}

TEST(tokens, files_follow_each_other_and_copies_cross_their_borders) {
    const scratch folder;
    const auto a = folder.write("a.bin", token_file({1, 2, 3}));
    const auto b = folder.write("b.bin", token_file({40000, 5}));
    const auto data = open_corpus({a, b}, 50257);
    ASSERT_EQ(data.size(), 5u);
    EXPECT_FALSE(data.is_text());
    std::vector<std::int32_t> some(3);
    data.copy(1, some);
    EXPECT_THAT(some, testing::ElementsAre(2, 3, 40000));
    data.copy(2, some);
    EXPECT_THAT(some, testing::ElementsAre(3, 40000, 5));
    EXPECT_NE(data.fingerprint(), open_corpus({b, a}, 50257).fingerprint());
}

TEST(tokens, each_malformed_file_is_refused_in_one_line) {
    const scratch folder;
    const auto refused = [&](const std::string& bytes, int vocabulary = 256) {
        const auto path = folder.write("x.bin", bytes);
        return refusal_of([&] { open_corpus({path}, vocabulary); });
    };
    const std::string good = token_file({1, 2, 255});
    EXPECT_EQ(refused(good), "");
    EXPECT_THAT(refusal_of([&] { open_corpus({folder / "y.bin"}, 256); }), HasSubstr("No such file"));
    EXPECT_THAT(refused(""), HasSubstr("is empty"));
    EXPECT_THAT(refused(good.substr(0, 1023)), HasSubstr("1023 bytes, its header alone takes 1024"));
    EXPECT_THAT(refused(good.substr(0, good.size() - 1)), HasSubstr("is truncated"));
    EXPECT_THAT(refused(good + "x"), HasSubstr("is too long"));
    EXPECT_THAT(refused(token_file({1}, 20240521)), HasSubstr("magic 20240521"));
    EXPECT_THAT(refused(token_file({1}, 20240520, 2)), HasSubstr("unknown version (2"));
    EXPECT_THAT(refused(token_file({})), HasSubstr("no tokens"));
    EXPECT_THAT(refused(token_file({1}, 20240520, 1, 0xffffffff)), HasSubstr("says 4294967295 tokens"));
    EXPECT_THAT(refused(token_file({1, 256})), HasSubstr("token 1 is 256, the vocabulary has 256"));
    const auto text = folder.write("a.txt", "text");
    EXPECT_THAT(refusal_of([&] { open_corpus({text, folder / "x.bin"}, 256); }), HasSubstr("do not mix"));
}

}  // namespace
