#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# bench/gpu.sh, with programs that stand in for the toolkit, the GPU and the suites. Usage: gpu_bench.sh SOURCE [FOLDER]; FOLDER:
# where the tests of the operations on a GPU are built, if they are, so that ctest can say what they are called.
# shellcheck source-path=SCRIPTDIR source=common.sh disable=SC2016,SC2028
source "$(dirname "$0")/common.sh"
unset LDFLAGS CUDA_ARCHITECTURES  # which gpu.sh would pass on
# shellcheck disable=SC2154  # folder, program: common.sh
tests_folder=${2:+$(realpath "$2")}
tree=$folder/tree bin=$folder/bin packages=$folder/packages
python=$(python3 -c 'import sys; print(sys.executable)') compiler=$(command -v "${CXX:-c++}")
mkdir -p "$tree/bench/peers" "$bin" "$packages"
cp "$program"/bench/gpu.sh "$program"/bench/gpu_*.sh "$program"/bench/gpu_packages.py "$tree/bench"
export fakes=$folder python packages

# fake NAME <<SCRIPT: a program of that name, which keeps its arguments and environment.
fake() {
    {
        printf '#!/usr/bin/env bash\nname=%q\n' "$1"
        echo 'printf "%s %s\n" "$name" "$*" >>"$fakes/calls"; env >"$fakes/environment_of_$name"; absent() { [ -e "$fakes/no_$1" ]; }'
        cat
    } >"$bin/$1"
    chmod +x "$bin/$1"
}
fake nvcc <<<'absent release && release=11.8; echo "Cuda compilation tools, release ${release:-13.0}, V${release:-13.0}.1"'
fake nvidia-smi <<<'absent gpu && exit 9; [[ "$*" = *compute_cap* ]] && echo 9.0 || echo "NVIDIA H200"'
fake ninja <<<''
fake c++ <<<'header=$(sed "s/#include <\(.*\)>/\1/"); ! absent "${header//\//_}"'
fake compute-sanitizer <<<'exit 0'
fake python3 <<'EOF2'
case $1 in
    *gpu_packages.py) PYTHONPATH=$packages exec "$python" -S "$@" ;;
    -c) ! absent torch ;;
    *gpu_report.py) ls "$2" ;;
    *) ;;
