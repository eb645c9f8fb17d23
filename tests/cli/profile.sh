#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chimera profile: bad input, what it writes, and that the rest of the program reads it. Usage: profile.sh PROGRAM
source "$(dirname "$0")/common.sh"

# refuse PART ARGUMENTS…: exit 2, one line on standard error that holds PART, nothing written, at once
refuse() {
    local part=$1 status
    shift
    timeout 20 "$program" profile "$@" >.out 2>.err </dev/null
    status=$?
    [ $status = 2 ] || fail "exit $status instead of 2: profile $*"
    [ "$(wc -l <.err)" = 1 ] || fail "$(wc -l <.err) lines on standard error: profile $*"
    [ -s .out ] && fail "wrote to standard output: profile $*"
    grep -qF -- "$part" .err || fail "no '$part' in: $(cat .err)"
    [ -z "$(find . -type f ! -name '.*' ! -name '*.json' ; ls new* 2>/dev/null)" ] || fail "a file was written: profile $*"
}

echo '{"model":{"layers":4,"heads":3,"channels":16}}' >heads.json
echo '{"model":{"layers":6,"heads":2,"channels":16,"context":16,"vocabulary":64},"batch":{"sequences":2}}' >small.json
echo '{"colour":{}}' >unknown.json
: >empty.json
refuse 'unknown model' --model big
refuse 'No such file' --model none.json
refuse 'not valid JSON' --model empty.json
refuse 'is unknown (misspelt?)' --model unknown.json
refuse 'heads do not divide' --model heads.json
for number in 0 -1 x '' 1.5 99999999999999999999 nan 2,,4; do
    refuse '--sequences is' --sequences "$number" -o new.json
    refuse '--workers is' --workers "$number"
done
refuse '--workers is' --workers 1
refuse '--sequences has 17 numbers' --sequences 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17
refuse '--tokens is' --tokens 0
refuse "65 tokens (the model's context is 64)" --tokens 65
for number in 0 -1 nan inf x ''; do refuse '--seconds is' --seconds "$number"; done
refuse '--cores is' --cores 0
for number in 0 -1 x 257; do refuse '--threads is' --threads "$number"; done
refuse "--precision is 'fp16'" --precision fp16
refuse 'there is no --costs' --stages 4
refuse "needs the model's cut" --costs new.json
refuse 'blocks add up to 3' --costs new.json --blocks 2,1
refuse 'blocks has 2 numbers' --costs new.json --blocks 2,2 --stages 3
refuse 'blocks has a number below 0' --costs new.json --blocks 5,-1
refuse 'not valid JSON' --costs new.json --blocks 2,x
refuse 'measurement needs' --model gpt2 --sequences 64
refuse 'No such file' -o nowhere/new.json
refuse 'it is a folder' -o .
refuse 'it has no name' -o ''
refuse 'it is a folder' --costs . --stages 2
refuse 'cannot be read so' --sequences 2 --sequences 4

"$program" profile --model small.json --sequences 1,2 --workers 2,4 --seconds 1 --quiet -o made.json --costs costs.json \
    --blocks 2,0,3,1 --micro-batches 3 >.out 2>.err || fail "exit $?: $(cat .err)"
[ -s .err ] && fail "--quiet wrote: $(cat .err)"
grep -q 'input gradient' .out || fail 'no table'
grep -q '"format": "chimera.profile"' made.json || fail 'no profile'
[ "$(grep -c '"sequences"' made.json)" = 2 ] || fail 'not two micro-batches'
"$program" simulate one_f_one_b --stages 4 --micro-batches 3 --costs costs.json --cores 2 >.out 2>.err || fail "$(cat .err)"
"$program" simulate one_f_one_b --stages 3 --micro-batches 3 --costs costs.json >.out 2>.err && fail 'costs are not of four stages'

# Threads and precision are the job's, or the options'; a plan by a profile of others would be of another machine.
head -c 20000 /dev/zero | tr '\0' 'x' >data.txt
job() {
    printf '{"data":["data.txt"],"model":{"layers":6,"heads":2,"channels":16,"context":16,"vocabulary":256},"optimiser":{"steps":2},%s}' "$1"
}
job '"threads":2,"batch":{"sequences":2}' >threads.json
job '"threads":1,"batch":{"sequences":2}' >thread.json
"$program" profile --model threads.json --workers 2 --seconds 0.2 --quiet -o two.json >.out 2>.err || fail "exit $?: $(cat .err)"
grep -q 'workers of 2 threads' .out || fail "no threads in: $(cat .out)"
grep -q '"threads": 2' two.json || fail 'not of two threads'
"$program" plan threads.json --workers 2 --profile two.json --format json -o planned.json >.out 2>.err || fail "exit $?: $(cat .err)"
grep -q '"threads": 2' planned.json || fail 'the plan has lost the threads'
"$program" train planned.json --quiet --output trained >.out 2>.err || fail "the plan does not run: $(cat .err)"
"$program" plan thread.json --workers 2 --profile two.json >.out 2>.err && fail 'planned by a profile of other threads'
grep -qF 'of fp32 with 2 threads a worker (the job wants fp32 with 1 thread a worker)' .err || fail "$(cat .err)"
"$program" profile --model threads.json --threads 1 --workers 2 --seconds 0.2 --quiet -o one.json >.out 2>.err || fail "exit $?: $(cat .err)"
"$program" plan thread.json --workers 2 --profile one.json >.out 2>.err || fail "the option did not win: $(cat .err)"
find . -name '*.partial' | grep . && fail 'a partial file is left'

echo "$failures failures"
[ $failures = 0 ]
