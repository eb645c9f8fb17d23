#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chimera plan: kinds of recompute, sequence parallelism, tokens and vocabulary, products in 8 bits, samples that do not
# divide, CSV, widths of what it prints. Usage: plan_choices.sh PROGRAM
source "$(dirname "$0")/common.sh"

refuse() {
    local part=$1 status
    shift
    timeout 300 "$program" plan "$@" >.out 2>.err </dev/null
    status=$?
    [ $status = 2 ] || fail "exit $status instead of 2: plan $*"
    [ "$(wc -l <.err)" = 1 ] || fail "$(wc -l <.err) lines on standard error: plan $*"
    grep -qF -- "$part" .err || fail "no '$part' in: $(cat .err)"
}
good() {
    timeout 300 "$program" plan "$@" >.out 2>.err </dev/null || fail "exit $?: plan $*: $(cat .err)"
    python3 -c 'import sys; sys.exit(max(map(len, open(".out", encoding="utf-8").read().split("\n"))) > 100)' ||
        fail "wider than 100 columns: plan $*"
}

# Memory of a block: what Korthikanti et al. (arXiv 2205.05198, table 2 and section 5) say.
echo '{"flops":1e14,"inside":{"bandwidth":1e11},"between":{"bandwidth":1e10}}' >plain.json
cat >blocks.json <<'END'
{"format": "chimera.model", "version": 1, "family": "gpt2",
 "sizes": {"layers": 12, "heads": 24, "channels": 1536, "vocabulary": 1003, "context": 768}}
END
eight=(--model blocks.json --samples 12 --nodes 1 --workers-per-node 6 --hardware plain.json --family one_f_one_b
    --stages 2 --tensor 3 --micro-batch 2 --zero 0 --format json)
for mode in none selective layers full; do
    timeout 60 "$program" plan "${eight[@]}" --recompute $mode -o $mode.json || fail "recompute $mode"
    timeout 60 "$program" plan "${eight[@]}" --recompute $mode --sequence-parallel -o $mode-shared.json || fail "$mode, shared"
done
python3 - <<'END' || fail 'activations are not those of the formulas'
import json
read = lambda name: json.load(open(name + '.json'))
kept = lambda name: read(name)['memory_bytes']['activations']
sbh, s, a, h, t = 768 * 2 * 1536, 768, 24, 1536, 3
# Two stages of one worker: the first keeps two micro-batches. The cut is the same in every mode.
cuts = read('none')['configuration']['cuts']
assert all(read(m + e)['configuration']['cuts'] == cuts for m in ('selective', 'layers', 'full') for e in ('', '-shared'))
blocks = cuts[1] - 1
plain = sbh * (10 + 24 / t + 5 * a * s / (h * t))
core = 5 * a * s * s * 2 / t
assert abs(kept('none') - kept('selective') - (2 * blocks - 1) * core) < 1, kept('none') - kept('selective')
assert abs(kept('none') - kept('layers') - (2 * blocks * (plain - 2 * sbh) - (plain - 2 * sbh))) < 1
assert kept('none-shared') < kept('none') and kept('layers-shared') < kept('layers') < kept('selective')
assert read('none-shared')['configuration']['sequence_parallel'] is True
seconds = lambda name: read(name)['seconds']
assert seconds('none') < seconds('selective') < seconds('layers')
assert seconds('none-shared') <= seconds('none')
END
good layers-shared.json
refuse 'tensor width 3 does not divide the 512 tokens of a sample' --model bert-base --samples 12 --nodes 6 \
    --hardware plain.json --tensor 3 --sequence-parallel
echo '{"data":["none.txt"],"optimiser":{"steps":1}}' >bare.json
refuse 'recompute allows layers (a training job recomputes whole stages)' bare.json --workers 2 --recompute none,layers

