#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds on a machine with a GPU, runs the tests there, then the suites and PyTorch on the same work, and writes one page.
#
#     bash bench/gpu.sh [--only STEP,…] [--quick] [--prefix FOLDER] [--frontend FOLDER] [--without-fused-attention] [--output FILE]
#
# --only: of the steps build, tests, sanitize, ours, peer, page those named; none named: all, in this order. Each part of a step ends
#   within its bound, and may take what earlier parts left; its output stays in build/gpu/log. --list: says the bounds, runs nothing.
# --quick: the operations' tests, short suites, GPT-2 124M alone.
# --prefix: where libraries are that no package manager put in place: a folder that holds include and lib, or usr with them
#   (unpacked Debian packages). What lies in Python packages (cuDNN, NCCL, cuBLASLt, nvrtc) is found without it.
# --frontend: the folder of cudnn_frontend.h, if it is neither beside the prefix nor in a Python package nor in /usr/include.
# --without-fused-attention: goes on where cuDNN or its frontend is missing. --output: the page (bench/results/gpu.md).
#
# Ends with 2 where something is missing, having done nothing, and with 1 where a part failed or was cut off.
# shellcheck source-path=SCRIPTDIR disable=SC2034
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage='--only STEP,…, --quick, --prefix FOLDER, --frontend FOLDER, --without-fused-attention, --output FILE, --list'
refuse() { echo "gpu.sh: $*" >&2; exit 2; }

all_steps=(build tests sanitize ours peer page)
prefix='' frontend='' fused=1 quick='' list='' steps=() command=("$@")
output=$here/results/gpu.md
while [ $# -gt 0 ]; do
    case $1 in
        --only | --prefix | --frontend | --output) [ $# -gt 1 ] || refuse "$1 takes a value (none given) give it one" ;;&
        --only) IFS=', ' read -ra named <<<"$2"; steps+=("${named[@]}"); shift 2 ;;
        --prefix) prefix=$(realpath -e "$2") || refuse "no folder $2 (--prefix) give the one that holds include and lib"; shift 2 ;;
        --frontend) frontend=$(realpath -m "$2"); shift 2 ;;
        --output) output=$(realpath -m "$2"); shift 2 ;;
        --without-fused-attention) fused=''; shift ;;
        --quick) quick=1; shift ;;
        --list) list=1; shift ;;
        *) refuse "unknown option $1 ($usage) take one of these" ;;
    esac
done
for step in "${steps[@]}"; do
    [[ " ${all_steps[*]} " = *" $step "* ]] || refuse "unknown step $step (steps: ${all_steps[*]}) name one of them"
done
given_steps=${#steps[@]}
[ "$given_steps" -gt 0 ] || steps=("${all_steps[@]}")
chosen() { [[ " ${steps[*]} " = *" $1 "* ]]; }

cd "$here/.."
build=$PWD/build/gpu
log=$build/log
# shellcheck source=gpu_find.sh
source "$here/gpu_find.sh"
# shellcheck source=gpu_steps.sh
source "$here/gpu_steps.sh"
status=0
if [ -n "$list" ]; then
    for step in "${all_steps[@]}"; do ! chosen "$step" || "step_$step"; done
    echo "$total s: all of these, at most"
    exit
fi
find_libraries
missing=()
for step in "${steps[@]}"; do "need_$step"; done
[ ${#missing[@]} = 0 ] || { printf 'gpu.sh: %s\n' "${missing[@]}" >&2; exit 2; }
mkdir -p "$log" "$build/cache"
! chosen build || rm -f "$log"/{environment,tests,sanitize,ours-*,page}  # of another build
write_environment >>"$log/environment" 2>&1
for step in "${all_steps[@]}"; do ! chosen "$step" || "step_$step"; done
exit $status
