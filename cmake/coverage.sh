#!/usr/bin/env bash
# Prints which share of the lines of each folder the tests have run: bash cmake/coverage.sh [BUILD], after the tests of a build with
# CHIMERA_COVERAGE were run with LLVM_PROFILE_FILE="$PWD/BUILD/profiles/%m.profraw".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-build/coverage}

mapfile -t programs < <(find "$build/tests" "$build/executor" -type f -executable \( -name 'test_*' -o -name chimera \) | sort)
[ ${#programs[@]} -gt 0 ] || { echo "coverage: no programs in $build (nothing was built) build and run the tests first" >&2; exit 2; }
llvm-profdata-16 merge -sparse "$build"/profiles/*.profraw -o "$build/all.profdata"
llvm-cov-16 export -summary-only -instr-profile="$build/all.profdata" -ignore-filename-regex='/(tests|bench|examples|usr)/' \
    "${programs[0]}" $(printf -- '-object %s ' "${programs[@]:1}") 2>/dev/null | python3 -c '
import collections, json, os, sys
counts = collections.defaultdict(lambda: [0, 0])
for file in json.load(sys.stdin)["data"][0]["files"]:
    parts = os.path.relpath(file["filename"]).split(os.sep)
    if parts[0] not in ("include", "executor"):
        continue
    lines = file["summary"]["lines"]
    for folder in ("/".join(parts[:3 if parts[0] == "include" else 2][:len(parts) - 1]), "all"):
        counts[folder][0] += lines["covered"]
        counts[folder][1] += lines["count"]
print("lines that the tests have run")
for folder, (covered, count) in sorted(counts.items(), key=lambda c: (c[0] == "all", c[0])):
    print(f"  {folder:<28}{covered:>7} of {count:>6}{100 * covered / max(1, count):>7.1f} %")
'
