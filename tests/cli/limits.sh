#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every command under limits of threads, memory and descriptors: it works, or ends with one line and 2 or 3; never by a
# signal. Usage: limits.sh PROGRAM FEW_THREADS.so [VALUES]; VALUES of each limit (3; 20 where CHIMERA_EXHAUSTIVE is set).
preloaded=$(realpath "$2")
values=${3:-${CHIMERA_EXHAUSTIVE:+20}}
values=${values:-3}
source "$(dirname "$0")/common.sh"
cases=0

for ((i = 0; i < 2000; i++)); do echo "line $i of a text that is $((i * i % 97)) long"; done >text.txt
"$program" schedule zb_h1 --stages 4 --micro-batches 8 --format json -o order.json || fail 'order.json'
echo '{"format":"chimera.hardware","version":1,"flops":5e12,"inside":{"bandwidth":5e10},"between":{"latency":1e-5,"bandwidth":5e9}}' >nodes.json
run=(train --data text.txt --model tiny --steps 2 --stages 4 --quiet --overwrite)

# One line for each command.
commands=(
    'schedule bidirectional --stages 64 --micro-batches 256 --format json'
    'program zb_v --stages 32 --micro-batches 64 --format json'
    'verify order.json'
    'simulate one_f_one_b --stages 256 --micro-batches 512'
    'compare --workers 32 --micro-batches 64'
    'search --stages 2 --micro-batches 3 --time-limit 0.5 --quiet'
    'gallery made'
    'partition --model llama-2-7b --stages 8'
    'plan --model bert-48 --samples 64 --workers 8 --hardware nodes.json'
    'play'
    "${run[*]}"
    "${run[*]} --threads 4"
)
if [ "$values" -gt 3 ]; then
    commands+=('profile --model tiny --sequences 1 --workers 2 --seconds 0.1 --quiet')
fi

# attempt LIMIT ARGUMENTS…: under a limit such as "ulimit -n 5"
attempt() {
    local what=$1 status
    shift
    timeout 100 bash -c "$what && exec \"\$@\"" - "$program" "$@" >out 2>err </dev/null
    status=$?
    case $status in
    0) return ;;
    1 | 2 | 3 | 127) ;;  # 127: the loader itself ran out, and says so
    *) echo "FAILED: exit $status under $what: ${*: -8}: $(tail -1 err)" >>failed ;;
    esac
    [ "$(wc -l <err)" = 1 ] || echo "FAILED: $(wc -l <err) lines under $what: ${*: -8}: $(head -2 err)" >>failed
}

: >failed
mkdir made
for command in "${commands[@]}"; do
    read -ra words <<<"$command"
    for ((i = 0; i < values; i++)); do
        cases=$((cases + 3))
        threads=$((values > 3 ? i : 2 * i))
        memory=$((24 * 1024 + i * (600 / values) * 1024))  # KiB
        files=$((3 + i * 12 / values))
        attempt "export CHIMERA_TEST_THREADS=$threads LD_PRELOAD=$preloaded" "${words[@]}"
        attempt "ulimit -v $memory" "${words[@]}"
        attempt "ulimit -n $files" "${words[@]}"
    done
done
cat failed
failures=$((failures + $(wc -l <failed)))
echo "$cases cases, $failures failures"
[ $failures = 0 ]
