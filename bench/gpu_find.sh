# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: Apache-2.0
# Sourced by gpu.sh: finds compilers and libraries, and names what a step misses before anything is built.

# find_libraries: where things are: nvcc, release (13), prefix, frontend, and from[NAME], the folder above include and lib of a library.
declare -A from=()
find_libraries() {
    command -v nvcc >/dev/null || PATH=$PATH:/usr/local/cuda/bin
    nvcc=$(command -v nvcc || true)
    release=''
    [ -z "$nvcc" ] || release=$("$nvcc" --version 2>/dev/null | sed -n 's/.*release \([0-9]*\)\..*/\1/p')
    beside=${nvcc:+$(dirname "$(dirname "$(realpath "$nvcc")")")}
    local outside=$prefix name folder
    [ -z "$prefix" ] || [ ! -d "$prefix/usr/include" ] || prefix=$prefix/usr
    while read -r name folder; do from[$name]=$folder; done < <(python3 "$here/gpu_packages.py" "${release:-13}" 2>/dev/null)
    [ -n "$frontend" ] || for folder in "$outside"{,/..}/cudnn-frontend{,/include} "${from[frontend]:-}" /usr/include; do
        [ ! -f "$folder/cudnn_frontend.h" ] || { frontend=$(realpath "$folder"); break; }
    done
    architecture=${CUDA_ARCHITECTURES:-$( (nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null || true) | sed -n '1s/[^0-9]//gp')}
}

have() { command -v "$1" >/dev/null; }
# need TEXT COMMAND…: notes what is missing, once, where the command fails.
need() {
    local text=$1
    shift
    "$@" >/dev/null 2>&1 || [[ " ${missing[*]-} " = *"$text"* ]] || missing+=("$text")
}

# includes HEADER FOLDER…: the compiler finds it, also under these folders.
includes() {
    local header=$1 flags=() folder
    shift
    for folder in "$@"; do [ ! -d "$folder" ] || flags+=(-I "$folder"); done
    echo "#include <$header>" | timeout 20 "${CXX:-c++}" -std=c++20 -M "${flags[@]}" -x c++ -
}
# Header and Debian package of what every build of the program, its tests and its benchmarks includes.
headers=(dnnl.hpp libdnnl-dev CL/cl.h ocl-icd-opencl-dev range/v3/core.hpp librange-v3-dev nlohmann/json.hpp nlohmann-json3-dev
    CLI/CLI.hpp libcli11-dev xxhash.h libxxhash-dev gtest/gtest.h libgtest-dev gmock/gmock.h libgmock-dev
    benchmark/benchmark.h libbenchmark-dev)

need_build() {
    local i beside_include=("$beside/include" "$beside/targets/$machine-linux/include")
    need "no nvcc (looked in PATH and /usr/local/cuda/bin) install the CUDA toolkit, 12 or newer" test -n "$nvcc"
    need "no nvcc of CUDA 12 or newer ($nvcc is of ${release:-an unknown release}) install a newer toolkit" test "${release:-0}" -ge 12
    need "no cmake (3.25 or newer is needed) python3 -m pip install cmake" have cmake
    need "neither ninja nor make (one of them runs the compilers) python3 -m pip install ninja" eval 'have ninja || have make'
    have "${CXX:-c++}" || { need "no C++ compiler ${CXX:-c++} (C++20 is needed) install g++ 12 or newer, or set CXX" false; return 0; }
    for ((i = 0; i < ${#headers[@]}; i += 2)); do
        need "no ${headers[i]} (looked in the system's folders${prefix:+ and $prefix}) install ${headers[i + 1]}, or say where it is unpacked by --prefix FOLDER" \
            includes "${headers[i]}" "$prefix/include"
    done
    need "no cublasLt.h (looked beside nvcc and in Python packages) python3 -m pip install nvidia-cublas nvidia-cuda-nvrtc" \
        includes cublasLt.h "${beside_include[@]}" "${from[cublasLt]:-}/include"
    [ -n "$fused" ] || return 0
    local without='or go without fused attention, which is slower: --without-fused-attention'
    need "no cudnn_frontend.h (looked in ${frontend:-cudnn-frontend of and beside the prefix, Python packages and /usr/include}) python3 -m pip install nvidia-cudnn-frontend, or say where it is by --frontend FOLDER, $without" \
        test -f "$frontend/cudnn_frontend.h"
    need "no cudnn.h (looked beside nvcc and in Python packages) python3 -m pip install nvidia-cudnn-cu${release:-13}, $without" \
        includes cudnn.h "${beside_include[@]}" "${from[cudnn]:-}/include"
}

need_gpu() { need "no GPU (nvidia-smi finds none) run it where there is one; without one: --only build,page" timeout 60 nvidia-smi; }
need_program() { chosen build || need "no $1 (the step build makes it) run that step first: --only build" test -x "$build/$1"; }

need_tests() { need_gpu; need "no ctest (it comes with cmake) python3 -m pip install cmake" have ctest; need_program "$(bound "$operations" "$training")"; }
need_sanitize() {
    need_gpu
    sanitizer=$(PATH=$PATH:$beside/bin command -v compute-sanitizer || true)
    if [ -z "$sanitizer" ] && [ "$given_steps" = 0 ]; then
        echo "gpu.sh: no compute-sanitizer (it is a part of the CUDA toolkit): the step sanitize is left out"
        steps=("${steps[@]/sanitize/}")
        return
    fi
    need "no compute-sanitizer (looked in PATH and $beside/bin) install it from the CUDA toolkit, or leave the step out" test -n "$sanitizer"
    need_program "$operations"
}
need_ours() { need_gpu; need_program "$suites"; }
need_peer() {
    need_gpu
    need "no PyTorch in $(command -v python3 || echo python3) (the peer) python3 -m pip install torch, or leave the step peer out by --only" \
        python3 -c 'import importlib.metadata as m, sys; sys.exit("+cpu" in m.version("torch"))'
}
need_page() { need "no python3 (it writes the page) install Python 3.9 or newer" have python3; }

# What the page says of machine and versions; each call adds its own.
write_environment() {
    printf 'command: bash bench/gpu.sh %s\ndate: %s\n' "${command[*]}" "$(date -u '+%F %T UTC')"
    printf 'commit: %s%s\n' "$(git rev-parse --short HEAD 2>/dev/null || echo unknown)" "$([ -z "$(git status --porcelain 2>/dev/null)" ] || echo ', with changes')"
    printf 'GPU: %s\n' "$(timeout 60 nvidia-smi --query-gpu=name,driver_version,memory.total,power.limit --format=csv,noheader 2>/dev/null || echo none)"
    printf 'processor: %s, %d cores\n' "$(sed -n 's/^model name\s*: //p' /proc/cpuinfo 2>/dev/null | head -1)" "$(nproc)"
    printf 'nvcc: %s\n' "$("${nvcc:-nvcc}" --version 2>/dev/null | sed -n 's/^Cuda compilation tools, //p')"
    printf 'compiler: %s\ncmake: %s\n' "$("${CXX:-c++}" --version 2>/dev/null | head -1)" "$(cmake --version 2>/dev/null | sed -n '1s/cmake version //p')"
    printf 'from Python packages: %s\n' "${!from[*]}"
    [ -z "$frontend" ] || printf 'cuDNN frontend: %s\n' "$(sed -n 's/^#define CUDNN_FRONTEND_[A-Z]*_VERSION \([0-9]*\).*/\1/p' "$frontend/cudnn_frontend_version.h" 2>/dev/null | paste -sd.)"
    echo
}