# Tokens and vocabulary are the user's.
params() { head -1 .out | sed 's/.* \([0-9]*\) parameters.*/\1/'; }
one=(--samples 4 --nodes 2 --hardware plain.json --families one_f_one_b --top 1)
good --model gpt2-124m "${one[@]}"
[ "$(params)" = 124439808 ] || fail "$(params) parameters"
good --model gpt2-124m "${one[@]}" --vocabulary-multiple 128
[ "$(params)" = $((124439808 + 47 * 768)) ] || fail "$(params) parameters with 50,304 tokens of vocabulary"
good --model gpt2-124m "${one[@]}" --tokens 2048
[ "$(params)" = $((124439808 + 1024 * 768)) ] || fail "$(params) parameters with 2,048 positions"
good --model blocks.json "${one[@]}" --tokens 333 --vocabulary-multiple 7
refuse 'the model has no tokens' --model resnet-20 "${one[@]}" --tokens 9
echo '{"format":"chimera.model","version":1,"layers":[{"parameters":9,"forward":1,"backward":2,"activations":3}]}' >listed.json
refuse 'the model lists its layers' --model listed.json "${one[@]}" --tokens 9
for bad in 0 -3 x 1e99; do refuse 'tokens' --model gpt2-124m "${one[@]}" --tokens "$bad"; done

# Products in 8 bits: the casts that blocks keep, the peak that MFU is of, and who has no such products.
cat >fp8.json <<'END'
{"flops": 1e14, "fp8_flops": 2e14, "fp8_peak": 3e14, "memory_bandwidth": 1e12, "inside": {"bandwidth": 1e11}}
END
low=(--model blocks.json --samples 12 --nodes 1 --workers-per-node 6 --family one_f_one_b --layout 'Et*6|t*6,L' --tensor 3
    --micro-batch 2 --zero 0 --recompute none)
any=(--samples 4 --nodes 2 --families one_f_one_b --top 1)
good "${low[@]}" --hardware fp8.json --format json -o plain_price.json
good "${low[@]}" --hardware fp8.json --fp8 --format json -o fp8_price.json
good fp8_price.json --format json -o fp8_again.json
cmp -s fp8_price.json fp8_again.json || fail 'a price in 8 bits asked again is another one'
good "${low[@]}" --hardware fp8.json --fp8
python3 - <<'END' || fail 'a price in 8 bits is not that of the formulas'
import json, re
plain, low, sh = json.load(open('plain_price.json')), json.load(open('fp8_price.json')), 768 * 1536
# Two micro-batches of 2 samples; of 6 blocks the casts of both inputs on every slice, and of a third of 1 + 4 rows.
saved = plain['memory_bytes']['activations'] - low['memory_bytes']['activations']
assert abs(saved - 2 * 2 * 6 * (2 + 5 / 3) * sh) < 1, saved
assert low['request']['fp8'] is True and low['seconds'] < plain['seconds'], (low['seconds'], plain['seconds'])
text = ' '.join(open('.out').read().split())
share = float(re.search(r'([0-9.]+) % of what large products in 8 bits sustain', text)[1])
used = float(re.search(r'; MFU ([0-9.]+) % of the peak in 8 bits', text)[1])
assert abs(used - low['flops_per_worker'] / 3e12) < 0.06 and abs(share / used - 1.5) < 0.05, (share, used)
END
refuse 'no products in 8 bits (fp8_flops is missing)' "${low[@]}" --fp8 --hardware plain.json
for old in P100 V100-32 A100 DGX-A100; do
    refuse 'no products in 8 bits (fp8_flops is missing)' --model gpt2-124m "${any[@]}" --fp8 --hardware $old
