#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Calibration from published figures, hardware files that plan reads, and what is refused. Usage: calibrate.sh PROGRAM
source "$(dirname "$0")/common.sh"
figures=$here/../fixtures/chimera_sc21_bert48.csv
refuse() {
    local part=$1 status
    shift
    timeout 60 "$program" calibrate "$@" >out 2>err </dev/null
    status=$?
    [ $status = 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "exit $status, $(wc -l <err) lines: calibrate $*"
    grep -qF -- "$part" err || fail "no '$part' in: $(cat err)"
    [ ! -e hardware.json ] || fail "left a file behind: calibrate $*"
}

# The figures of the paper, five numbers fitted: figure 13 within 5 %, the best of it chosen, rankings as measured.
"$program" calibrate "$figures" >report || fail "calibrate"
[ "$(grep -c '(as measured)' report)" = 3 ] || fail "rankings: $(grep nodes: report)"
grep -q ' 5 numbers fitted' report || fail "numbers: $(head -1 report)"
best=0
while read -r measured predicted error; do
    error=${error//[+%]/}
    awk "BEGIN { exit !($error < 5 && $error > -5) }" || fail "figure 13: $measured, predicted $predicted"
    awk "BEGIN { exit !($predicted > $best) }" && best=$predicted && winner=$measured
done < <(grep -E 'chimera, 32 nodes' report | sed 's/.*B [0-9]*//' | awk '{ print $1, $2, $3 }')
[ "$winner" = 173.3 ] || fail "chosen: $winner"
[ "$(grep -c 'eager_opt over eager 1\.' report)" = 3 ] || fail "eager_opt: $(grep eager_opt report)"

# JSON says the same, and the hardware file is one that plan reads.
"$program" calibrate "$figures" --format json -o hardware.json >report.json || fail "calibrate --format json"
flops=$(grep -o '"flops": [0-9.e+]*' hardware.json | head -1)
grep -qF "$flops" report.json || fail "flops differ: $flops"
"$program" plan --model bert-48 --samples 512 --nodes 32 --memory 16GiB --hardware hardware.json --families bidirectional >plan.txt ||
    fail "plan with a fitted hardware"
"$program" calibrate "$figures" --hardware hardware.json --fit flops --format json >again.json || fail "calibrate --hardware"
rm hardware.json

# Predicting rows that no fit saw: the odd ones from the even ones.
{ sed -n 1,2p "$figures"; grep measured "$figures" | awk 'NR % 2'; } >odd.csv
{ sed -n 1,2p "$figures"; grep measured "$figures" | awk 'NR % 2 == 0'; } >even.csv
"$program" calibrate odd.csv --test even.csv >test.txt || fail "calibrate --test"
grep -q '^even.csv: 11 rows, nothing fitted' test.txt || fail "test: $(grep even test.txt)"
"$program" calibrate odd.csv --test even.csv --test-tokens 256 | cmp -s - test.txt && fail "--test-tokens changes nothing"
sed 's/P100/V100/' even.csv >v100.csv
"$program" calibrate odd.csv --test v100.csv | grep -q 'carried over to V100' || fail "carried over"
"$program" calibrate "$figures" --fit flops --fix between.bandwidth=2e9 --fix step_overhead=0 --folds 4 |
    grep -q 'held out (4 parts)' || fail "--folds"

# Bad input.
refuse 'cannot read' nothing.csv
: >empty.csv
refuse 'empty.csv: the file is empty' empty.csv
{ sed -n 1,2p "$figures"; grep measured "$figures" | head -2; } >two.csv
refuse 'two.csv: 2 rows do not fix 5 numbers (there must be more rows than numbers)' two.csv -o hardware.json
sed 's/,173.3/,nan/' "$figures" >nan.csv
refuse 'nan.csv: line 7: value is "nan"' nan.csv -o hardware.json
sed 's/,173.3/,-1/' "$figures" >negative.csv
refuse 'is "-1" (out of range)' negative.csv
sed 's/,P100,32/,P100/' "$figures" >short.csv
refuse 'line 3 has 11 cells (the header has 12)' short.csv
refuse 'no number of a hardware' "$figures" --fit speed
refuse '--fit names flops twice' "$figures" --fit flops,flops
refuse 'no number of a hardware' "$figures" --fit ''
refuse 'give NAME=VALUE' "$figures" --fix flops
refuse 'out of range' "$figures" --fix flops=0
refuse 'out of range' "$figures" --fix flops=nan
refuse 'out of range' "$figures" --fix launch=-1
refuse 'choose one' "$figures" --fit flops,launch --fix launch=1
refuse '--tokens' "$figures" --tokens 0
refuse 'tokens' "$figures" --tokens 513
refuse '--test-tokens' "$figures" --test "$figures" --test-tokens x
refuse '--folds' "$figures" --folds 1
refuse '--tolerate' "$figures" --tolerate -1
refuse '--format' "$figures" --format svg

# What it reads is not written over.
cp "$figures" m.csv
for to in m.csv ./m.csv "$PWD/m.csv"; do
    refuse 'file is the same file, which would be lost' m.csv -o "$to"
done
refuse '--test is the same file' "$figures" --test m.csv -o m.csv
cmp -s "$figures" m.csv || fail 'the measurements were written over'

echo "$failures failures"
[ $failures = 0 ]
