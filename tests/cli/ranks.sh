#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chimera train as several processes that share the workers: the bits of one process, and how all end when one does not go on.
# Usage: ranks.sh PROGRAM
source "$(dirname "$0")/common.sh"

# Not what a launcher of this test may have set.
unset RANK WORLD_SIZE LOCAL_RANK MASTER_ADDR MASTER_PORT CHIMERA_JOB CHIMERA_TIMEOUT "${!OMPI_@}" "${!PMI_@}" "${!PMIX_@}" "${!SLURM_@}"

free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 20000))
        (echo >"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

# start SIZE ARGUMENTS…: one process for each rank but `absent`, out.R and err.R what it says, pids[R]; `extra` (by rank) adds to its
# arguments, `patience` is its time-out
declare -A extra=()
start() {
    local size=$1 rank
    shift
    port=$(free_port)
    pids=()
    for ((rank = 0; rank < size; rank++)); do
        [ "$rank" != "${absent:-}" ] || continue
        # shellcheck disable=SC2086
        RANK=$rank WORLD_SIZE=$size MASTER_PORT=$port CHIMERA_TIMEOUT=${patience:-60} \
            "$program" train "$@" --device cpu ${extra[$rank]:-} >"out.$rank" 2>"err.$rank" </dev/null &
        pids[rank]=$!
    done
}
# finish: waits for all; statuses[R]
finish() {
    local rank
    statuses=()
    for rank in "${!pids[@]}"; do
        wait "${pids[$rank]}"
        statuses[rank]=$?
    done
}
# all_good NAME: every rank ended well, and only the first one has said anything
all_good() {
    local rank
    for rank in "${!pids[@]}"; do
        [ "${statuses[$rank]}" = 0 ] || fail "$1: rank $rank: exit ${statuses[$rank]}: $(cat "err.$rank")"
        [ "$rank" = 0 ] || [ ! -s "out.$rank" ] || fail "$1: rank $rank wrote to standard output"
        [ ! -s "err.$rank" ] || fail "$1: rank $rank: $(cat "err.$rank")"
    done
    grep -q '^configuration' out.0 || fail "$1: no table"
}
# ends_with NAME STATUS RANK PART…: one line that holds PART
ends_with() {
    local name=$1 status=$2 rank=$3
    shift 3
    [ "${statuses[$rank]}" = "$status" ] || fail "$name: rank $rank: exit ${statuses[$rank]} instead of $status"
    [ "$(wc -l <"err.$rank")" = 1 ] || fail "$name: rank $rank: $(wc -l <"err.$rank") lines on standard error: $(cat "err.$rank")"
    [ ! -s "out.$rank" ] || fail "$name: rank $rank wrote to standard output"
    local part
    for part; do
        grep -qF -- "$part" "err.$rank" || fail "$name: rank $rank: no '$part' in: $(cat "err.$rank")"
    done
}
# wait_for_steps FOLDER COUNT
wait_for_steps() {
    local i
    for ((i = 0; i < 1200; i++)); do
        [ "$(cat "$1/log.jsonl" 2>/dev/null | wc -l)" -ge "$2" ] && return
        sleep 0.05
    done
    fail "$1: no $2 steps within a minute"
}
losses() { grep -o '"step":[0-9]*,"loss":[^,]*,"learning_rate":[^,]*,"gradient_norm":[^,]*' "$1/log.jsonl"; }
# same NAME FOLDER FOLDER
same() {
    cmp -s "$2/checkpoint.safetensors" "$3/checkpoint.safetensors" || fail "$1: other bits"
    [ -n "$(losses "$2")" ] && [ "$(losses "$2")" = "$(losses "$3")" ] || fail "$1: other losses or norms"
}

for ((i = 0; i < 400; i++)); do echo "line $i of a text that is $((i * i % 97)) long"; done >text.txt
model='{"layers":4,"heads":2,"channels":16,"context":16}'
echo "{\"data\":\"text.txt\",\"model\":$model,\"batch\":{\"sequences\":2},\"optimiser\":{\"steps\":5},\"validation_windows\":64}" >short.json
echo "{\"data\":\"text.txt\",\"model\":$model,\"batch\":{\"sequences\":2},\"optimiser\":{\"steps\":100000}}" >endless.json
short=(short.json --quiet)
endless=(endless.json --quiet --checkpoint-interval 5)

# Every kind of schedule: the checkpoint, byte for byte, losses and norms of one process.
compare() {
    local name=$1 size=$2
    shift 2
    "$program" train "${short[@]}" --device cpu --output "$name.one" "$@" >"$name.txt" || fail "$name: exit $?"
    start "$size" "${short[@]}" --output "$name.many" "$@"
    finish
    all_good "$name"
    same "$name" "$name.one" "$name.many"
    [ "$(grep '^validation' out.0)" = "$(grep '^validation' "$name.txt")" ] || fail "$name: another validation loss"
}
compare one_f_one_b 4 --family one_f_one_b --stages 4 --micro-batches 4
compare bidirectional 4 --stages 4 --micro-batches 4
compare zb_h1 4 --family zb_h1 --stages 4 --micro-batches 4
compare width 4 --family one_f_one_b --stages 2 --micro-batches 4 --width 2
compare pipedream 4 --family pipedream --stages 4 --micro-batches 9
compare interleaved 2 --family interleaved --stages 4 --micro-batches 4
compare shares 2 --stages 4 --micro-batches 4 --width 2
# Rows of all workers are in the measured timeline: as many bars as where one process measured them.
[ "$(grep -c '"ph"' bidirectional.many/trace.json)" = "$(grep -c '"ph"' bidirectional.one/trace.json)" ] &&
    [ "$(grep -o '"ph":"X"' bidirectional.many/trace.json | wc -l)" = "$(grep -o '"ph":"X"' bidirectional.one/trace.json | wc -l)" ] ||
    fail 'timeline: not all workers are there'

# A signal to any rank stops all after the same step; resumed, by as many ranks or by one, with the bits of not stopping.
"$program" train "${short[@]}" --device cpu --steps 600 --output whole >/dev/null || fail "whole: exit $?"
start 4 "${short[@]}" --steps 600 --output cut
wait_for_steps cut 10
kill -TERM "${pids[2]}"
finish
all_good cut
[ "$(wc -l <cut/log.jsonl)" -lt 600 ] || fail 'cut: the signal to rank 2 stopped nobody'
cp -r cut cut_alone
start 4 "${short[@]}" --steps 600 --output cut --resume
finish
all_good resume
same resume whole cut
"$program" train "${short[@]}" --device cpu --steps 600 --output cut_alone --resume >/dev/null || fail "resume alone: exit $?"
cmp -s whole/checkpoint.safetensors cut_alone/checkpoint.safetensors || fail 'resume alone: other bits'

# A rank that is killed: all others say so at once, and the last checkpoint is whole.
for lost in 0 2; do
    start 4 "${endless[@]}" --output "killed$lost"
    wait_for_steps "killed$lost" 12
    began=$SECONDS
    kill -KILL "${pids[$lost]}"
    finish 2>/dev/null
    [ $((SECONDS - began)) -lt 45 ] || fail "killed: the others took $((SECONDS - began)) s"
    for rank in 0 1 2 3; do
        [ $rank != $lost ] || continue
        ends_with killed 3 $rank
        grep -qE "worker $lost|rank $lost" "err.$rank" || fail "killed: rank $rank does not name rank $lost: $(cat "err.$rank")"
    done
done
"$program" train endless.json --quiet --device cpu --output killed2 --resume >.out 2>.err &
pid=$!
before=$(wc -l <killed2/log.jsonl)
wait_for_steps killed2 $((before + 3))
kill -TERM $pid
wait $pid || fail "killed: cannot be resumed: $(cat .err)"

# A rank that stands still: the watchdogs of the others name it.
patience=10
start 4 "${endless[@]}" --output stopped --watchdog 2
unset patience
wait_for_steps stopped 6
kill -STOP "${pids[1]}"
for rank in 0 2 3; do
    wait "${pids[$rank]}"
    statuses[rank]=$?
done
kill -KILL "${pids[1]}"
wait "${pids[1]}" 2>/dev/null
for rank in 0 2 3; do ends_with stopped 3 $rank; done
grep -qhE 'no progress for 2 s|rank 1' err.0 err.2 err.3 || fail "stopped: nobody says why: $(cat err.0 err.2 err.3)"

# What is wrong on one rank ends all before anything is written.
start 3 "${short[@]}" --output wrong --stages 4 --micro-batches 4
finish
for rank in 0 1 2; do ends_with 'world size' 2 $rank 'WORLD_SIZE is 3' '4 workers'; done
extra=([2]='--seed 5')
start 4 "${short[@]}" --output wrong
finish
for rank in 0 1 2 3; do ends_with 'another job' 2 $rank 'rank 2 has another job'; done
extra=([1]='--data missing.txt')
start 4 "${short[@]}" --output wrong
finish
for rank in 0 1 2 3; do ends_with 'missing data' 2 $rank 'missing.txt cannot be found'; done
extra=()
absent=3
patience=3
start 4 "${short[@]}" --output wrong
finish
for rank in 0 1 2; do ends_with 'missing rank' 2 $rank 'rank 3 did not come within 3 s'; done
unset absent patience
[ ! -e wrong ] || fail 'a run that was refused has written'

# What only rank 0 runs into, in the middle of the run.
(
    failures=0
    export LLVM_PROFILE_FILE=/dev/null  # a build that counts lines would write them to a file, too
    ulimit -f 8
    start 4 "${short[@]}" --output full
    finish
    for rank in 0 1 2 3; do ends_with full 2 $rank 'File too large'; done
    [ $failures = 0 ]
) || fail 'full'
[ ! -e full/checkpoint.safetensors ] || fail 'full: half a checkpoint'

# Ranks as launchers make them. Of a Slurm allocation the numbers are the allocation's, of its step the step's.
allocation=(SLURM_JOB_ID=77 SLURM_NTASKS=8 SLURM_NPROCS=8 SLURM_NNODES=2 SLURM_TASKS_PER_NODE='4(x2)')
launched() {
    local kind=$1 rank
    shift
    pids=()
    port=$(free_port)
    for rank in 0 1; do
        case $kind in
            torchrun) set_by=(RANK=$rank WORLD_SIZE=2 LOCAL_RANK=$rank LOCAL_WORLD_SIZE=2 MASTER_ADDR=localhost
                TORCHELASTIC_USE_AGENT_STORE=True TORCHELASTIC_RUN_ID=none GROUP_RANK=0 ROLE_RANK=$rank) ;;
            mpich) set_by=(PMI_RANK=$rank PMI_SIZE=2 PMI_FD=9 MPI_LOCALRANKID=$rank MPI_LOCALNRANKS=2) ;;
            srun) set_by=("${allocation[@]}" SLURM_PROCID=$rank SLURM_LOCALID=$rank SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2
                SLURM_STEP_NUM_NODES=1 SLURM_STEP_NODELIST=n1) ;;
            nodes) set_by=(SLURM_PROCID=$rank SLURM_STEP_ID=0 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NUM_NODES=2
                SLURM_STEP_NODELIST='localhost,n[2-3]') ;;
        esac
        env "${set_by[@]}" MASTER_PORT="$port" CHIMERA_TIMEOUT=60 "$program" train "$@" --device cpu \
            >"out.$rank" 2>"err.$rank" </dev/null &
        pids[rank]=$!
    done
    finish
}
for kind in torchrun srun nodes mpich; do
    # MPI's own library would ask its launcher, which is not there.
    [ $kind != mpich ] || ! command -v mpirun >/dev/null || continue
    launched $kind "${short[@]}" --output "by_$kind" --stages 4 --micro-batches 4
    all_good "$kind"
    same "$kind" bidirectional.one "by_$kind"
