#!/usr/bin/env bash
# clang-tidy over what changed in the last commits and over all public headers; `--all`: over everything that is compiled without
# nvcc. Above sixty files it reads those that the preset ci-clang compiles together as one, in a third of the time; checks that look
# at a main file alone (unused using-declarations) then miss them. Configures what it reads: bash cmake/tidy.sh [--all]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=
[ "${1:-}" = --all ] && all=1
commits=5
if [ -n "$all" ] || ! since=$(git rev-parse -q --verify "HEAD~$commits"); then
    files=$(git ls-files 'executor/*.cpp' 'tests/*.cpp')
else
    files=$(git diff --name-only --diff-filter=d "$since" -- 'executor/*.cpp' 'tests/*.cpp')
fi

build=build/tidy
cmake --preset tidy -DCHIMERA_JOIN_SOURCES=OFF -DCHIMERA_JOIN_TESTS= >/dev/null
# Those that this build compiles: a database that leaves a file out would have clang-tidy guess how.
compiled() { sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | sort -u; }
chosen=$(comm -12 <(for file in $files; do echo "$PWD/$file"; done | sort -u) <(compiled))
count=$(wc -w <<<"$chosen")
if [ "$count" -gt 60 ]; then
    cmake --preset tidy >/dev/null
    names=$(while read -r file; do echo "\"$file\""; done <<<"$chosen")
    joined=$(compiled | grep '/Unity/' | xargs -r grep -lFe "$names")
    chosen=$(printf '%s\n' "$(comm -12 <(echo "$chosen") <(compiled))" "$joined")
fi

tidy=(clang-tidy-16 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option --header-filter='(include/chimera|executor|tests)/.*')
headers=$build/tidy_headers.cpp
git ls-files 'include/*.hpp' | sed 's|^include/\(.*\)|#include <\1>|' >"$headers"
echo "clang-tidy: all headers and $count files"
"${tidy[@]}" "$headers" -- -std=c++20 -Iinclude
[ -z "$chosen" ] || xargs -P "$(nproc)" -n 2 "${tidy[@]}" <<<"$chosen"
