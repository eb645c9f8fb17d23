#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the subcommands answer to good input. Usage: commands.sh PROGRAM
source "$(dirname "$0")/common.sh"

# answers STATUS PART ARGUMENTS…
answers() {
    local wanted=$1 part=$2 status
    shift 2
    timeout 60 "$program" "$@" >out 2>err
    status=$?
    [ $status = "$wanted" ] || fail "exit $status instead of $wanted: chimera $*: $(head -3 err)"
    grep -qF -- "$part" out || fail "no '$part' from: chimera $*"
    [ ! -s err ] || fail "wrote to standard error: chimera $*: $(head -3 err)"
}

answers 0 'Example:' --help
for command in schedule program verify simulate compare search gallery hardware train; do answers 0 'Example:' "$command" --help; done
answers 0 'chimera ' --version

answers 0 'w0  d0 ·  d1 u0 U0 u1 U1 D0 ·  D1' schedule bidirectional --stages 4 --micro-batches 4
answers 0 'w3  u0 ·  u1 d0 D0 d1 D1 U0 ·  U1' schedule bidirectional --stages 4 --micro-batches 4
answers 0 '0F0,0F1,,,0B0,0B1' schedule gpipe --stages 2 --micro-batches 2 --format csv
answers 0 '<svg ' schedule bidirectional --stages 4 --micro-batches 4 --format svg
answers 0 '<!DOCTYPE html>' schedule dualpipe --stages 4 --micro-batches 8 --format html
answers 0 '0F7&7B3────' schedule dualpipe_v --stages 8 --micro-batches 8
answers 0 '(0F' schedule dualpipe_v --stages 8 --micro-batches 8 --format csv
answers 0 '1SEND_F0' program zb_h1 --stages 4 --micro-batches 4 --format csv
answers 0 'stage        staleness          mean     versions' simulate pipedream --stages 4 --micro-batches 8
answers 0 '(stashed weights)' program pipedream --stages 4 --micro-batches 8
answers 0 'every 4 micro-batches (double_buffered weights)' simulate pipedream_2bw --stages 4 --micro-batches 8
! grep -q staleness <("$program" simulate gpipe --stages 2 --micro-batches 2) || fail 'staleness of gpipe'
answers 0 '"traceEvents"' schedule bidirectional --stages 4 --micro-batches 4 --format trace
answers 0 '"format":"chimera.schedule"' schedule bidirectional --stages 4 --micro-batches 4 --format json
answers 0 '"format":"chimera.program"' program bidirectional --stages 4 --micro-batches 4 --format json
answers 0 'reduce_gradient stage 3, members 0 3' program bidirectional --stages 4 --micro-batches 4
answers 0 'w0' schedule gpipe --stages 2 --micro-batches 4 --memory 4
answers 0 'R1' schedule gpipe --stages 2 --micro-batches 2 --recompute 0

# The field's names do what ours do.
same() { cmp -s <("$program" $1) <("$program" $2) || fail "$1 differs from $2"; }
same 'schedule 1f1b --stages 4 --micro-batches 4 --format json' 'schedule one_f_one_b --stages 4 --micro-batches 4 --format json'
same 'schedule dp --width 2 --micro-batches 4' 'schedule data_parallel --width 2 --micro-batches 4'
same 'compare 1f1b dp --workers 2 --micro-batches 4' 'compare one_f_one_b data_parallel --workers 2 --micro-batches 4'
same 'schedule gpipe --stages 2 --micro-batches 2 --color' 'schedule gpipe --stages 2 --micro-batches 2 --colour'
answers 0 $'\e[' schedule gpipe --stages 2 --micro-batches 2 --color

# Every family and option makes files that verify proves and simulate plays.
for options in 'gpipe --stages 3 --micro-batches 5' 'one_f_one_b --stages 4 --micro-batches 7 --recompute full' \
    'data_parallel --micro-batches 3 --width 4' 'bidirectional --stages 8 --micro-batches 11 --pipelines 4' \
    'bidirectional --stages 4 --micro-batches 9 --scale doubling --width 2 --recompute 1,2' \
    'bidirectional --stages 6 --micro-batches 6 --scale halving'; do
    # shellcheck disable=SC2086
    "$program" schedule $options --format json -o schedule.json || fail "schedule $options"
    answers 0 'ok: ' verify schedule.json
    answers 0 'makespan' simulate schedule.json
    cp out from_file
    # shellcheck disable=SC2086
    answers 0 'makespan' simulate $options
    # The first line names the family's options, which a file does not have.
    bare() { sed -E '1s/^([a-z0-9_]+)[^:]*:/\1:/; /per_second/d' "$1"; }
    diff <(bare out) <(bare from_file) || fail "a file and its family differ: $options"
    for sync in lazy eager eager_opt; do
        # shellcheck disable=SC2086
        "$program" program $options --sync $sync --format json -o program.json || fail "program $options"
        answers 0 'reproducible' verify program.json
        answers 0 '"bubble_ratio":' simulate program.json --format json
    done
