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
# Bounds rule out more then, so that less is simulated. All else is the same.
python3 - <<'END' || fail 'the same request has another answer'
import json, sys
first, again = json.load(open('answer.json')), json.load(open('same.json'))
if again['plan']['simulated'] > first['plan']['simulated']: sys.exit('more is simulated')
for one in first, again:
    del one['plan']['simulated']
    one['plan']['classes'] = [[c['class'], c['considered'], c['refused']] for c in one['plan']['classes']]
sys.exit(first != again)
END
good answer.json --gone 3
grep -q ' 31 workers' .out || fail 'not 31 workers'
good answer.json --gone 3 --gone 4 --added 1 --speed 7=0.5 --format json -o changed.json
good changed.json
grep -q ' 31 workers' .out || fail 'the change was forgotten'

# What a device needs itself is kept free: 5 % unless told otherwise; an answer's request says it again.
grep -q ' 32 workers of 15.2 GiB, 0.8 in reserve;' .out && fail 'the changed cluster has 31 workers'
good "${base[@]}" --families gpipe --top 1
grep -q ' 32 workers of 15.2 GiB, 0.8 in reserve;' .out || fail "no reserve: $(head -1 .out)"
good "${base[@]}" --families gpipe --top 1 --reserve 0
grep -q ' 32 workers of 16 GiB;' .out || fail "a reserve: $(head -1 .out)"
good "${base[@]}" --families gpipe --top 1 --reserve 2GiB --format json -o kept.json
good kept.json --gone 1
grep -q ' 31 workers of 14 GiB, 2 in reserve;' .out || fail "the reserve was lost: $(head -1 .out)"
for reserve in -1 100% 101% x% 5%% '' 16GiB 1e99; do
    refuse 'reserve is' "${base[@]}" --reserve "$reserve"
done
refuse 'reserve is' --model bert-48 --samples 512 --nodes 32 --hardware nodes.json --reserve 1GiB

# Slices are priced by the links that they span, and divide the heads.
links() { # links NODES WORKERS BETWEEN: seconds of an iteration with 8 slices
    echo "{\"flops\":2.5e14,\"inside\":{\"bandwidth\":2.5e11},\"between\":{\"bandwidth\":$3}}" >links.json
    good --model llama-2-70b --samples 8 --nodes "$1" --workers-per-node "$2" --hardware links.json --tensor 8 \
        --families data_parallel --zero 0 --recompute none --sync lazy --micro-batch-most 1 --top 1
    awk '$1 == "data_parallel" { print $2; exit }' .out
}
python3 - "$(links 1 8 5e10)" "$(links 8 1 5e10)" "$(links 8 1 1e8)" <<'END' || fail 'exchanges of slices are not those of their links'
import sys
one, eight, slow = map(float, sys.argv[1:])
exchanged = 8 * 2 * (2 * 7 / 8) * 1.0804527104e10  # samples, forward and backward, ring, bytes of LLaMA-2 70B
for found, per_second in ((eight, 5e10), (slow, 1e8)):
    wanted = one + exchanged * (1 / per_second - 1 / 2.5e11)
    assert abs(found / wanted - 1) < 0.01, (found, wanted)
assert one < eight < slow / 50, (one, eight, slow)
END
links 1 8 5e10 >/dev/null
seventy=(--model llama-2-70b --samples 64 --nodes 1 --workers-per-node 8)
refuse 'tensor width 5 does not divide the 64 heads of block.0 (each slice computes whole heads) give one of 1, 2, 4, 8' \
    "${seventy[@]}" --hardware links.json --tensor 1,5
refuse 'tensor width 16 does not divide the 8 key-value heads' "${seventy[@]}" --hardware links.json --tensor 16
echo '{"flops":2.5e14,"between":{"bandwidth":5e10}}' >bare_node.json
refuse 'hardware has no inside.bandwidth (the workers of a node exchange over it)' "${seventy[@]}" --hardware bare_node.json --tensor 8
echo '{"flops":2.5e14,"inside":{"bandwidth":5e10}}' >bare_net.json
refuse 'hardware has no between.bandwidth (nodes exchange over it)' --model bert-48 --samples 512 --nodes 2 --hardware bare_net.json

# Hardware by its name, in capitals or not; a near miss is named.
good --model bert-48 --samples 512 --nodes 32 --memory 16GiB --hardware P100 --families gpipe --top 1
refuse "unknown hardware 'P1000' (neither a name nor a file) use P100, or another name that chimera hardware lists" \
    --model bert-48 --samples 8 --hardware P1000
