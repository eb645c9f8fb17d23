#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every bad input ends with 2, one line on standard error and nothing on standard output; files stay as they were.
# Usage: bad_input.sh PROGRAM
source "$(dirname "$0")/common.sh"
cases=0

snapshot() { find . -type f ! -path './.check/*' -exec cksum {} + | sort -k3; }

# refuse PART ARGUMENTS… : the line must hold PART
refuse() {
    local part=$1 before status lines
    shift
    cases=$((cases + 1))
    before=$(snapshot)
    timeout 60 "$program" "$@" >.check/out 2>.check/err </dev/null
    status=$?
    lines=$(wc -l <.check/err)
    if [ $status != 2 ]; then fail "exit $status instead of 2" "$@"; fi
    if [ "$lines" != 1 ]; then fail "$lines lines on standard error" "$@"; fi
    if [ -s .check/out ]; then fail "wrote to standard output" "$@"; fi
    if ! grep -qF -- "$part" .check/err; then fail "no '$part' in: $(cat .check/err)" "$@"; fi
    if [ "$before" != "$(snapshot)" ]; then fail "a file was written or changed" "$@"; fi
}
fail() {
    echo "FAILED: $1: chimera ${*:2}"
    failures=$((failures + 1))
}

mkdir .check
echo 'keep me' >kept.txt
"$program" schedule bidirectional --stages 4 --micro-batches 4 --format json -o good.json || fail "cannot write good.json"
"$program" program bidirectional --stages 4 --micro-batches 4 --format json -o good.program.json || fail "cannot write a program"
echo '{"format":"chimera.costs","version":1,"forward":1,"backward":2}' >costs.json

# The command line itself.
refuse 'subcommand'
refuse 'unknown' frobnicate
refuse 'FAMILY' schedule
refuse '--frob' schedule gpipe --stages 2 --micro-batches 2 --frob
refuse 'gpipe' schedule gpipe gpipe --stages 2 --micro-batches 2
refuse '--stages' schedule gpipe --stages 2 --stages 3 --micro-batches 2
refuse '--stages' schedule gpipe --micro-batches 2 --stages
refuse 'FILE' verify
refuse 'known are gpipe, one_f_one_b, gems, ' schedule chimaera --stages 2 --micro-batches 2
refuse 'known are' schedule '' --stages 2 --micro-batches 2
refuse 'known are' schedule $'two\nlines' --stages 2 --micro-batches 2
refuse '--stages is missing' schedule gpipe --micro-batches 2
refuse '--micro-batches is missing' schedule gpipe --stages 2

# Numbers.
for number in 0 -1 -999999999999 1e9 1.5 4x x4 0x10 '' ' 4' '4 ' +4 99999999999 99999999999999999999999 NaN inf ４ $'4\n'; do
    refuse '--stages' schedule bidirectional --stages "$number" --micro-batches 4 -o kept.txt
    refuse '--micro-batches' schedule bidirectional --stages 4 --micro-batches "$number" -o kept.txt
    refuse '--pipelines' schedule bidirectional --stages 4 --micro-batches 4 --pipelines "$number" -o kept.txt
    refuse '--width' program bidirectional --stages 4 --micro-batches 4 --width "$number" -o kept.txt
    refuse '--cores' simulate bidirectional --stages 4 --micro-batches 4 --cores "$number" -o kept.txt
done
for number in 0 -1 4x '' NaN inf; do
    refuse '--memory' schedule bidirectional --stages 4 --micro-batches 4 --memory "$number" -o kept.txt
done

# Sizes that no family, or not this one, can have.
refuse 'even' schedule bidirectional --stages 5 --micro-batches 4 -o new.txt
refuse 'divide' schedule bidirectional --stages 8 --micro-batches 4 --pipelines 6 -o new.txt
refuse 'even' schedule bidirectional --stages 8 --micro-batches 4 --pipelines 3
refuse 'divide' schedule bidirectional --stages 4 --micro-batches 4 --pipelines 8
refuse '2^27' schedule gpipe --stages 10000 --micro-batches 100000 -o new.txt
refuse '2^27' simulate gpipe --stages 10000 --micro-batches 100000
refuse 'micro_batches is 1000000000' schedule gpipe --stages 1 --micro-batches 1000000000
refuse 'width is 1000000000' schedule bidirectional --stages 4 --micro-batches 4 --width 1000000000
refuse 'workers' schedule bidirectional --stages 4 --micro-batches 4 --width 60000
refuse 'too many' schedule bidirectional --stages 65534 --micro-batches 1 --pipelines 65534
refuse 'does not apply' schedule gpipe --stages 4 --micro-batches 4 --pipelines 2
refuse 'does not apply' schedule gpipe --stages 4 --micro-batches 4 --scale direct
refuse 'stages must be 1' schedule data_parallel --stages 4 --micro-batches 4
refuse 'direct, doubling or halving' schedule bidirectional --stages 4 --micro-batches 4 --scale tripling
refuse '--scale' schedule bidirectional --stages 4 --micro-batches 4 --scale ''
refuse 'lazy, eager or eager_opt' program bidirectional --stages 4 --micro-batches 4 --sync sometimes
refuse 'lazy, eager or eager_opt' simulate bidirectional --stages 4 --micro-batches 4 --sync ''
for list in 4 -1 some 0,,1 0, ,0 '' 0-3 1e0; do
    refuse 'recompute' schedule bidirectional --stages 4 --micro-batches 4 --recompute "$list" -o kept.txt
