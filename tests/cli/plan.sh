#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chimera plan: rankings, answers that are jobs, new plans from old ones, bad input. Usage: plan.sh PROGRAM
source "$(dirname "$0")/common.sh"

# refuse PART ARGUMENTS…: exit 2, one line on standard error that holds PART, nothing on standard output
refuse() {
    local part=$1 status
    shift
    timeout 120 "$program" plan "$@" >.out 2>.err </dev/null
    status=$?
    [ $status = 2 ] || fail "exit $status instead of 2: plan $*"
    [ "$(wc -l <.err)" = 1 ] || fail "$(wc -l <.err) lines on standard error: plan $*"
    [ -s .out ] && fail "wrote to standard output: plan $*"
    grep -qF -- "$part" .err || fail "no '$part' in: $(cat .err)"
}
good() {
    timeout 120 "$program" plan "$@" >.out 2>.err </dev/null || fail "exit $?: plan $*: $(cat .err)"
}

echo '{"format":"chimera.hardware","version":1,"flops":5e12,"between":{"latency":1e-5,"bandwidth":5e9}}' >nodes.json
base=(--model bert-48 --samples 512 --nodes 32 --memory 16GiB --hardware nodes.json)

good "${base[@]}"
grep -q 'runner-up of another family' .out || fail 'no runner-up'
grep -q 'Eq. 1' .out || fail 'no closed form'
grep -q 'pipedream: .*stale' .out || fail 'stale weights are not named'
good "${base[@]}" --families one_f_one_b,pipedream_2bw --top 3
[ "$(grep -c '^one_f_one_b\|^pipedream_2bw' .out)" = 3 ] || fail 'not three places of the two families'
good "${base[@]}" --format json -o answer.json
grep -q '"ranking"' answer.json || fail 'no ranking in the answer'

# A job without its format, as chimera train takes it, is a job here too: then what lacks is its profile.
echo '{"data":["none.txt"],"optimiser":{"steps":1}}' >bare.json
"$program" plan bare.json --workers 2 >.out 2>.err </dev/null
grep -q 'is no request' .err && fail "a bare job is no request: $(cat .err)"

# From the answer on: a worker is slower, gone, another one comes.
good answer.json --format json -o same.json
# Fewer orders need simulating then.
diff <(grep -v '"simulated"' answer.json) <(grep -v '"simulated"' same.json) >/dev/null || fail 'the same request has another answer'
good answer.json --gone 3
grep -q ' 31 workers' .out || fail 'not 31 workers'
good answer.json --gone 3 --gone 4 --added 1 --speed 7=0.5 --format json -o changed.json
good changed.json
grep -q ' 31 workers' .out || fail 'the change was forgotten'

# Bad input.
refuse 'hardware is missing' --model bert-48 --samples 512 --nodes 32
refuse 'does not fit' --model gpt3-175b --samples 512 --nodes 4 --memory 16GiB --hardware nodes.json
grep -q 'GiB more' .err || fail 'no smallest change'
refuse 'model' --samples 512 --nodes 32 --hardware nodes.json
refuse 'samples' --model bert-48 --nodes 32 --hardware nodes.json
refuse 'unknown model' answer.json --model none
for number in 0 -1 x nan 1e99 ''; do
    refuse 'samples is' answer.json --samples "$number"
    refuse 'nodes is' answer.json --nodes "$number"
    refuse 'memory is' answer.json --memory "$number"
done
refuse 'top is' "${base[@]}" --top 0
refuse 'zero is 4' "${base[@]}" --zero 4
refuse 'tensor is 0' "${base[@]}" --tensor 0
refuse 'no such one' "${base[@]}" --families gpipe,none
refuse 'no such one' "${base[@]}" --recompute some
refuse '--gone is' answer.json --gone 32
refuse '--speed is' answer.json --speed 3
refuse '--speed is' answer.json --speed 3=0
refuse '--speed is' answer.json --speed 3=nan
for broken in '{"flops":0}' '{"flops":-1}' '{"flops":1e999}' '{"flops":"fast"}' '{}' '[]' '{"flops":1e12,"speed":1}' \
    '{"flops":1e12,"between":{"bandwidth":0}}' '{"flops":1e12,"between":{"latency":-1}}' '{"flops":1e12,"between":3}' 'flops'; do
    echo "$broken" >broken.json
    refuse 'broken.json' --model bert-48 --samples 512 --nodes 32 --hardware broken.json
done
for broken in '' '[]' '{}' '{"format":"chimera.plan"}' '{"format":"chimera.costs"}' '{"format":"chimera.plan","cluster":[]}' \
    '{"format":"chimera.plan","model":"bert-48","samples":8,"cluster":{"node":3,"hardware":"nodes.json"}}' \
    '{"format":"chimera.plan","model":"bert-48","samples":8,"cluster":{"speeds":[1,0],"hardware":"nodes.json"}}' \
    '{"format":"chimera.plan","model":{"layers":[]},"samples":8,"cluster":{"hardware":"nodes.json"}}' \
    '{"format":"chimera.plan","model":"bert-48","samples":8,"colour":1,"cluster":{"hardware":"nodes.json"}}' \
    '{"plan":{"request":1,"ranking":2}}' '{"plan":{"request":{},"ranking":[{"configuration":{}}]}}'; do
    echo "$broken" >broken.json
    refuse '' broken.json
done
refuse 'No such file' none.json
refuse 'No such file' "${base[@]}" --profile none.json

echo "$failures failures"
[ $failures = 0 ]