refuse 'use DGX-H100, or another' --model bert-48 --samples 8 --hardware dgxh100
refuse 'use P100, V100, A100, V100-16' --model bert-48 --samples 8 --hardware abacus

# A name may know a worker's memory and the workers of a node; those that are given win. Asked again, it says the same.
seven=(--model llama-2-7b --samples 64 --families one_f_one_b,interleaved --top 1)
good "${seven[@]}" --nodes 2 --hardware dgx-h100
grep -q ' 16 workers of 75.15 GiB, 3.96 in reserve;' .out || fail "not the memory and workers of DGX-H100: $(head -1 .out)"
grep -qx 'Taken from DGX-H100: 79.11 GiB of memory a worker, 8 workers a node.' .out || fail 'what was taken is not said'
good "${seven[@]}" --nodes 2 --hardware DGX-H100 --workers-per-node 4 --memory 40GiB
grep -q ' 8 workers of 38 GiB, 2 in reserve;' .out || fail "what is given does not win: $(head -1 .out)"
grep -q 'Taken from' .out && fail 'nothing was taken'
good "${seven[@]}" --nodes 2 --hardware H100
grep -q ' 2 workers of 75.15 GiB' .out || fail "a device knows no workers of a node: $(head -1 .out)"
grep -qx 'Taken from H100: 79.11 GiB of memory a worker.' .out || fail 'the memory that was taken is not said'
good "${seven[@]}" --nodes 2 --hardware DGX-H100 --format json -o named.json
grep -q '"of_hardware"' named.json || fail 'the answer does not say what was taken'
grep -q '"memory":\|"workers_per_node":' <(python3 -c 'import json; print(json.dumps(json.load(open("named.json"))["plan"]["request"]))') &&
    fail 'the request says more than was asked'
good named.json
grep -q ' 16 workers of 75.15 GiB, 3.96 in reserve;' .out || fail "asked again: $(head -1 .out)"
good named.json --gone 3
grep -q ' 15 workers of 75.15 GiB, 3.96 in reserve;' .out || fail "without a worker: $(head -1 .out)"
good named.json --hardware DGX-H200
grep -q ' 16 workers of 132.81 GiB, 6.99 in reserve;' .out || fail "on other hardware: $(head -1 .out)"
good --model llama-2-70b --samples 64 --nodes 8 --hardware DGX-H100 --family interleaved --stages 16 --chunks 2 --tensor 8 \
    --zero 1 --format json -o named_price.json
grep -q '"of_hardware"' named_price.json || fail 'a price does not say what was taken'
good named_price.json --format json -o again.json
cmp -s named_price.json again.json || fail 'a price by name asked again is another one'

# The same as a file, which people may change: it says as much.
"$program" hardware dgx-h100 --format json -o dgx.json || fail 'no file of a name'
good "${seven[@]}" --nodes 2 --hardware DGX-H100
sed 's/ in [0-9.]* s$//; s/DGX-H100/dgx.json/' .out >by_name
good "${seven[@]}" --nodes 2 --hardware dgx.json
sed 's/ in [0-9.]* s$//' .out | cmp -s - by_name || fail 'a name and its file differ'
python3 - <<'END' || fail 'the file of a name says too little'
import json
file = json.load(open('dgx.json'))
assert file['memory'] == 79.11 * 2**30 and file['workers_per_node'] == 8 and file['peak'] == 989e12, file
assert {'flops', 'memory', 'inside.bandwidth', 'node_bandwidth'} <= file['sources'].keys(), file['sources']
assert all('https://' in file['sources'][k] for k in ('flops', 'peak', 'inside.bandwidth')), file['sources']
END
for broken in '{"flops":1e12,"memory":0}' '{"flops":1e12,"memory":"16GiB"}' '{"flops":1e12,"workers_per_node":0}' \
    '{"flops":1e12,"workers_per_node":1.5}' '{"flops":1e12,"workers_per_node":2000000}'; do
    echo "$broken" >broken.json
    refuse 'broken.json' --model bert-48 --samples 512 --nodes 32 --hardware broken.json
done