done
refuse 'the peak is 4 activations on worker 0 (--memory allows 3)' schedule gpipe --stages 2 --micro-batches 4 --memory 3 -o new.txt

# Formats.
refuse 'known are' schedule gpipe --stages 2 --micro-batches 2 --format pdf
refuse 'known are' schedule gpipe --stages 2 --micro-batches 2 --format ''
refuse 'known are' program gpipe --stages 2 --micro-batches 2 --format svg
refuse 'known are' simulate gpipe --stages 2 --micro-batches 2 --format csv -o kept.txt
refuse 'one pipeline' schedule bidirectional --stages 2 --micro-batches 2 --format csv -o kept.txt

# Output that cannot be written.
refuse 'No such file' schedule gpipe --stages 2 --micro-batches 2 -o missing/out.txt
refuse 'Is a directory' schedule gpipe --stages 2 --micro-batches 2 -o .check
refuse 'empty' schedule gpipe --stages 2 --micro-batches 2 -o ''
refuse 'Not a directory' schedule gpipe --stages 2 --micro-batches 2 -o kept.txt/out.txt
refuse 'No space left' schedule gpipe --stages 2 --micro-batches 2 -o /dev/full
refuse 'No space left' simulate gpipe --stages 2 --micro-batches 2 --format svg -o /dev/full
for command in 'schedule gpipe --stages 2 --micro-batches 2' 'program gpipe --stages 2 --micro-batches 2' 'verify good.json' \
    'simulate gpipe --stages 2 --micro-batches 2' '--help' 'schedule --help' '--version'; do
    cases=$((cases + 1))
    # shellcheck disable=SC2086
    "$program" $command >/dev/full 2>.check/err
    status=$?
    if [ $status != 2 ] || [ "$(wc -l <.check/err)" != 1 ]; then fail "full standard output: exit $status" "$command"; fi
done
cases=$((cases + 1))
(export LLVM_PROFILE_FILE=/dev/null; ulimit -f 8; exec "$program" schedule gpipe --stages 64 --micro-batches 64 --format json -o kept.txt) >.check/out 2>.check/err
status=$?
[ $status = 2 ] && [ "$(wc -l <.check/err)" = 1 ] || fail "file size limit: exit $status, $(cat .check/err)"
[ "$(cat kept.txt)" = 'keep me' ] || fail 'an earlier file was damaged'
[ -z "$(find . -name 'kept.txt.*' -o -name 'new.txt*')" ] || fail "left behind: $(ls)"

# Files that cannot be read.
: >empty.json
head -c 300 good.json >cut.json
head -c 100000 /dev/zero | tr '\0' '[' >deep.json
head -c 1000 /dev/urandom >noise.json
printf '\xff\xfe{}' >coded.json
sed 's/chimera.schedule/chimera.costs/' good.json >other.json
sed 's/"version":1/"version":2/' good.json >newer.json
sed 's/"micro_batches":4/"micro_batches":1000000000/' good.json >huge.json
sed '0,/"stage":0/s//"stage":4/' good.json >outside.json
sed '0,/"tick":0/s//"tick":-1/' good.json >negative.json
sed '0,/"tick":0/s//"tick":0.5/' good.json >half.json
sed '0,/"tick":0/s//"tick":1e9/' good.json >float.json
for file in missing.json empty.json cut.json deep.json noise.json coded.json other.json newer.json huge.json outside.json negative.json \
    half.json float.json kept.txt costs.json . /dev/null /dev/zero ''; do
    refuse "$file" verify "$file"
    refuse "$file" simulate "$file" -o kept.txt
    if [ "$file" != costs.json ]; then
        refuse "$file" simulate gpipe --stages 2 --micro-batches 2 --costs "$file" -o kept.txt
    fi
done

# Hardware by name.
refuse 'use H100, or another name' hardware H101 -o kept.txt
refuse 'no such name' hardware ''
refuse 'text, json' hardware H100 --format csv -o kept.txt
refuse 'No such file' hardware H100 -o no/such/folder/f

# The gallery's folder.
refuse 'No such file' gallery missing
refuse 'FOLDER' gallery

