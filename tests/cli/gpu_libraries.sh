#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What CMake finds of CUDA's libraries in Python packages, and how it refuses what is not there: in a project of its own, with a toolkit
# of empty files. Usage: gpu_libraries.sh SOURCE
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$(dirname "$0")/common.sh"
# shellcheck disable=SC2154  # folder, program: common.sh
source_folder=$program toolkit=$folder/toolkit packages=$folder/packages/nvidia
unset CUDNN_ROOT CUDNN_HOME CUDACXX CUDA_PATH

mkdir -p "$toolkit"/{bin,include,lib64} "$packages"/{cu13,cudnn}/{include,lib} elsewhere/frontend include project
cat >"$toolkit/bin/nvcc" <<END
#!/bin/sh
echo '#\$ TOP=$toolkit' >&2
echo 'Cuda compilation tools, release 13.0, V13.0.88'
END
chmod +x "$toolkit/bin/nvcc"
touch "$toolkit"/{include/cuda_runtime.h,lib64/libcudart.so} {elsewhere/frontend,include}/cudnn_frontend.h
echo 'int nothing() { return 0; }' >project/nothing.cpp
cat >project/CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.25)
project(finds LANGUAGES CXX)
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)  # nothing of the system's is looked at
set(CMAKE_FIND_USE_SYSTEM_ENVIRONMENT_PATH OFF)
macro(enable_language)
endmacro()
set(CHIMERA_ENABLE_CUDA ON)
include($source_folder/cmake/cuda.cmake)
message(STATUS "found: \${CHIMERA_CUDA_FOUND}, \${CUDA_cublasLt_LIBRARY}, \${CHIMERA_CUBLASLT_INCLUDE}")
if(CHIMERA_CUDA_FOUND)
  add_library(chimera_cuda STATIC nothing.cpp)
  include($source_folder/executor/device/cuda/cudnn.cmake)
  get_target_property(folders CUDA::cublasLt INTERFACE_INCLUDE_DIRECTORIES)
  message(STATUS "folders: \${folders} \${CMAKE_CUDA_FLAGS}.")
endif()
END

# finds STATUS FLAG…: configures; what it says is in said, with one space for each break in line.
finds() {
    local wanted=$1 result
    shift
    rm -rf made
    cmake -S project -B made -DCMAKE_CXX_COMPILER_WORKS=1 -DCHIMERA_NVCC="$toolkit/bin/nvcc" -DCUDAToolkit_ROOT="$toolkit" "$@" >said 2>&1
    result=$?
    [ $result = "$wanted" ] || fail "exit $result instead of $wanted: $*: $(cat said)"
    tr -s ' \n' ' ' <said >line
}
said() { grep -qF -- "$1" line || fail "no '$1' in: $(cat said)"; }

finds 0
said 'comes, without libcublasLt, without cublasLt.h (CHIMERA_CUDA_LIBRARY_ROOT says where else to look): the CUDA parts are skipped'
said 'found: OFF'
touch "$packages"/cu13/{include/cublasLt.h,lib/libcublasLt.so.13}
finds 0 -DCHIMERA_CUDA_LIBRARY_ROOT="$packages/cu13"
said "found: ON, $packages/cu13/lib/libcublasLt.so.13, $packages/cu13/include"
said "folders: $toolkit/include;$packages/cu13/include ."
said 'attention by matrix products'

# The runtime too may be in a package; the toolkit's own comes first.
mv "$toolkit/lib64/libcudart.so" "$packages/cu13/lib/libcudart.so.13"
finds 0
said 'comes, without the CUDA runtime (libcudart and cuda_runtime.h)'
finds 0 -DCHIMERA_CUDA_LIBRARY_ROOT="$packages/cu13"
said "found: ON, $packages/cu13/lib/libcublasLt.so.13"
said "cu13/include -L$packages/cu13/lib."
touch "$toolkit"/lib64/{libcudart.so,libcublasLt.so} "$toolkit/include/cublasLt.h"
finds 0 -DCHIMERA_CUDA_LIBRARY_ROOT="$packages/cu13"
said "found: ON, $toolkit/lib64/libcublasLt.so, $toolkit/include"
said "folders: $toolkit/include ."

# Fused attention is never left out in silence where it was asked for.
finds 1 -DCHIMERA_CUDNN_FRONTEND="$folder/project"
said 'no cudnn_frontend.h in'
finds 1 -DCHIMERA_CUDNN_FRONTEND="$folder/include"
said 'no libcudnn.so.9 or no cudnn.h (CHIMERA_CUDNN_FRONTEND is set, and needs them) say where cuDNN is by CHIMERA_CUDNN_ROOT'
touch "$packages"/cudnn/{include/cudnn.h,lib/libcudnn.so.9}
finds 1 -DCHIMERA_CUDNN_FRONTEND="$folder/include" -DCHIMERA_CUDNN_ROOT="$packages/cudnn"
said 'no libnvrtc'
touch "$packages/cu13/lib/libnvrtc.so.13"
with_all=(-DCHIMERA_CUDNN_ROOT="$packages/cudnn" -DCHIMERA_CUDA_LIBRARY_ROOT="$packages/cu13")
finds 0 -DCHIMERA_CUDNN_FRONTEND="$folder/include" "${with_all[@]}"
said "fused attention by cuDNN ($packages/cudnn/lib/libcudnn.so.9)"
[ ! -e made/cudnn-frontend ] || fail 'a link that is not needed'
# Headers that include "../include/…" in a folder of another name.
finds 0 -DCHIMERA_CUDNN_FRONTEND="$folder/elsewhere/frontend" "${with_all[@]}"
[ -e made/cudnn-frontend/beside/../include/cudnn_frontend.h ] || fail 'no folder include beside'

echo "$failures failures"
[ $failures = 0 ]
