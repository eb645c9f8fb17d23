#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Partitions: what the answer says of itself adds up, limits hold, refusals. Usage: partition.sh PROGRAM
source "$(dirname "$0")/common.sh"
refuse() {
    local part=$1 status
    shift
    timeout 60 "$program" partition "$@" >out 2>err </dev/null
    status=$?
    [ $status = 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "exit $status, $(wc -l <err) lines: partition $*"
    grep -qF -- "$part" err || fail "no '$part' in: $(cat err)"
}

# A model whose best cuts are known: 9 layers of 1 … 9 FLOPs.
python3 - <<'PY' >nine.json
import json
layer = lambda i: {"name": f"l{i}", "parameters": 1000, "forward": i, "input_gradient": 0, "weight_gradient": 0,
                   "activations": 100, "selective": 60, "output": 10}
print(json.dumps({"format": "chimera.model", "version": 1, "name": "nine",
                  "precision": {"weight": 4, "gradient": 4, "optimiser": 8, "activation": 4},
                  "layers": [layer(i) for i in range(1, 10)]}))
PY
cat >check.py <<'PY'
import json, sys
a = json.load(open(sys.argv[1]))
want = dict(w.split("=") for w in sys.argv[2:])
cuts, stages, workers = a["cuts"], a["stages"], a["worker"]
assert a["format"] == "chimera.partition" and cuts[0] == 0 and len(cuts) == len(stages) + 1, a
for s, st in enumerate(stages):
    assert st["stage"] == s and st["from"] == cuts[s] <= st["to"] == cuts[s + 1] - 1, st
    assert all(s in workers[w]["stages"] for w in st["workers"]), st
weights = [w["weight"] for w in workers]
assert abs(a["slowest"] - max(weights)) < 1e-9 * max(weights) and abs(a["mean"] - sum(weights) / len(weights)) < 1e-9 * max(weights), a
assert abs(a["balance"] - a["slowest"] / a["mean"]) < 1e-9, a
assert a["bound"] <= a["slowest"] * (1 + 1e-9) if "bound" in a else True, a
if "cuts" in want: assert cuts == [int(c) for c in want["cuts"].split(",")], cuts
if "slowest" in want: assert abs(a["slowest"] - float(want["slowest"])) < 1e-9, a["slowest"]
if "memory" in want: assert all(w["bytes"] <= float(want["memory"]) for w in workers), workers
if "proven" in want: assert a["proven"] == (want["proven"] == "true"), a
if "modes" in want: assert {s["recompute"] for s in stages} <= set(want["modes"].split(",")), stages
if "is" in want: assert [str(w["is"]) for w in workers] == want["is"].split(","), workers
if "parameters" in want: assert sum(s["parameters"] for s in stages) == int(want["parameters"]), stages
PY
# holds WANT… -- OPTIONS…
holds() {
    local want=()
    while [ "$1" != -- ]; do want+=("$1"); shift; done
    shift
    timeout 120 "$program" partition "$@" --format json -o answer.json || { fail "partition $*"; return; }
    python3 check.py answer.json "${want[@]}" || fail "${want[*]}: partition $*"
    timeout 120 "$program" partition "$@" >answer.txt || fail "text of partition $*"
    grep -q 'slowest worker' answer.txt || fail "no balance: partition $*"
}

holds cuts=0,5,7,9 slowest=17 proven=true parameters=9000 -- --model nine.json --stages 3
holds slowest=45 -- --model nine.json --stages 1
holds slowest=9 -- --model nine.json --stages 9
holds cuts=0,2,4,9 slowest=35 -- --model nine.json --stages 3 --cut 0,2,4
holds cuts=0,3,6,9 slowest=24 -- --model nine.json --stages 3 --cut blocks
# Two workers hold stages 0 and 3, two hold 1 and 2, and each pipeline runs half: (1 … 9) / 4 at best, by the pairs 22 and 23.
holds slowest=11.5 proven=true -- --model nine.json --stages 4 --family bidirectional --micro-batches 4
holds slowest=23 proven=true -- --model nine.json --stages 4 --family zb_v --micro-batches 8
# 16 bytes a parameter, so a layer's state is 16,000; workers of speed 2 first, as the cut is made for them.
holds slowest=14 is=0,1,2 -- --model nine.json --stages 3 --speeds 2,1,1
holds slowest=12 is=1,2,0 -- --model nine.json --stages 3 --speeds 2,1,1 --order best
holds memory=64000 proven=false -- --model nine.json --stages 3 --memory 64000
for family in one_f_one_b bidirectional interleaved zb_h1 zb_v dualpipe wave bitpipe gems pipedream; do
    holds memory=17179869184 parameters=669790012 -- --model bert-48 --stages 8 --family $family --memory 16GiB --micro-batch 2
done
for family in one_f_one_b bidirectional; do
    holds memory=8589934592 modes=none,selective,full parameters=1389327360 -- --model gpt2-64 --stages 8 --family $family \
        --memory 8GiB --recompute auto
done
# The memory named in a refusal is enough.
"$program" partition --model gpt2-64 --stages 8 --memory 2GiB 2>err
enough=$(grep -o 'use --memory [0-9]*' err | grep -o '[0-9]*$')
holds memory="$enough" -- --model gpt2-64 --stages 8 --memory "$enough"

refuse 'does not fit workers of 2 GiB' --model gpt2-64 --stages 8 --memory 2GiB
refuse 'does not fit workers of 1 KiB' --model gpt2-64 --stages 8 --memory 1KiB --recompute full --family bidirectional
refuse '--stages is missing' --model nine.json
refuse 'nine has 9 layers' --model nine.json --stages 10
refuse '--stages' --model nine.json --stages 0
refuse '--stages' --model nine.json --stages -3
refuse '--stages' --model nine.json --stages 1e3
refuse 'unknown model' --model nobody --stages 2
refuse 'missing.json' --model missing.json --stages 2
refuse 'even' --model nine.json --stages 3 --family bidirectional
refuse 'unknown' --model nine.json --stages 3 --family frob
refuse '--memory' --model nine.json --stages 3 --memory much
refuse '--memory' --model nine.json --stages 3 --memory -1
refuse '--recompute' --model nine.json --stages 3 --recompute some
refuse '--speeds has 2 numbers' --model nine.json --stages 3 --speeds 1,2
refuse '--speeds' --model nine.json --stages 3 --speeds 1,0,1
refuse '--speeds' --model nine.json --stages 3 --speeds 1,nan,1
refuse '--speeds does not apply' --model nine.json --stages 4 --family bidirectional --speeds 1,1,1,2
refuse '--order' --model nine.json --stages 3 --order best
refuse '--order' --model nine.json --stages 3 --speeds 1,1,2 --order worst
refuse '--cut' --model nine.json --stages 3 --cut 0,4
refuse '--cut' --model nine.json --stages 3 --cut 0,4,4
refuse '--cut' --model nine.json --stages 3 --cut 1,2,3
refuse '--cut' --model nine.json --stages 3 --cut 0,2,9
refuse '--micro-batch' --model nine.json --stages 3 --micro-batch 0
refuse '--format' --model nine.json --stages 3 --format svg
echo '{"format":"chimera.model","version":1,"name":"empty","layers":[]}' >empty.json
refuse 'layers' --model empty.json --stages 1
[ $failures = 0 ]
