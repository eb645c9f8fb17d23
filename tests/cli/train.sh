#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chimera train: bad input, signals, resume, a full disk. Usage: train.sh PROGRAM
source "$(dirname "$0")/common.sh"
cases=0

fail() {
    echo "FAILED: $1: chimera ${*:2}"
    failures=$((failures + 1))
}
# refuse PART ARGUMENTS…: exit 2, one line on standard error that holds PART, nothing written
refuse() {
    local part=$1 before status
    shift
    cases=$((cases + 1))
    before=$(find . -type f ! -name '.*' -exec cksum {} + | sort -k3)
    timeout 60 "$program" train "$@" >.out 2>.err </dev/null
    status=$?
    if [ $status != 2 ]; then fail "exit $status instead of 2" "$@"; fi
    if [ "$(wc -l <.err)" != 1 ]; then fail "$(wc -l <.err) lines on standard error" "$@"; fi
    if [ -s .out ]; then fail "wrote to standard output" "$@"; fi
    if ! grep -qF -- "$part" .err; then fail "no '$part' in: $(cat .err)" "$@"; fi
    if [ "$before" != "$(find . -type f ! -name '.*' -exec cksum {} + | sort -k3)" ]; then fail "a file was written" "$@"; fi
}

for ((i = 0; i < 400; i++)); do echo "line $i of a text that is $((i * i % 97)) long"; done >text.txt
model='{"layers":4,"heads":2,"channels":16,"context":16}'
echo "{\"data\":\"text.txt\",\"model\":$model,\"batch\":{\"sequences\":2},\"optimiser\":{\"steps\":400}}" >small.json
echo "{\"data\":\"text.txt\",\"model\":$model,\"batch\":{\"sequences\":2},\"optimiser\":{\"steps\":8}}" >short.json
small=(small.json --quiet)
short=(short.json --quiet)

# The command line and the job file.
refuse 'no data' --steps 5
refuse 'has no end' --data text.txt
refuse 'missing cannot be found' "${short[@]}" --data missing
refuse 'unknown model' --data text.txt --steps 5 --model huge
refuse 'At Most 1' "${short[@]}" --steps 3 --steps 4
refuse 'family' "${short[@]}" --family chimaera
refuse 'stages' "${short[@]}" --stages 3
refuse 'pipelines' "${short[@]}" --pipelines 6
refuse 'scale' "${short[@]}" --scale sideways
refuse 'unknown sync' "${short[@]}" --sync never
refuse 'stages (the model has 4 layers)' "${short[@]}" --stages 8
refuse 'cannot make the output folder' "${short[@]}" --output /proc/none/out
refuse 'cannot make the output folder' "${short[@]}" --output text.txt
refuse 'cannot make the output folder' "${short[@]}" --output text.txt/out
refuse 'No such file' "${short[@]}" --resume --output nothing
"$program" schedule zb_h1 --stages 4 --micro-batches 4 --format csv -o order.csv || fail 'order.csv'
refuse 'schedule: family does not apply' "${short[@]}" --schedule order.csv --family gpipe
refuse 'cannot read missing.csv' "${short[@]}" --schedule missing.csv
sed 's/0F1/0F9/' order.csv >lost.csv
refuse 'lost.csv: once' "${short[@]}" --schedule lost.csv
"$program" schedule one_f_one_b --stages 8 --micro-batches 4 --format csv -o deep.csv
refuse '8 stages (the model has 4 layers)' "${short[@]}" --schedule deep.csv
refuse 'blocks is "2,x"' "${short[@]}" --blocks 2,x
refuse 'blocks add up to 3' "${short[@]}" --blocks 1,1,1,0
refuse 'blocks has 2 numbers' "${short[@]}" --blocks 2,2
"$program" program zb_h1 --stages 4 --micro-batches 4 --format json -o lowered.json
refuse 'is a program' "${short[@]}" --schedule lowered.json
refuse 'unknown precision fp16' "${short[@]}" --precision fp16
for device in auto cpu; do  # a processor without avx512_bf16, also where there is one with it
    ONEDNN_MAX_CPU_ISA=AVX2 CUDA_VISIBLE_DEVICES= refuse 'does not compute in bf16' "${short[@]}" --precision bf16 --device $device
done
for number in 0 -1 1e99 99999999999999999999 x '' nan 1.5; do
    for option in --layers --heads --channels --context --stages --micro-batches --width --sequences --tokens --steps; do
        refuse 'give a ' "${short[@]}" "$option" "$number"
    done
done
for number in -1 1e99 x '' nan inf; do
    for option in --learning-rate --seconds --clip --weight-decay --watchdog; do
        refuse 'give a ' "${short[@]}" "$option" "$number"
    done
done
: >empty.json
echo '{"data":"text.txt","optimiser":{"steps":5},"sede":1}' >unknown.json
echo '{"data":"text.txt","optimiser":{"steps":5},"seed":"one"}' >type.json
echo '[1]' >list.json
refuse 'not valid JSON' empty.json
refuse 'key "sede" is unknown' unknown.json
refuse 'seed is "one"' type.json
refuse 'is not an object' list.json
refuse 'No such file' none.json
refuse 'not a regular file' .

