# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Sourced by gpu.sh: its steps. The bounds of build, tests and sanitize add up to nine minutes, and so do those of ours, peer and page;
# with --quick, those of all steps but build to three.
operations=tests/device/cuda/test_cuda_operations_on_gpu
training=tests/train/cuda/test_train_cuda_on_gpu
suites=bench/gpu/bench_gpu
machine=$(uname -m)
total=0 spare=0 failed=''
bound() { if [ -n "$quick" ]; then echo "$1"; else echo "$2"; fi; }  # bound QUICK FULL

# part LOG WHAT SECONDS COMMAND…: runs it, its output added to LOG, in SECONDS and what earlier parts of the call left.
part() {
    local file=$log/$1 what=$2 most=$(($3 + spare)) began=$SECONDS result=0
    total=$((total + $3))
    [ -z "$list" ] || { printf '%4d s: %s\n' "$3" "$what"; return 0; }
    shift 3
    printf '== %s (at most %d s)\n' "$what" "$most"
    # Five seconds are kept for what does not end when it is told to.
    timeout --kill-after=5 $((most > 10 ? most - 5 : most)) "$@" >>"$file" 2>&1 </dev/null || result=$?
    spare=$((most - (SECONDS - began)))
    spare=$((spare > 0 ? spare : 0))
    case $result in
        0) printf '   %d s\n' $((SECONDS - began)); return 0 ;;
        124 | 137) what="cut off after $((SECONDS - began)) s: $what" ;;
        *) what="failed with $result: $what"; tail -n 15 "$file" ;;
    esac
    status=1
    printf '\ngpu.sh: %s\n' "$what" | tee -a "$file"
    return $result
}
fresh() { [ -n "$list" ] || rm -f "${@/#/$log/}"; }  # fresh LOG…: of an earlier call nothing stays
skip() { status=1; echo "gpu.sh: $1 is left out ($failed)" | tee "$log/$1"; }

step_build() {
    local rpath="$prefix/lib;$prefix/lib/$machine-linux-gnu" name generator=() roots=()
    for name in cublasLt nvrtc cudart; do  # which may share one
        [ -z "${from[$name]:-}" ] || [[ " ${roots[*]-} " = *" ${from[$name]} "* ]] || roots+=("${from[$name]}")
    done
    [ -n "$prefix" ] || rpath=''
    # What libraries of a prefix need in their turn is searched for by an RPATH of the program, not by a RUNPATH (ld.so(8)).
    local flags=(-DCMAKE_BUILD_TYPE=Release -DCHIMERA_ENABLE_CUDA=ON -DCHIMERA_BUILD_BENCHMARKS=ON -DCHIMERA_BUILD_TESTS=ON
        -DCHIMERA_BUILD_EXAMPLES=OFF "-DCMAKE_CUDA_ARCHITECTURES=${architecture:-90}" "-DCMAKE_PREFIX_PATH=$prefix"
        "-DCMAKE_BUILD_RPATH=$rpath" "-DCMAKE_EXE_LINKER_FLAGS=${LDFLAGS:-} -Wl,--disable-new-dtags"
        "-DCHIMERA_CUDA_LIBRARY_ROOT=$(IFS=';'; echo "${roots[*]-}")" "-DCHIMERA_NCCL_ROOT=${from[nccl]:-}"
        "-DCHIMERA_CUDNN_ROOT=${from[cudnn]:-}" "-DCHIMERA_CUDNN_FRONTEND=${fused:+$frontend}")
    [ -f "$build/CMakeCache.txt" ] || ! have ninja || generator=(-G Ninja)
    fresh build
    part build 'configure' 60 cmake -S . -B "$build" "${generator[@]}" "${flags[@]}" || exit 2
    if [ -z "$list" ] && grep 'the CUDA parts are skipped' "$log/build" >&2; then exit 2; fi
    part build 'build' 180 cmake --build "$build" -j "$(nproc)" --target bench_gpu chimera_program gpu_tests || failed='the build failed'
}