# The list, and what it says of one.
"$program" hardware >.out 2>.err || fail 'no list of hardware'
[ "$(grep -cE '^[A-Z0-9-]+ +.*( +([0-9.]+|-)){7}$' .out)" -ge 18 ] || fail "a short list: $(cat .out)"
python3 -c 'import sys; sys.exit(max(map(len, open(".out", encoding="utf-8").read().split("\n"))) > 100)' || fail 'the list is wider than 100 columns'
for each in $(awk 'NR > 1 && NF > 7 && $1 ~ /^[A-Z][A-Z0-9-]*$/ { print $1 }' .out); do
    "$program" hardware "$each" >.out 2>.err || fail "not in the list's words: $each"
    python3 -c 'import sys; sys.exit(max(map(len, open(".out", encoding="utf-8").read().split("\n"))) > 100)' || fail "$each is wider than 100 columns"
    "$program" hardware "$each" --format json -o each.json && good --model bert-48 --samples 64 --nodes 2 --memory 16GiB \
        --hardware each.json --workers-per-node 1 --families one_f_one_b --top 1
done
"$program" hardware --format json | python3 -c 'import json, sys; assert len(json.load(sys.stdin)["hardware"]) >= 18' || fail 'no list as JSON'
for wrong in H101 '' 'H100 ' "$(printf 'x%.0s' {1..200})"; do
    "$program" hardware "$wrong" >.out 2>.err </dev/null
    status=$?
    { [ $status = 2 ] && [ "$(wc -l <.err)" = 1 ] && [ ! -s .out ]; } || fail "accepted: hardware '$wrong'"
done
"$program" hardware H100 --format csv >.out 2>.err && fail 'hardware has no CSV'

# A configuration as given: its parts are its seconds, its changes and the best are what it says.
seventy=(--model llama-2-70b --samples 63 --nodes 8 --workers-per-node 8 --memory 80GiB --hardware A100)
given=("${seventy[@]}" --tensor 8)
good "${given[@]}" --family interleaved --stages 16 --chunks 2 --zero 1 --micro-batch 3
for part in 'interleaved 2 chunks, 8 workers × 1 copy × 8 tensor slices, 21 micro-batches of 3' 'tokens/s' 'MFU' \
    'passes: exchanges of tensor slices' 'optimiser' 'with one change' 'the best here'; do
    grep -qF "$part" .out || fail "no '$part' in the price: $(cat .out)"
done
python3 -c 'import sys; sys.exit(max(map(len, open(".out", encoding="utf-8").read().split("\n"))) > 100)' || fail "the price is wider than 100 columns"
good "${given[@]}" --family interleaved --stages 16 --chunks 2 --zero 1 --micro-batch 3 --format json -o price.json
python3 - <<'END' || fail 'the price does not add up'
import json
price = json.load(open('price.json'))
assert abs(sum(price['parts_seconds'].values()) / price['seconds'] - 1) < 1e-9, price['parts_seconds']
memory = price['memory_bytes']
assert abs(sum(v for k, v in memory.items() if k != 'all') / memory['all'] - 1) < 1e-9, memory
assert abs(price['samples_per_second'] * price['seconds'] / 63 - 1) < 1e-9
assert price['best']['seconds'] <= min(c['seconds'] for c in price['changes'])
seconds = [c['seconds'] for c in price['changes']]
assert seconds == sorted(seconds)
END
good price.json --format json -o again.json
cmp -s price.json again.json || fail 'a price asked again is another one'
good "${given[@]}" --family one_f_one_b --stages 8 --recompute mixed
good "${given[@]}" --family zb_v --stages 16 --activations 9
refuse '63 samples are no whole micro-batches (1 copy of micro-batches of 2) give 62 or 64 samples' \
    "${given[@]}" --family one_f_one_b --stages 8 --micro-batch 2
refuse 'it takes 128 workers (the cluster has 64)' "${given[@]}" --family one_f_one_b --stages 8 --width 2
refuse 'stages is 83 (the model has 82 layers' "${given[@]}" --family one_f_one_b --stages 83
refuse '--family is missing' "${given[@]}" --stages 8
refuse '--chunks is of one configuration' "${given[@]}" --chunks 2
refuse '--tensor is a list' "${seventy[@]}" --tensor 4,8 --family gpipe --stages 8
refuse 'no such one' "${given[@]}" --family none --stages 8
refuse 'does not divide' "${seventy[@]}" --tensor 5 --family gpipe --stages 8
refuse 'stages' "${given[@]}" --family zb_v --stages 15

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
