#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Comparing families: rows equal what simulate prints, the front is one, formats and refusals. Usage: compare.sh PROGRAM
source "$(dirname "$0")/common.sh"
refuse() {
    local part=$1 status
    shift
    timeout 60 "$program" compare "$@" >out 2>err </dev/null
    status=$?
    [ $status = 2 ] && [ "$(wc -l <err)" = 1 ] && [ ! -s out ] || fail "exit $status, $(wc -l <err) lines: compare $*"
    grep -qF -- "$part" err || fail "no '$part' in: $(cat err)"
}
# value KEY FILE : the number after "KEY":
value() { grep -o "\"$1\":[-0-9.e+]*" "$2" | head -1 | cut -d: -f2; }

cat >costs.json <<'EOF'
{"format":"chimera.costs","version":1,"forward":1,"backward":2,"input_gradient":1,"weight_gradient":1,
 "transfer":{"latency":0.01,"bandwidth":1000,"bytes":50},
 "reduce":{"latency":0.01,"bandwidth":1000,"bytes":300,"algorithm":"ring"}}
EOF
echo '{"format":"chimera.costs","version":1,"forward":1,"backward":2,"input_gradient":1,"weight_gradient":1}' >plain.json

for costs in costs.json plain.json; do
    option="--costs costs.json"
    [ $costs = plain.json ] && option=""
    # shellcheck disable=SC2086
    "$program" compare --stages 8 --micro-batches 16 $option --format json -o all.json || fail "compare $option"
    rows=0
    while IFS= read -r line; do
        family=$(sed 's/.*"family":"\([^"]*\)".*/\1/' <<<"$line")
        echo "$line" >row.json
        # shellcheck disable=SC2086
        "$program" simulate $family --stages 8 --micro-batches 16 --costs $costs --format json -o one.json || fail "simulate $family"
        for key in makespan bubble_ratio span_bubble_ratio; do
            [ "$(value $key row.json)" = "$(value $key one.json)" ] || fail "$key of $family: $(value $key row.json) and $(value $key one.json)"
        done
        peak=$(grep -o '"peak_activations":[0-9.]*' one.json | cut -d: -f2 | sort -g | tail -1)
        [ "$(value peak_activations row.json)" = "$peak" ] || fail "peak of $family"
        # shellcheck disable=SC2086
        "$program" program $family --stages 8 --micro-batches 16 --format json -o program.json
        [ "$(value messages row.json)" = "$(grep -c '"op":"send_' program.json)" ] || fail "messages of $family"
        [ "$(value reductions row.json)" = "$(grep -c '"op":"reduce_gradient"' program.json)" ] || fail "reductions of $family"
        if [ $costs = costs.json ]; then
            [ "$(value reduced_bytes row.json)" = $((300 * $(value reductions row.json))) ] || fail "reduced bytes of $family"
        else
            grep -q '"bytes":null' row.json || fail "bytes of $family without any given"
        fi
        rows=$((rows + 1))
    done < <(grep '"makespan"' all.json)
    [ $rows -ge 18 ] || fail "only $rows families"
    grep -q '"family":"data_parallel","why":"stages must be 1' all.json || fail 'data_parallel is not refused'
done
[ "$(grep one_f_one_b all.json | grep -o '"messages":[0-9]*')" = '"messages":224' ] || fail 'messages: 2 · 7 · 16'
"$program" compare --stages 8 --micro-batches 16 --costs costs.json --format json | grep one_f_one_b | grep -q '"bytes":11200' || fail 'bytes: 224 · 50'

# The front, by hand: who is on it is beaten by nobody, who is not is.
python3 - all.json <<'EOF' || fail 'front'
import json, sys
rows = json.load(open(sys.argv[1]))["families"]
def of(r):
    return (r["makespan"] * r["workers"], r["peak_activations"] * r["stage_share"], r["weights"] * r["stage_share"], r["staleness"])
for r in rows:
    beaten = any(all(a <= b + 1e-9 for a, b in zip(of(o), of(r))) and any(a < b - 1e-9 for a, b in zip(of(o), of(r))) for o in rows)
    assert beaten != r["front"], r["family"]
assert any(r["front"] for r in rows) and not all(r["front"] for r in rows)
EOF

# At equal workers everybody has as much to do: 4 workers, 8 micro-batches, a share takes 3.
"$program" compare --workers 4 --micro-batches 8 --format json -o workers.json || fail 'compare --workers'
python3 - workers.json <<'EOF' || fail 'equal workers'
import json, sys
rows = json.load(open(sys.argv[1]))["families"]
assert len(rows) >= 20
for r in rows:
    busy = r["workers"] * r["makespan"] * (1 - r["bubble_ratio"])
    assert r["workers"] == 4 and abs(busy - 4 * 8 * 3) < 1e-6, r
    assert abs(r["stage_share"] * r["stages"] - 4) < 1e-9, r
named = {r["family"]: r for r in rows}
assert named["one_f_one_b"]["makespan"] == 33 and named["gpipe"]["makespan"] == 33
assert named["bidirectional"]["makespan"] == 30
assert named["data_parallel"]["makespan"] == 24
EOF

# Costs of the shares, one by one: 1F1B's slowest worker decides.
echo '{"format":"chimera.costs","version":1,"forward":[1,2,1,1],"backward":[2,4,2,2]}' >uneven.json
"$program" compare --workers 4 --micro-batches 8 --costs uneven.json --format json -o uneven || fail 'uneven costs'
"$program" simulate one_f_one_b --stages 4 --micro-batches 8 --costs uneven.json --format json -o one.json
[ "$(grep '"one_f_one_b"' uneven >row.json; value makespan row.json)" = "$(value makespan one.json)" ] || fail 'uneven makespan'

for format in text svg html; do
    "$program" compare --stages 4 --micro-batches 8 --format $format -o "all.$format" || fail "$format"
done
grep -q '^refused: data_parallel: stages must be 1' all.text || fail 'text names no rule'
grep -q 'Pareto front' all.text || fail 'text does not say what is compared'
! command -v xmllint >/dev/null || xmllint --noout all.svg || fail 'all.svg is not well formed'
! command -v xmllint >/dev/null || xmllint --html --noout all.html 2>/dev/null || fail 'all.html'
[ "$(grep -o '"title":"[^"]*","caption"' all.html | wc -l)" = "$("$program" compare --stages 4 --micro-batches 8 --format json | grep -c '"makespan"')" ] ||
    fail 'all.html does not hold every family'
! grep -Eq '(src|href)=|@import|url\((http|//)' all.html || fail 'the page loads something'
"$program" compare --stages 4 --micro-batches 8 --memory 3 --format json -o small.json || fail '--memory'
grep -q '"family":"gpipe","why":"the peak is 8 activations (--memory allows 3)' small.json || fail 'gpipe within --memory 3'

# Some of them, least worker time first, with the same numbers.
"$program" compare gpipe 'wave --waves 2' --workers 4 --micro-batches 8 --format json -o some.json || fail 'two families'
[ "$(grep -o '"family":"[^"]*"' some.json | tr -d '\n')" = '"family":"wave --waves 2""family":"gpipe"' ] || fail 'not the two families'
[ "$(grep '"gpipe"' some.json | sed 's/,"front".*//')" = "$(grep '"gpipe"' workers.json | sed 's/,"front".*//')" ] || fail 'gpipe among two'
python3 - workers.json all.json <<'EOF' || fail 'not sorted'
import json, sys
for name in sys.argv[1:]:
    rows = json.load(open(name))["families"]
    keys = [(r["worker_time"], r["peak_activations"] * r["stage_share"]) for r in rows]
    assert keys == sorted(keys), name
EOF
refuse "'chimera' cannot be compared (known are gpipe, one_f_one_b," chimera --workers 4 --micro-batches 8
refuse "'' cannot be compared" '' --workers 4 --micro-batches 8

# Several options of one family, widths, reductions and CSV: every row is what simulate prints for its name.
"$program" compare 'interleaved --chunks 3,5 --group=7' breadth_first 1f1b 'zb_h1 --recompute full' --chunks 2,4 --workers 3 --width 5 \
    --micro-batches 11 --costs plain.json --sync lazy --format csv -o rows.csv || fail 'compare --format csv'
[ "$(cut -d, -f1 rows.csv | sort | tr '\n' ';')" = "breadth_first --chunks 2;breadth_first --chunks 4;family;interleaved --chunks 3 --group 7;\
interleaved --chunks 5 --group 7;one_f_one_b;zb_h1 --recompute full;" ] || fail "rows: $(cut -d, -f1 rows.csv)"
python3 - "$program" costs.json <<'EOF' || fail 'csv beside simulate'
import csv, json, shlex, subprocess, sys
program, costs = sys.argv[1:]
subprocess.run([program, "compare", "interleaved --chunks 3,5", "1f1b", "zb_v", "bidirectional --split", "--workers", "6", "--width", "5",
                "--micro-batches", "11", "--costs", costs, "--sync", "lazy", "--format", "csv", "-o", "wide.csv"], check=True)
for row in csv.DictReader(open("wide.csv")):
    c = json.load(open(costs))
    for key in ("forward", "backward", "input_gradient", "weight_gradient"):
        c[key] *= 6 / int(row["stages"])
    c["reduce"]["bytes"] *= 6 / int(row["stages"])
    json.dump(c, open("share.json", "w"))
    one = json.loads(subprocess.run([program, "simulate", *shlex.split(row["family"]), "--stages", row["stages"], "--micro-batches", "11",
                                     "--width", "5", "--costs", "share.json", "--sync", "lazy", "--format", "json"],
                                    check=True, capture_output=True, text=True).stdout)
    assert abs(one["makespan"] - float(row["makespan"])) < 1e-9 * one["makespan"], row
    assert int(row["workers"]) == 30 and float(row["reduced_bytes"]) > 0, row
EOF
"$program" compare 'interleaved --chunks 2,4,8' 'bidirectional --pipelines 2 --scale doubling' zb_v 1f1b --workers 8 --width 3 \
    --micro-batches 24 --costs costs.json -o wide.txt || fail 'compare --width'
[ "$(wc -L <wide.txt)" -le 100 ] || fail "text is $(wc -L <wide.txt) columns wide"
"$program" compare --workers 8 --micro-batches 16 | awk 'length > 100' | grep -q . && fail 'text of all is too wide'
"$program" compare 'interleaved --chunks 2,4' --workers 2 --micro-batches 4 --format svg | grep -q 'interleaved --chunks 4' || fail 'no options in titles'
refuse 'chunks does not apply (wave has no such option)' 'wave --chunks 2' --workers 4 --micro-batches 8
refuse 'has no value' 'interleaved --chunks' --workers 4 --micro-batches 8
refuse "--chunks is '2,x' (no list" 'interleaved --chunks 2,x' --workers 4 --micro-batches 8
refuse "--chunks is '0' (no list" gpipe --chunks 0 --workers 4 --micro-batches 8
refuse '--foo is no option of it' 'interleaved --foo' --workers 4 --micro-batches 8
refuse '--width' gpipe --width 0 --workers 4 --micro-batches 8

refuse 'one of them' --micro-batches 8
refuse 'one of them' --micro-batches 8 --stages 4 --workers 4
refuse '--micro-batches is missing' --stages 4
refuse 'no family fits' --stages 4 --micro-batches 1000000000
for number in 0 -1 1e9 x '' 99999999999; do
    refuse '--stages' --stages "$number" --micro-batches 8
    refuse '--workers' --workers "$number" --micro-batches 8
    refuse '--micro-batches' --stages 4 --micro-batches "$number"
done
for number in 0 -1 x NaN; do refuse '--memory' --stages 4 --micro-batches 8 --memory "$number"; done
refuse 'known are' --stages 4 --micro-batches 8 --format trace
refuse 'missing.json' --stages 4 --micro-batches 8 --costs missing.json
refuse 'forward has 4 numbers (8 are needed)' --stages 8 --micro-batches 8 --costs uneven.json
echo '{"format":"chimera.costs","version":1,"forward":1,"backward":2,"transfer":[1,1,1]}' >list.json
refuse 'transfer is a list' --workers 4 --micro-batches 8 --costs list.json

echo "$failures failures"
[ $failures = 0 ]
