# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: a folder of their own to work in, the program, and a count of what went wrong.
set -u
export LLVM_PROFILE_FILE=${LLVM_PROFILE_FILE:-/dev/null}  # a build that counts lines writes it wherever it runs
program=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
cd "$folder" || exit 1
failures=0
fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