step_tests() {
    local names=(-L '^gpu$')
    [ -z "$quick" ] || names=(-R '^cuda_on_gpu\.cuda\.')
    [ -z "$failed" ] || { skip tests; return; }
    fresh tests
    part tests 'tests' "$(bound 50 170)" ctest --test-dir "$build" "${names[@]}" -j 4 --timeout 120 --no-tests=error --output-on-failure || true
    [ -n "$list" ] || tests_ran
}
# Tests skip themselves where CUDA finds no GPU, and count as passed then.
tests_ran() {
    local skipped passed
    skipped=$(grep -c '\*\*\*Skipped' "$log/tests") || true
    passed=$(grep -cE ' Passed +[0-9.]+ sec$' "$log/tests") || true
    grep -E 'tests passed|^The following tests' "$log/tests" || true
    [ "$passed" -lt "$skipped" ] || return 0
    status=1
    echo "gpu.sh: $skipped tests were skipped and $passed passed (where nvidia-smi finds a GPU CUDA may not) the log tests says why; mend the driver" | tee -a "$log/tests"
}

step_sanitize() {
    [ -z "$quick" ] || return 0
    [ -z "$failed" ] || { skip sanitize; return; }
    fresh sanitize
    local check=("${sanitizer:-compute-sanitizer}" --error-exitcode 9)
    part sanitize 'memcheck, operations' 50 "${check[@]}" "$build/$operations" || true
    part sanitize 'memcheck, training in bf16' 40 "${check[@]}" "$build/$training" --gtest_filter='precisions/on_gpu.*/bf16' || true
    part sanitize 'racecheck, kernels of the operations' 40 "${check[@]}" --tool racecheck --kernel-name kernel_substring=chimera \
        "$build/$operations" || true
}

# suite NAME QUICK FULL [ARGUMENT…]: in a run of its own, so that one that fails leaves the others.
suite() {
    local name=$1 seconds
    seconds=$(bound "$2" "$3")
    shift 3
    fresh "ours-$name"
    part "ours-$name" "suite $name" "$seconds" env CUDA_DEVICE_MAX_CONNECTIONS="$connections" "$build/$suites" ${quick:+--quick} "$name" "$@" || true
}
step_ours() {
    local only=() connections=8  # CUDA's default: hardware queues, which streams share where there are more of them
    [ -z "$quick" ] || only=(124M)
    [ -z "$failed" ] || { skip ours; return; }
    suite products 12 40
    [ -n "$list" ] || attention_is_fused || return 0
    suite blocks 12 40
    suite llama 12 40
    suite models 22 90 "${only[@]}"
    connections=32 suite loopback 18 60
}
# Stops what would measure attention by matrix products, unless told to.
attention_is_fused() {
    [ -n "$fused" ] || return 0
    local other
    other=$(grep -hoE '"attention": ?"matrix products[^"]*"' "$log/ours-products" | head -1) || return 0
    status=1
    echo "gpu.sh: attention is not fused (${other#*:}) mend it, or measure without: --without-fused-attention" | tee -a "$log/ours-products"
    return 1
}

step_peer() {
    export TORCHINDUCTOR_CACHE_DIR=$build/cache/inductor TRITON_CACHE_DIR=$build/cache/triton
    export PYTORCH_ALLOC_CONF=expandable_segments:True PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True
    local script=$here/peers/pytorch_gpu.py only=()
    [ -z "$quick" ] || only=(124M)
    fresh peer-blocks peer-llama peer-models
    if [ -z "$quick" ]; then
        part peer-blocks 'peer, blocks' 60 python3 -u "$script" --part blocks || true
        part peer-llama 'peer, LLaMA blocks' 60 python3 -u "$script" --part llama || true
    fi
    part peer-models 'peer, models' "$(bound 45 140)" python3 -u "$script" --part models ${quick:+--quick} "${only[@]}" || true
}

step_page() {
    fresh page
    # shellcheck disable=SC2016  # $1, $2: of the inner shell
    part page 'page' "$(bound 5 10)" bash -c 'mkdir -p "$(dirname "$2")" && python3 bench/gpu_report.py "$1" >"$2.part" && mv "$2.part" "$2"' \
        page "$log" "$output" || return 0
    [ -n "$list" ] || echo "gpu.sh: the page is $output"
}