done
for new in H100 DGX-H200 B200 L40S-8 MI300X; do good --model gpt2-124m "${any[@]}" --fp8 --hardware $new; done
refuse 'the model has no products in 8 bits' --model resnet-20 "${any[@]}" --fp8 --hardware H100
refuse 'the model lists its layers (which products are linear' --model listed.json "${any[@]}" --fp8 --hardware H100
refuse 'chimera train has no products in 8 bits' --model tiny "${any[@]}" --fp8 --hardware H100
refuse 'fp8 does not apply to a job' bare.json --workers 2 --fp8
for framework in torchtitan deepspeed; do
    refuse "products in 8 bits are not written for $framework" --model llama-3-8b --samples 16 --nodes 2 --hardware DGX-H100 \
        --families one_f_one_b --zero 0 --recompute none,layers --fp8 --format $framework
done
"$program" plan --model llama-3-8b --samples 16 --nodes 2 --hardware DGX-H100 --families one_f_one_b --zero 0,1 --fp8 \
    --format megatron >.out 2>.err || fail "exit $? for Megatron-LM: $(cat .err)"
grep -q -- '--fp8-format hybrid --fp8-recipe tensorwise' .out || fail 'no products in 8 bits for Megatron-LM'
for broken in '{"flops":1e12,"fp8_flops":0}' '{"flops":1e12,"fp8_flops":-1}' '{"flops":1e12,"fp8_peak":"x"}'; do
    echo "$broken" >broken.json
    refuse 'broken.json: fp8_' --model gpt2-124m --samples 4 --nodes 1 --hardware broken.json
done
timeout 60 "$program" train bare.json --fp8 >.out 2>.err </dev/null && fail 'train takes --fp8'
[ "$(wc -l <.err)" = 1 ] || fail "train --fp8 says $(cat .err)"

# Samples that do not divide use the workers that their neighbours use.
for samples in 509 512; do
    good --model bert-48 --samples $samples --nodes 96 --memory 16GiB --hardware P100 --families one_f_one_b,zb_h1 --top 1
    awk '/^family / { getline; print $2 }' .out >$samples.seconds
done
python3 -c 'import sys; a, b = (float(open(f"{n}.seconds").read()) for n in (509, 512)); sys.exit(not a < 1.05 * b)' ||
    fail "509 samples take $(cat 509.seconds) s, 512 take $(cat 512.seconds) s"
good --model bert-48 --samples 509 --nodes 96 --memory 16GiB --hardware P100 --families one_f_one_b --top 1
grep -q '×≤' .out || fail "no uneven micro-batch: $(cat .out)"
grep -q '509 samples do not divide .*; [0-9]* or [0-9]* do' <(tr '\n' ' ' <.out | tr -s ' ') || fail 'no numbers that divide'

# CSV has a line for each place, and as many cells as its header; a price has a line for each number.
timeout 60 "$program" plan --model llama-2-7b --samples 60 --nodes 3 --workers-per-node 4 --memory 80GiB --hardware A100 \
    --tensor 1,2,4 --format csv >places.csv || fail 'no CSV'
timeout 60 "$program" plan "${eight[@]:0:${#eight[@]}-2}" --format csv >price.csv || fail 'no CSV of a price'
python3 - <<'END' || fail 'CSV'
import csv, json
rows = list(csv.DictReader(open('places.csv')))
assert len(rows) == 10 and [int(r['place']) for r in rows] == list(range(1, 11))
for r in rows:
    assert None not in r and None not in r.values(), r
    workers = int(r['pipeline_workers']) * int(r['width']) * int(r['tensor'])
    assert workers <= 12 and abs(float(r['samples_per_second']) * float(r['seconds']) / 60 - 1) < 1e-9
    assert abs(float(r['tokens_per_second']) / float(r['samples_per_second']) / 4096 - 1) < 1e-9
    cuts = list(map(int, r['cuts'].split()))
    assert len(cuts) == int(r['stages']) + 1 and cuts[0] == 0 and cuts[-1] == 34 and cuts == sorted(cuts)
price = dict(csv.reader(open('price.csv')))
same = json.load(open('none.json'))
assert float(price['seconds']) == same['seconds'] and float(price['memory_bytes.all']) == same['memory_bytes']['all']
END

echo "$failures failures"
[ $failures = 0 ]