esac
EOF2
fake ctest <<'EOF2'
absent tests || echo ' 1/2 Test  #1: cuda_on_gpu.cuda.add .....   Passed    0.31 sec'
echo ' 2/2 Test  #2: cuda_on_gpu.cuda.sum .....***Skipped   0.31 sec'
EOF2
fake bench_gpu <<'EOF2'
suite=$*
suite=${suite##--quick }
echo "json {\"suite\":\"machine\",\"attention\":\"$(cat "$fakes/attention")\"}"
[ "${suite%% *}" != "$(cat "$fakes/broken" 2>/dev/null)" ] || { echo 'out of memory' >&2; exit 3; }
[ "${suite%% *}" != "$(cat "$fakes/hangs" 2>/dev/null)" ] || { printf 'half a li'; sleep 60; }
EOF2
fake cmake <<'EOF2'
[ "$1" != -S ] || { echo '-- chimera: CUDA parts are built'; ! absent cublasLt.h_for_cmake || { echo "-- chimera: the CUDA parts are skipped"; }; exit 0; }
[ "$1" = --build ] || exit 0
! absent compilation || { echo 'error: no such thing'; exit 1; }
for made in bench/gpu/bench_gpu tests/device/cuda/test_cuda_operations_on_gpu tests/train/cuda/test_train_cuda_on_gpu; do
    mkdir -p "$(dirname "$2/$made")"; cp "$fakes/bin/bench_gpu" "$2/$made"
done
EOF2

# runs STATUS ARGUMENTS…: gpu.sh; what it says is in said, what it called in calls.
runs() {
    local wanted=$1 result
    shift
    : >"$folder/calls"
    PATH=$bin:/usr/bin:/bin CXX='' timeout 100 bash "$tree/bench/gpu.sh" "$@" >"$folder/said" 2>&1
    result=$?
    [ $result = "$wanted" ] || fail "exit $result instead of $wanted: gpu.sh $*: $(cat "$folder/said")"
}
said() { grep -qF -- "$1" "$folder/said" || fail "no '$1' in: $(cat "$folder/said")"; }
called() { grep -qE -- "$1" "$folder/calls" || fail "no call like '$1' in: $(cat "$folder/calls")"; }
never() { ! grep -qE -- "$1" "$folder/calls" || fail "a call like '$1' in: $(cat "$folder/calls")"; }
logged() { grep -qF -- "$2" "$tree/build/gpu/log/$1" || fail "no '$2' in log $1: $(cat "$tree/build/gpu/log/$1")"; }
echo 'cuDNN 9.19.0' >"$folder/attention"

# All that is missing is said at once, before anything is built.
touch "$folder"/no_{gpu,torch,dnnl.hpp,cublasLt.h,release}
runs 2
for what in 'no nvcc of CUDA 12 or newer' 'no dnnl.hpp' 'libdnnl-dev' 'no cublasLt.h' 'no cudnn_frontend.h' 'no GPU' 'no PyTorch'; do said "$what"; done
[ "$(grep -c 'no GPU' "$folder/said")" = 1 ] || fail 'the GPU is missed more than once'
never '^cmake -S|^ctest'
runs 2 --only tests
said 'no tests/train/cuda/test_train_cuda_on_gpu (the step build makes it)'
rm "$folder"/no_*
runs 2 --only build
said 'or go without fused attention, which is slower: --without-fused-attention'
never '^cmake -S'
runs 2 --only build,test
said 'unknown step test'
runs 2 --only
said '--only takes a value'
runs 2 --prefix nowhere
said 'no folder nowhere'

# Without a GPU it builds and writes the page.
touch "$folder/no_gpu" "$folder/no_cudnn.h"
runs 2 --only build
said 'no cudnn.h'
runs 0 --only build --only page --without-fused-attention --output "$folder/page.md"
called '^cmake -S .* -DCHIMERA_CUDNN_FRONTEND=( |$)'
called '^cmake --build .* --target bench_gpu chimera_program gpu_tests'
grep -q build "$folder/page.md" || fail 'no page of the logs'
rm "$folder"/no_*

# Libraries of a prefix of unpacked packages, and of Python packages.
mkdir -p prefix/usr/include prefix/cudnn-frontend packages/include packages/nvidia/{cu13,cudnn,nccl}/lib
touch prefix/cudnn-frontend/cudnn_frontend.h packages/include/cudnn_frontend.h
touch packages/nvidia/{cu13/lib/lib{cublasLt,nvrtc,cudart}.so.13,cudnn/lib/libcudnn.so.9,nccl/lib/libnccl.so.2}
runs 0 --only build --prefix prefix
for flag in "PREFIX_PATH=$folder/prefix/usr" "BUILD_RPATH=$folder/prefix/usr/lib;" "CUDNN_FRONTEND=$folder/prefix/cudnn-frontend" \
    "CUDNN_ROOT=$packages/nvidia/cudnn" "NCCL_ROOT=$packages/nvidia/nccl" "CUDA_LIBRARY_ROOT=$packages/nvidia/cu13" CUDA_ARCHITECTURES=90; do
    called "^cmake -S .*$flag"
done
linker=$(sed -n 's/.*EXE_LINKER_FLAGS= *\([^ ]*\).*/\1/p' "$folder/calls")
runs 0 --only build
called "^cmake -S .*CUDNN_FRONTEND=$packages/include( |$)"
runs 2 --only build --frontend packages
said "no cudnn_frontend.h (looked in $packages)"
touch "$folder/no_cublasLt.h_for_cmake"
runs 2 --only build
said 'the CUDA parts are skipped'
never '^cmake --build'
rm "$folder"/no_*

# The whole, in order; each suite in a run of its own.
runs 0 --output "$folder/page.md"
[ "$(grep -oE '^(cmake -S|cmake --build|ctest|compute-sanitizer|bench_gpu|python3 -u|python3 bench)' "$folder/calls" | uniq | tr '\n' ' ')" = \
    'cmake -S cmake --build ctest compute-sanitizer bench_gpu python3 -u python3 bench ' ] || fail "order: $(cat "$folder/calls")"
called "^ctest .*-L \^gpu\\$ -j 4 --timeout 120 --no-tests=error"
for suite in products blocks llama models loopback; do called "^bench_gpu $suite$"; done
for part in blocks llama models; do called "^python3 -u .*pytorch_gpu.py --part $part$"; done
for tool in '--error-exitcode 9 .*operations_on_gpu' '--error-exitcode 9 .*training_on_gpu|train_cuda_on_gpu' '--tool racecheck'; do called "^compute-sanitizer .*$tool"; done
grep -q '^CUDA_DEVICE_MAX_CONNECTIONS=32' "$folder/environment_of_bench_gpu" || fail 'queues of the suite loopback'
runs 0 --only peer
for variable in TORCHINDUCTOR_CACHE_DIR="$tree/build" TRITON_CACHE_DIR="$tree/build" PYTORCH_ALLOC_CONF=expand; do
    grep -q "^$variable" "$folder/environment_of_python3" || fail "peer without $variable"
done
for log in environment build tests sanitize ours-products ours-loopback peer-blocks peer-models; do
    [ -e "$tree/build/gpu/log/$log" ] || fail "no log $log"
done

# --quick has tests, and the least of everything.
runs 0 --quick --output "$folder/page.md"
called '^bench_gpu --quick models 124M$'
called '^python3 -u .*--part models --quick 124M$'
never 'part blocks|^compute-sanitizer'
pattern=$(sed -n 's/^ctest .*-R \([^ ]*\).*/\1/p' "$folder/calls")
[ -n "$pattern" ] || fail "no pattern of tests: $(cat "$folder/calls")"
if [ -x "$tests_folder/test_cuda_operations_on_gpu" ]; then
    count=$(ctest --test-dir "$tests_folder" -N -R "$pattern" | sed -n 's/^Total Tests: //p')
    [ "${count:-0}" -ge 20 ] || fail "--quick runs ${count:-no} tests"
fi

# One that fails, or is cut off, leaves the others and its log; attention that is not fused stops the measuring.
echo blocks >broken
echo products >hangs
runs 1 --quick --only ours,page --output "$folder/page.md"
called '^bench_gpu --quick loopback$'
logged ours-blocks 'out of memory'
logged ours-blocks 'gpu.sh: failed with 3: suite blocks'
logged ours-products 'half a li'
logged ours-products 'gpu.sh: cut off after'
grep -q ours-products page.md || fail 'no page after a failure'
rm broken hangs
touch "$folder/no_tests"
runs 1 --only tests
said '1 tests were skipped and 0 passed'
touch "$folder/no_compilation"
runs 1 --only build,tests,ours
never '^ctest|^bench_gpu'
logged tests 'the build failed'
rm "$folder"/no_*
echo old | tee "$tree/build/gpu/log/"{ours-blocks,peer-blocks} >"$tree/build/gpu/log/environment"
runs 0 --only build  # nothing of an earlier build stays
[ ! -e "$tree/build/gpu/log/ours-blocks" ] || fail 'figures of another build'
! grep -q old "$tree/build/gpu/log/environment" || fail 'the environment of another build'
logged peer-blocks old
echo 'matrix products (no plan)' >attention
runs 1 --only ours
said 'attention is not fused'
never '^bench_gpu blocks'
runs 0 --only ours --without-fused-attention
called '^bench_gpu blocks'

# Bounds: two calls of nine minutes; --quick, three, the build aside.
most() { runs 0 --list "$@"; awk '/at most$/ {print $1}' said; }
[ "$(most --only build,tests,sanitize)" -le 540 ] || fail 'build, tests, sanitize: more than nine minutes'
[ "$(most --only ours,peer,page)" -le 540 ] || fail 'ours, peer, page: more than nine minutes'
[ "$(most --quick --only tests,sanitize,ours,peer,page)" -le 180 ] || fail 'more than three minutes'

# A library that a prefix's library needs is found by an RPATH, and not by a RUNPATH.
echo 'int inner() { return 0; }' >inner.cpp
echo 'int inner(); int outer() { return inner(); }' >outer.cpp
echo 'int outer(); int main() { return outer(); }' >main.cpp
"$compiler" -shared -fPIC inner.cpp -o libinner.so || fail 'libinner.so'
"$compiler" -shared -fPIC outer.cpp -L. -linner -o libouter.so || fail 'libouter.so'
link() { "$compiler" main.cpp -o program -L. -louter -Wl,-rpath,"$folder" "$@" || fail "link with $*"; }
link "$linker"
./program || fail "does not start, linked with '$linker'"
link -Wl,--enable-new-dtags
! ./program 2>/dev/null || fail 'starts with a RUNPATH'

echo "$failures failures"
[ $failures = 0 ]