done
# By hand within an allocation, from a batch script, a shell of salloc and one that is an interactive step: a process alone.
for kind in shell batch interactive; do
    set_by=("${allocation[@]}")
    [ $kind = shell ] || set_by+=(SLURM_PROCID=0 SLURM_LOCALID=0 SLURM_NODEID=0)
    [ $kind != interactive ] || set_by+=(SLURM_STEP_ID=4294967290 SLURM_STEP_NUM_TASKS=1 SLURM_STEP_NUM_NODES=1)
    env "${set_by[@]}" CHIMERA_TIMEOUT=2 "$program" train "${short[@]}" --device cpu --output "by_$kind" >out.0 2>err.0 ||
        fail "$kind: exit $?: $(cat err.0)"
    same "$kind" bidirectional.one "by_$kind"
done

# Where ranks meet that nobody can, or in another form: at once, in one line. An IPv6 address may stand in brackets.
for address in no.such.name.invalid localhost:29500 '[::1]:29500' 'two words' 192.0.2.7; do
    began=$SECONDS
    RANK=0 WORLD_SIZE=2 MASTER_ADDR=$address MASTER_PORT=$(free_port) CHIMERA_TIMEOUT=60 \
        "$program" train "${short[@]}" --device cpu --output wrong >out.0 2>err.0 </dev/null
    statuses=([0]=$?)
    ends_with "MASTER_ADDR $address" 2 0 "${address%%:29500}"
    [ $((SECONDS - began)) -lt 40 ] || fail "MASTER_ADDR $address: took $((SECONDS - began)) s"