done

# Faults: exit 1 and each on a line of standard output.
"$program" schedule bidirectional --stages 4 --micro-batches 4 --format json -o good.json || fail 'good.json'
"$program" program bidirectional --stages 4 --micro-batches 4 --format json -o program.json || fail 'program.json'
sed '0,/"op":"B"/s//"op":"F"/' good.json >broken.json
answers 1 'once: ' verify broken.json
sed '0,/"op":"F","pipeline":0,"stage":0,"first":0,"count":1,"tick":0/s//"op":"F","pipeline":0,"stage":0,"first":0,"count":1,"tick":1/' good.json >late.json
answers 1 'ordered: ' verify late.json
grep -v '"op":"send_gradient","pipeline":1,"stage":2,"first":2' program.json >unsent.json
answers 1 'matched: ' verify unsent.json
sed '0,/"members":\[0,3\]/s//"members":[0,2]/' program.json >members.json
answers 1 'members of stage' verify members.json
answers 1 'bounded: ' verify good.json --memory 2

# Numbers that simulate must print: D = N = 4, F = 1, B = 2.
echo '{"format":"chimera.costs","version":1,"forward":1,"backward":2}' >costs.json
answers 0 '"makespan":16' simulate bidirectional --stages 4 --micro-batches 4 --costs costs.json --format json
answers 0 '"slots":32' simulate bidirectional --stages 4 --micro-batches 4 --costs costs.json --format json
answers 0 'critical_path' simulate bidirectional --stages 4 --micro-batches 4 --costs costs.json
for format in svg trace html; do
    "$program" simulate bidirectional --stages 4 --micro-batches 4 --costs costs.json --format $format -o "timeline.$format" || fail "$format"
done
! command -v xmllint >/dev/null || xmllint --noout timeline.svg || fail 'timeline.svg is not well formed'

# A link stays a link, and a file keeps its permissions.
echo old >target.txt
chmod 640 target.txt
ln -s target.txt link.txt
"$program" schedule gpipe --stages 2 --micro-batches 2 -o link.txt || fail 'writing through a link'
[ -L link.txt ] && grep -q F0 target.txt || fail 'the link was replaced'
[ "$(stat -c %a target.txt)" = 640 ] || fail 'permissions changed'

ln -s nowhere dangling.txt
"$program" schedule gpipe --stages 2 --micro-batches 2 -o dangling.txt 2>err && fail 'wrote over a link to nothing'
grep -q 'a link to nothing' err && [ -L dangling.txt ] && [ ! -e nowhere ] || fail "the link to nothing: $(cat err)"

# No command writes over what it reads, whatever the two names; a family is no file.
"$program" schedule gpipe --stages 2 --micro-batches 2 --format json -o order.json || fail 'order.json'
ln order.json other_name.json
cp order.json .order.json
"$program" simulate order.json -o ./other_name.json 2>err && fail 'simulate replaced its input'
grep -q 'FAMILY.* is the same file' err || fail "simulate: $(cat err)"
"$program" simulate order.json --costs costs.json -o costs.json 2>err && fail 'simulate replaced its costs'
grep -q -- '--costs is the same file' err || fail "costs: $(cat err)"
"$program" profile --model tiny --costs new.json -o ./new.json 2>err && fail 'profile wrote one file twice'
grep -q 'is the same file' err || fail "profile: $(cat err)"
cmp -s order.json .order.json || fail 'an input was changed'
for ((i = 0; i < 2; i++)); do
    "$program" schedule gpipe --stages 2 --micro-batches 2 -o gpipe || fail 'a file with the name of a family'
done
find . -name '*.partial' | grep . && fail 'a draft is left'

echo "$failures failures"
[ $failures = 0 ]