# Files that simulate must not play.
sed '0,/"op":"B"/s//"op":"F"/' good.json >broken.json
refuse 'once' simulate broken.json
refuse '(--memory allows 2)' simulate good.json --memory 2
refuse '(--memory allows 2.5)' simulate good.program.json --memory 2.5
refuse 'does not apply' simulate good.program.json --sync lazy
refuse 'do not apply' simulate ./good.json --stages 4
refuse 'known are' simulate nothing --stages 4 --micro-batches 4
echo '{"format":"chimera.costs","version":1,"forward":[1,2,3],"backward":2}' >three.json
refuse 'forward has 3 numbers (4 are needed)' simulate good.json --costs three.json
for value in -1 '"1"' null '[]' 1e400 NaN '[1,2,3,-4]' true; do
    echo "{\"format\":\"chimera.costs\",\"version\":1,\"forward\":$value,\"backward\":2}" >value.json
    refuse 'value.json' simulate good.json --costs value.json
done

# Lax text: a key twice, something behind a NUL byte, numbers that no machine has, lists of another length.
costs='{"format":"chimera.costs","version":1,"forward":1,"backward":2'
echo "$costs,\"backward\":3}" >twice.json
refuse 'twice' simulate good.json --costs twice.json
echo '{"format":"chimera.hardware","version":1,"flops":1e12,"flops":1e13}' >nodes.json
refuse 'a key twice (flops)' plan --model bert-48 --samples 8 --hardware nodes.json
{ cat good.json; printf '\0more'; } >nul.json
for file in nul.json; do
    refuse 'holds a NUL byte' verify "$file"
    refuse 'holds a NUL byte' simulate "$file"
    refuse 'holds a NUL byte' simulate good.json --costs "$file"
    refuse 'holds a NUL byte' plan --model bert-48 --samples 8 --hardware "$file"
    refuse 'holds a NUL byte' calibrate "$file"
    refuse 'holds a NUL byte' partition --model "./$file" --stages 2
    refuse 'NUL byte' train "$file"
done
echo "$costs,\"transfer\":{\"latency\":0,\"bandwidth\":5e-324,\"bytes\":1}}" >tiny.json
refuse 'bandwidth is 5e-324 (out of range) give a number from 1e-06 to 1e+18' simulate good.json --costs tiny.json
echo '{"format":"chimera.costs","version":1,"forward":5e-324,"backward":2}' >tiny.json
refuse 'forward is 5e-324 (out of range)' simulate good.json --costs tiny.json
for key in flops memory_bandwidth node_bandwidth; do
    echo "{\"format\":\"chimera.hardware\",\"version\":1,\"flops\":1e12,\"$key\":5e-324}" | sed 's/"flops":1e12,"flops"/"flops"/' >nodes.json
    refuse "$key is 5e-324 (out of range) give a number from 1" plan --model bert-48 --samples 8 --hardware nodes.json
done
echo '{"format":"chimera.hardware","version":1,"flops":1e12,"between":{"bandwidth":5e-324}}' >nodes.json
refuse 'bandwidth is 5e-324 (out of range)' plan --model bert-48 --samples 8 --hardware nodes.json
refuse '--memory is' schedule gpipe --stages 2 --micro-batches 2 --memory 5e-324
refuse '--speeds is' partition --model bert-48 --stages 2 --speeds 1,5e-324
echo '{"format":"chimera.hardware","version":1,"flops":5e12,"between":{"latency":1e-5,"bandwidth":5e9}}' >nodes.json
for speeds in '"speeds":[1,1,0.5]' '"memories":[1e12,1e12,1e12]' '"workers":3' '"workers":4,"speeds":[1,1,1]'; do
    echo "{\"format\":\"chimera.plan\",\"model\":\"bert-48\",\"samples\":8,\"cluster\":{\"nodes\":4,$speeds,\"hardware\":\"nodes.json\"}}" >speeds.json
    refuse 'workers' plan speeds.json
done

# Text of others: what a terminal obeys is shown as an escape, in reports and in complaints.
sed 's/"family":"[^"]*"/"family":"a\xe2\x80\xaeb\xc2\x9bc"/' good.json >marks.json
"$program" verify marks.json | grep -qF 'a\u202eb\u009bc' || fail 'marks of direction reach the terminal' verify marks.json
"$program" simulate marks.json | grep -qF 'a\u202eb\u009bc' || fail 'marks of direction reach the terminal' simulate marks.json
refuse '\u202e' verify $'missing\u202e.json'
refuse '\u202e' schedule $'gpipe\u202e' --stages 2 --micro-batches 2

# A closed standard error is no file of a run.
"$program" schedule nothing --stages 2 --micro-batches 2 2>&-
[ $? = 2 ] || fail 'closed standard error' schedule nothing

echo "$cases cases, $failures failures"
[ $failures = 0 ]