# Token files.
head -c 1024 /dev/zero >magic.bin
: >empty.bin
refuse 'is empty' "${short[@]}" --data empty.bin
refuse 'magic 0' "${short[@]}" --data magic.bin
refuse 'do not mix' "${short[@]}" --data magic.bin text.txt

# Two runs give the same bits; a stopped and resumed one as well.
"$program" train "${short[@]}" --output whole >whole.txt || fail "exit $?" whole
grep -q 'validation loss' whole.txt || fail 'no table' whole
"$program" train "${short[@]}" --output again >/dev/null || fail "exit $?" again
cmp -s whole/checkpoint.safetensors again/checkpoint.safetensors || fail 'other bits' again
refuse 'holds a checkpoint' "${short[@]}" --output whole
refuse 'of another model' "${short[@]}" --output whole --resume --channels 32
refuse 'of another job' "${short[@]}" --output whole --resume --seed 5
cp -r whole asked
"$program" train whole/job.json --quiet --output asked --resume >/dev/null || fail "exit $?" job.json --resume
for signal in INT TERM; do
    "$program" train "${small[@]}" --output "long$signal" >/dev/null || fail "exit $?" long
    "$program" train "${small[@]}" --output "cut$signal" >cut.txt &
    pid=$!
    for ((i = 0; i < 600; i++)); do
        [ "$(cat "cut$signal/log.jsonl" 2>/dev/null | wc -l)" -ge 20 ] && break
        sleep 0.05
    done
    kill -$signal $pid
    wait $pid || fail "exit $? after SIG$signal" "cut$signal"
    [ "$(wc -l <"cut$signal/log.jsonl")" -lt 400 ] || echo "note: the run ended before SIG$signal"
    "$program" train "${small[@]}" --output "cut$signal" --resume >cut.txt || fail "exit $?" resume
    cmp -s "long$signal/checkpoint.safetensors" "cut$signal/checkpoint.safetensors" || fail 'other bits after resume' "$signal"
    [ "$(wc -l <"cut$signal/log.jsonl")" = 400 ] || fail 'log has other than one line a step' "$signal"
    grep -q 'validation loss' cut.txt || fail 'no table after resume' "$signal"
done

# A token file that is cut short while it is read: the run failed, in one line.
{
    printf '\x88\xd8\x34\x01\x01\x00\x00\x00\x60\xea\x00\x00'
    head -c $((1012 + 2 * 60000)) /dev/zero
} >cut.bin
"$program" train "${small[@]}" --data cut.bin --steps 20000 --output lost >.out 2>.err &
pid=$!
for ((i = 0; i < 600; i++)); do
    [ "$(cat lost/log.jsonl 2>/dev/null | wc -l)" -ge 20 ] && break
    sleep 0.05
done
truncate -s 2000 cut.bin
wait $pid
status=$?
[ $status = 3 ] || fail "exit $status instead of 3" cut.bin
[ "$(wc -l <.err)" = 1 ] || fail 'more than one line' cut.bin
grep -q 'cut.bin (it ended early)' .err || fail "no reason in: $(cat .err)" cut.bin

# Asynchronous families: updates within the iteration.
for family in pipedream pipedream_2bw; do
    "$program" train "${short[@]}" --family $family --micro-batches 9 --output $family >.out || fail "exit $?" $family
    grep -q "versions of a stage's weights" .out || fail 'no updates in the table' $family
done

# An order from a file trains to the same weights as the family that it spells, and resumes from wherever it lies.
weights() { grep -o '"loss":[^,]*' "$1/log.jsonl"; }
"$program" train "${short[@]}" --family zb_h1 --stages 4 --micro-batches 4 --output by_family >.out || fail "exit $?" zb_h1
"$program" train "${short[@]}" --schedule order.csv --output by_file >.out || fail "exit $?" order.csv
[ -n "$(weights by_file)" ] && [ "$(weights by_family)" = "$(weights by_file)" ] || fail 'other losses' order.csv
mv order.csv moved.csv
refuse 'holds a checkpoint' "${short[@]}" --schedule moved.csv --output by_file
"$program" train "${short[@]}" --schedule moved.csv --output by_file --resume >.out || fail "exit $?" moved.csv
refuse 'of another job' "${short[@]}" --family zb_h1 --stages 4 --micro-batches 4 --output by_file --resume
"$program" program dualpipe_v --stages 4 --micro-batches 4 --format csv -o pairs.csv
"$program" train "${short[@]}" --schedule pairs.csv --output pairs >.out 2>.err || fail "exit $?: $(cat .err)" pairs.csv

