#!/usr/bin/env bash
# clang-tidy over what changed in the last commits and over all public headers; `--all`: over everything that is compiled without
# nvcc. Needs the compile commands of a Clang build: bash cmake/tidy.sh [--all] [BUILD]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all=
[ "${1:-}" = --all ] && all=1 && shift
build=${1:-build/ci-clang}
commits=5
tidy=(clang-tidy-16 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option)

if [ -n "$all" ] || ! since=$(git rev-parse -q --verify "HEAD~$commits"); then
    files=$(git ls-files 'executor/*.cpp' 'tests/*.cpp')
else
    files=$(git diff --name-only --diff-filter=d "$since" -- 'executor/*.cpp' 'tests/*.cpp')
fi
# Those that this build compiles: a database that leaves a file out would have clang-tidy guess how.
compiled=$(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$build/compile_commands.json" | sort -u)
chosen=$(for file in $files; do grep -Fx "$PWD/$file" <<<"$compiled" || true; done)
headers=$build/tidy_headers.cpp
git ls-files 'include/*.hpp' | sed 's|^include/\(.*\)|#include <\1>|' >"$headers"

echo "clang-tidy: all headers and $(wc -w <<<"$chosen") files"
"${tidy[@]}" "$headers" -- -std=c++20 -Iinclude
[ -z "$chosen" ] || xargs -P "$(nproc)" -n 4 "${tidy[@]}" <<<"$chosen"
