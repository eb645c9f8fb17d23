#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Adds a family with an option of its own to a copy of the tree, counts the files that this touches, and uses it.

usage: add_a_family.py [COMPILER …]

A header and its line make a family; a row makes an option. The program below then has them on its command line, in
configurations as JSON, in checks and in generated orders. Exits 1 if more files were touched or anything is missing.
"""
import filecmp
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOY = """// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chimera/schedule/gpipe.hpp>
namespace chimera {
struct toy {
    int stages = 1;
    int micro_batches = 1;
    int depth = 3;
    static constexpr family_traits traits{.name = "toy", .alias = "plaything"};
    constexpr gpipe like() const { return {stages, micro_batches}; }
    constexpr refusal refused() const { return depth < 1 ? refusal::stages_odd : like().refused(); }
    constexpr int workers() const { return like().workers(); }
    constexpr int placements() const { return like().placements(); }
    constexpr std::size_t slot_count() const { return like().slot_count(); }
private:
    friend struct detail::maker;
    constexpr schedule make() const {
        schedule out = generate(like());
        out.head.family = traits.name;
        return out;
    }
};
}  // namespace chimera
"""
FAMILY = [("include/chimera/schedule/families.hpp", "#include <chimera/schedule/vee.hpp>\n",
           "#include <chimera/schedule/toy.hpp>\n#include <chimera/schedule/vee.hpp>\n"),
          ("include/chimera/schedule/families.hpp", "X(pipedream_2bw)", "X(pipedream_2bw) X(toy)")]
OPTION = [("include/chimera/schedule/options.hpp", "    X(int, chunks,",
           '    X(int, depth, 99, false, "Y", "how deep", "3", "depth", "how deep it goes") \\\n    X(int, chunks,')]
USE = r"""
#include <executor/cli/shared_options.hpp>
#include <executor/io/read.hpp>
#include <executor/io/write.hpp>
#include <executor/planner/task.hpp>
#include <cstdlib>
#include <cstdio>
using namespace chimera;
using namespace chimera::executor;
table chimera::executor::load_table(const std::string&) { std::abort(); }
void chimera::executor::write_output(std::string_view) { std::abort(); }
void chimera::executor::write_file(const std::string&, std::string_view) { std::abort(); }
int main(int count, char** words) try {
    command_line program("toys", "", "1");
    family_arguments asked;
    subcommand command = program.add("schedule", "");
    asked.add_to(command, "FAMILY");
    command.run([] {});
    if (const std::string help = program.run(count, words); !help.empty()) return std::fputs(help.c_str(), stdout), 0;
    const schedule made = asked.make();
    const family_options of = asked.options();
    configuration with;
    with.schedule = {.which = family::toy, .stages = 2, .micro_batches = 4, .depth = static_cast<int>(of.depth)};
    const configuration again = read_configuration(configuration_json(with), "toy");
    std::printf("%s %d %d %d\n", std::string(made.head.family.view()).c_str(), made.head.workers, again.schedule.depth,
                again.schedule == with.schedule);
} catch (const chimera_error& why) { std::printf("%s\n", why.what()); }
"""
# Compiled as one with the program above; ALONE has a private name that another has, too.
JOINED = ["io/family_options", "io/json_tree", "io/resources", "cli/shared_options", "cli/command_line", "planner/configuration"]
ALONE = ["io/fields"]


def change(root, edits):
    for path, old, new in edits:
        text = (root / path).read_text(encoding="utf-8")
        if text.count(old) != 1:
            sys.exit(f"{path} has {text.count(old)} times: {old}")
        (root / path).write_text(text.replace(old, new), encoding="utf-8")


def touched(root):
    out = []
    for path in sorted(p for part in ("include", "executor") for p in (root / part).rglob("*") if p.is_file()):
        here = ROOT / path.relative_to(root)
        if not here.exists() or not filecmp.cmp(path, here, shallow=False):
            out.append(str(path.relative_to(root)))
    return out


def build(root, compiler):
    (root / "use.cpp").write_text("".join(f"#include <executor/{name}.cpp>\n" for name in JOINED) + USE, encoding="utf-8")
    files = [str(root / "use.cpp")] + [str(root / "executor" / (name + ".cpp")) for name in ALONE]
    subprocess.run([*compiler, "-std=c++20", "-O0", f"-I{root}/include", f"-I{root}", *files, "-o", str(root / "use")],
                   check=True)


def checks(program):
    base = [str(program), "schedule"]
    sizes = ["--stages", "2", "--micro-batches", "4"]

    def said(*words):
        return subprocess.run(base + list(words), capture_output=True, text=True, check=True).stdout

    return [("generated, its option through flags and JSON", said("toy", *sizes, "--depth", "7") == "toy 2 7 1\n"),
            ("its alias", said("plaything", *sizes, "--depth", "7") == "toy 2 7 1\n"),
            ("the option left out", said("toy", *sizes) == "toy 2 0 1\n"),
            ("help", "toy: how deep (3)" in " ".join(said("--help").split())),
            ("the option of another family", said("gpipe", *sizes, "--depth", "7") ==
             "depth does not apply (gpipe has no such option) leave it out or use toy\n"),
            ("range", said("toy", *sizes, "--depth", "0").startswith("--depth is '0' (too small)"))]


def counts():
    """The files that a family touches, and an option, in include and executor; no compiler is needed."""
    with tempfile.TemporaryDirectory() as folder:
        return prepare(pathlib.Path(folder))


def prepare(root):
    for part in ("include", "executor"):
        shutil.copytree(ROOT / part, root / part)
    (root / "include/chimera/schedule/toy.hpp").write_text(TOY, encoding="utf-8")
    change(root, FAMILY)
    family = touched(root)
    change(root, OPTION)
    return family, sorted(set(touched(root)) - set(family))


def main():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        family, option = prepare(root)
        print(f"a family touches {len(family)} files: {', '.join(family)}")
        print(f"an option touches {len(option)} more: {', '.join(option)}")
        build(root, sys.argv[1:] or ["c++"])
        failed = [what for what, good in checks(root / "use") if not good]
    for what in failed:
        print(f"wrong: {what}")
    return 1 if failed or len(family) > 2 or len(option) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