# A cut of one's own, in the job that the run leaves behind as well.
"$program" train "${short[@]}" --blocks 3,0,0,1 --output cut >.out || fail "exit $?" blocks
grep -q '"blocks"' cut/job.json || fail 'no blocks in the job' cut
[ "$(weights cut)" = "$(weights whole)" ] || fail 'other losses' cut

mkdir mine
cp short.json mine/job.json

# A flipped bit, and a disk that is full: the earlier checkpoint stays.
cp -r whole flipped
printf '\x41' | dd of=flipped/checkpoint.safetensors bs=1 seek=5000 conv=notrunc status=none
refuse 'checksum is wrong' "${short[@]}" --output flipped --resume
(
    export LLVM_PROFILE_FILE=/dev/null  # a build that counts lines would write them to a file, too
    ulimit -f 8
    "$program" train "${short[@]}" --output full >.out 2>.err
) && fail 'exit 0' full
grep -q 'File too large' .err || fail "no reason in: $(cat .err)" full
[ "$(wc -l <.err)" = 1 ] || fail 'more than one line' full
[ -e full/checkpoint.safetensors ] && fail 'half a checkpoint' full
find full -name '*.partial' | grep . && fail 'a partial file is left' full

# A run that diverged goes on as its line says, from the file's settings and from options alike; so does its own job.
diverging=("${small[@]}" --steps 40 --checkpoint-interval 1 --clip 0)
"$program" train "${diverging[@]}" --learning-rate 100 --output burst >.out 2>.err
[ $? = 3 ] && [ "$(wc -l <.err)" = 1 ] || fail "exit $?: $(cat .err)" burst
rate=100
for ((i = 0; i < 12; i++)); do
    how=$(grep -oE -- '(--resume |--overwrite )?--learning-rate .*' .err) || break
    rate=${how##* }
    # shellcheck disable=SC2086
    "$program" train "${diverging[@]}" --output burst $how >.out 2>.err && break
done
[ -s .out ] && [ ! -s .err ] || fail "the advice leads nowhere: $(cat .err)" burst
[ "$rate" != 100 ] || fail 'no advice was given' burst
"$program" train --quiet --resume --output whole --steps 12 --learning-rate 0.001 >.out 2>.err || fail "exit $?: $(cat .err)" whole
grep -q '^steps  *12 of 12' .out || fail 'not twelve steps' whole
"$program" train "${short[@]}" --quiet --resume --output whole --steps 12 --learning-rate 0.001 >.out || fail "exit $?" whole
grep -q 'nothing was left to do' .out && grep -q 'last (nats per byte; logged)' .out || fail "no log in: $(cat .out)" whole
refuse 'is of step 12 (the job has 8 steps)' "${short[@]}" --resume --output whole

# Standard error that is closed is no log; a pipe or a link of a run's name is neither waited for nor followed.
"$program" train small.json --steps 8 --output closed >.out 2>&- || fail "exit $?" closed
[ "$(grep -c '^{"step":' closed/log.jsonl)" = "$(wc -l <closed/log.jsonl)" ] || fail 'words in the log' closed
"$program" train small.json --steps 8 --output closed --overwrite 0<&- 2>&- >.out || fail "exit $?" 'all closed'
[ "$(grep -c '^{"step":' closed/log.jsonl)" = 8 ] || fail 'words in the log' 'all closed'
mkdir pipe linked
mkfifo pipe/log.jsonl
ln -s ../text.txt linked/checkpoint.safetensors
before=$(cksum <text.txt)
refuse 'pipe/log.jsonl is no regular file' "${short[@]}" --output pipe
refuse 'linked/checkpoint.safetensors is a link' "${short[@]}" --output linked --overwrite
refuse 'holds job.json (that no run wrote' "${short[@]}" --output mine
[ "$(cksum <text.txt)" = "$before" ] || fail 'a link was followed' linked

# Data beside what runs write and the program prints; nothing is left out without a word.
mkdir -p mixed/out mixed/buildings
cp text.txt mixed/out
sed s/line/word/ text.txt >mixed/buildings/words
gzip -c text.txt >mixed/text.gz
ln -s .. mixed/out/up
"$program" train small.json --steps 8 --data mixed --output mixed >.out 2>.err || fail "exit $?" mixed
grep -q '^data left out: 1 met before (mixed/out/up), 1 compressed (mixed/text.gz)$' .err || fail "left out: $(cat .err)" mixed
"$program" train small.json --steps 8 --data mixed --output mixed --resume >mixed/said 2>/dev/null || fail "exit $?" 'mixed resumed'
"$program" train small.json --steps 8 --data mixed --output mixed/runs/b >.out 2>.err || fail "exit $?" mixed/runs/b
"$program" train small.json --steps 8 --data mixed --output mixed/runs/b --resume --quiet >.out || fail "exit $?" 'b resumed'
grep -q '^left out .* of a run (' .out || fail 'nothing left out' mixed/runs/b
refuse 'is the output of a run' "${short[@]}" --data mixed/log.jsonl --output other

echo "$cases cases, $failures failures"
[ $failures = 0 ]