done
if (exec 3<>"/dev/udp/::1/9") 2>/dev/null; then
    export MASTER_ADDR='[::1]'
    start 2 "${short[@]}" --output brackets --stages 4 --micro-batches 4
    finish
    unset MASTER_ADDR
    all_good brackets
fi

# A rank that is stopped between iterations: the others wait for it once.
patience=4
start 2 "${endless[@]}" --output paused --stages 2 --micro-batches 2 --family one_f_one_b --watchdog 3
unset patience
wait_for_steps paused 6
kill -STOP "${pids[1]}"
began=$SECONDS
wait "${pids[0]}"
statuses=([0]=$?)
[ $((SECONDS - began)) -le 20 ] || fail "paused: rank 0 took $((SECONDS - began)) s"
kill -KILL "${pids[1]}"
wait "${pids[1]}" 2>/dev/null
ends_with paused 3 0

if ! command -v mpirun >/dev/null; then
    echo 'skipped: mpirun (not installed)'
elif ! mpirun --allow-run-as-root --oversubscribe -np 2 true 2>/dev/null; then
    echo 'skipped: mpirun (it starts no two processes here)'
else
    # mpirun -np 4 chimera train job.json; Open MPI leaves memory of parts that it has unloaded, which have no name to suppress.
    export ASAN_OPTIONS=detect_leaks=0
    mpirun --allow-run-as-root --oversubscribe -np 4 "$program" train "${short[@]}" --device cpu --output over_mpi \
        --family zb_h1 --stages 4 --micro-batches 4 >out.0 2>err.0 || fail "mpirun: exit $?: $(cat err.0)"
    same mpirun zb_h1.one over_mpi
    mpirun --allow-run-as-root --oversubscribe -np 3 "$program" train "${short[@]}" --device cpu --output wrong >out.0 2>err.0 &&
        fail 'mpirun: 3 ranks for 4 workers: exit 0'
    grep -qF '3 ranks cannot share 4 workers' err.0 || fail "mpirun: no reason in: $(cat err.0)"
fi

echo "$failures failures"
[ $failures = 0 ]
