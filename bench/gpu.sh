#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds on a machine with a GPU, runs the device tests there, then the suites and PyTorch on the same work, and writes one page.
#
#     bash bench/gpu.sh [--prefix FOLDER] [--output FILE] [--quick]
#
# --prefix: where libraries are that no package manager put in place (a folder that holds include and lib); their shared
#   libraries are found there at run time too. NCCL and cuDNN may be Python packages: they are looked for.
# --output: the page (bench/results/gpu.md). --quick: no tests but the operations', 124M alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

prefix='' output=bench/results/gpu.md quick=''
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=$(realpath "$2"); shift 2 ;;
        --output) output=$2; shift 2 ;;
        --quick) quick=1; shift ;;
        *) echo "bench/gpu.sh: unknown option $1 (--prefix FOLDER, --output FILE, --quick)" >&2; exit 2 ;;
    esac
done
command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin
command -v nvcc >/dev/null || { echo "bench/gpu.sh: no nvcc (looked in PATH and /usr/local/cuda/bin) install the CUDA toolkit" >&2; exit 2; }
nvidia-smi >/dev/null 2>&1 || { echo "bench/gpu.sh: no GPU (nvidia-smi finds none) run it where there is one" >&2; exit 2; }

# Folder of a library inside a Python package, if that is there.
wheel() { python3 -c "import nvidia.$1 as m; print(list(m.__path__)[0])" 2>/dev/null || true; }

build=build/gpu
libraries=$prefix/lib:$prefix/lib/x86_64-linux-gnu:$(wheel nccl)/lib:$(wheel cudnn)/lib
flags=(-DCMAKE_BUILD_TYPE=Release -DCHIMERA_ENABLE_CUDA=ON -DCHIMERA_BUILD_BENCHMARKS=ON -DCHIMERA_BUILD_TESTS=ON
    -DCMAKE_CUDA_ARCHITECTURES="${CUDA_ARCHITECTURES:-90}" "-DCMAKE_BUILD_RPATH=${libraries//:/;}")
[ -z "$prefix" ] || flags+=("-DCMAKE_PREFIX_PATH=$prefix")
[ -z "$(wheel nccl)" ] || flags+=("-DCHIMERA_NCCL_ROOT=$(wheel nccl)")
command -v ninja >/dev/null && flags+=(-G Ninja)
cmake -S . -B $build "${flags[@]}"
cmake --build $build -j "$(nproc)" --target bench_gpu chimera_program gpu_tests

mkdir -p "$(dirname "$output")"
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
status=0
names=(-L '^gpu$')
[ -z "$quick" ] || names+=(-R operations)
ctest --test-dir $build "${names[@]}" --output-on-failure 2>&1 | tee "$log/tests" | tail -40 || status=1
if [ -z "$quick" ] && command -v compute-sanitizer >/dev/null; then
    compute-sanitizer --error-exitcode 9 $build/tests/device/cuda/test_cuda_operations_on_gpu >"$log/sanitizer" 2>&1 || status=1
    tail -3 "$log/sanitizer"
fi
models=()
[ -z "$quick" ] || models=(124M)
# Each suite in a run of its own: one that fails leaves the others.
for suite in products blocks models loopback; do
    arguments=("$suite")
    [ $suite != models ] || arguments+=("${models[@]}")
    $build/bench/gpu/bench_gpu "${arguments[@]}" >>"$log/ours" 2>"$log/error" || { status=1; cat "$log/error"; }
done
if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    bench/peers/pytorch_gpu.py "${models[@]}" >"$log/peer" 2>"$log/error" || { status=1; tail -5 "$log/error"; }
else
    echo "no PyTorch that sees the GPU: no ratios"
    : >"$log/peer"
fi
{
    echo "# On a GPU"
    echo
    echo "\`bash bench/gpu.sh${quick:+ --quick}\`, $(date -u +%Y-%m-%d), $(git rev-parse --short HEAD 2>/dev/null || echo 'no commit'), random data."
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
    nvcc --version | sed -n 's/^Cuda compilation tools, //p'
    echo
    grep -v '^json ' "$log/ours" || true
    echo
    bench/gpu_report.py "$log/ours" "$log/peer"
    echo
    echo "Tests on the GPU:"
    echo
    sed -n 's/^/    /; /tests passed/p; /The following tests/,$p' "$log/tests" | tail -20
} >"$output"
cat "$output"
exit $status
