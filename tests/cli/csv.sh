#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PyTorch-style CSV: written, read wherever a file is taken, and refused in one line. Usage: csv.sh PROGRAM
source "$(dirname "$0")/common.sh"
fixtures=$here/../fixtures/pytorch
# answers STATUS PART ARGUMENTS… : standard output holds PART; standard error is kept in err
answers() {
    local wanted=$1 part=$2 status
    shift 2
    timeout 60 "$program" "$@" >out 2>err </dev/null
    status=$?
    [ $status = "$wanted" ] || fail "exit $status instead of $wanted: chimera $*: $(head -3 err)"
    grep -qF -- "$part" out || fail "no '$part' from: chimera $*: $(head -3 out)"
}
# refuse PART FILE : verify and simulate end with 2, one line that holds PART, nothing else
refuse() {
    local status command
    for command in verify simulate; do
        timeout 60 "$program" $command "$2" >out 2>err </dev/null
        status=$?
        [ $status = 2 ] || fail "exit $status instead of 2: $command $2 ($1)"
        [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "not one line: $command $2 ($1)"
        grep -qF -- "$1" err || fail "no '$1' in: $(head -c 300 err)"
    done
}

# Every family with one pipeline: what is written is proven, played alike, and lowered with the same transfers.
for options in 'gpipe --stages 3 --micro-batches 5' 'one_f_one_b --stages 4 --micro-batches 7 --recompute full' \
    'interleaved --stages 8 --micro-batches 8' 'breadth_first --stages 8 --micro-batches 4' 'zb_h1 --stages 4 --micro-batches 8' \
    'zb_h2 --stages 4 --micro-batches 8' 'zb_v --stages 8 --micro-batches 8' 'v_half --stages 8 --micro-batches 8' \
    'v_min --stages 8 --micro-batches 8' 'dualpipe_v --stages 8 --micro-batches 10' 'wave --stages 8 --micro-batches 6'; do
    # shellcheck disable=SC2086
    "$program" schedule $options --format csv -o order.csv || fail "schedule $options --format csv"
    answers 0 'ok: custom' verify order.csv
    [ ! -s err ] || fail "standard error: $(cat err)"
    answers 0 '"bubble_ratio"' simulate order.csv --format json
    grep -v per_second out >from_csv
    # shellcheck disable=SC2086
    answers 0 '"bubble_ratio"' simulate $options --format json
    diff <(grep -v per_second out) from_csv || fail "a CSV and its family differ: $options"
    # shellcheck disable=SC2086
    "$program" program $options --format csv -o lowered.csv || fail "program $options --format csv"
    grep -q SEND_F lowered.csv || fail "no transfers: $options"
    answers 0 'ok: custom' verify lowered.csv
    grep -q 'note: lowered.csv: transfers fit' err || fail "no note on transfers: $(cat err)"
done

# PyTorch's own files.
for file in "$fixtures"/*.csv; do
    answers 0 'ok: custom' verify "$file"
    answers 0 'makespan' simulate "$file"
    answers 0 '<svg ' simulate "$file" --format svg
done
cp "$fixtures/zb_v.csv" without_a_name && answers 0 'ok: custom' verify without_a_name

# Faults of the order end with 1, of the file with 2.
"$program" schedule zb_h1 --stages 4 --micro-batches 8 --format csv -o good.csv
sed 's/2W3,2F7/2F7,2W3/; s/0I5/0F9/' good.csv >lost.csv
answers 1 'once: ' verify lost.csv
printf '0F0,0B0\n1B0,1F0\n' >waits.csv
answers 1 'ordered: ' verify waits.csv
"$program" program zb_h1 --stages 4 --micro-batches 8 --format csv -o lowered.csv
sed 's/1RECV_F3,//' lowered.csv >unreceived.csv
answers 1 '0SEND_F3 is received by nobody' verify unreceived.csv
while IFS='|' read -r part text; do
    printf "$text" >bad.csv
    refuse "bad.csv: $part" bad.csv
done <<'EOF'
row 1, column 2: '1X3' is no cell (its pass is unknown)|0F0,1X3
row 2, column 1: '1f0' is no cell|0F0,0B0\n1f0
row 1, column 1: 'stage' is no cell|stage,worker\n0F0,0B0
row 1, column 3: 0F0 is there twice (first in row 1, column 1)|0F0,0B0,0F0
row 2, column 1: 0B0 is in another row than 0F0 of row 1, column 1|0F0\n0B0
stage 1 is in no row|0F0,0B0\n2F0,2B0
row 1, column 2: 0B77777777 has too large a micro-batch|0F0,0B77777777
row 1, column 1: '99999F0' is no cell (its stage is above 65535)|99999F0
row 1, column 2: '0F' is no cell (it names no micro-batch)|0F0,0F
row 1, column 1: '(0F0;0B0' is no cell (it is no compound)|(0F0;0B0
the file computes nothing|,,,\n
EOF
: >empty.csv && refuse 'computes nothing' empty.csv
printf '0F0,0\0B0' >zero.csv && refuse 'zero.csv holds a NUL byte' zero.csv
head -c 1000 /dev/urandom >noise.csv && refuse 'noise.csv' noise.csv
{ printf '0F0'; head -c 1000000 /dev/zero | tr '\0' ','; printf '0B0'; } >sparse.csv && refuse '1000001 columns' sparse.csv
{ for _ in $(seq 1000); do printf '0F0,%.0s' $(seq 1000); done; } >same.csv && refuse 'row 1, column 2: 0F0 is there twice' same.csv
{ seq -f '%.0f' -s ' ' 0 499999 | tr ' ' '\n' | awk '{printf "0F%s,0B%s,", $1, $1}'; } >million.csv
answers 0 '1000000 slots' verify million.csv
printf '\xef\xbb\xbf"0F0",0F1 ,,0B0,0B1,,\r\n,1F0,1F1\t,1B0,1B1\r\n\r\n' >forms.csv
answers 0 'ok: custom, 2 stages on 2 workers, 2 micro-batches' verify forms.csv

echo "$failures failures"
[ $failures = 0 ]
