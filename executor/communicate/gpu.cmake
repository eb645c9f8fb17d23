# Communicators for GPUs: chimera_loopback joins workers that share one, chimera_nccl those that have their own.
find_package(CUDAToolkit REQUIRED)

add_library(chimera_loopback_kernels STATIC communicate/cuda/add.cu)
target_include_directories(chimera_loopback_kernels PRIVATE ${PROJECT_SOURCE_DIR})
target_compile_options(chimera_loopback_kernels PRIVATE -std=c++20)  # CMake 3.25 does not know that nvcc can
target_link_libraries(chimera_loopback_kernels PUBLIC CUDA::cudart)

add_library(chimera_loopback STATIC communicate/cuda/cuda_stream.cpp engine/cuda/cuda_work_queue.cpp
            engine/cuda/cuda_graph.cpp)
target_link_libraries(chimera_loopback PUBLIC chimera_engine chimera_cuda chimera_loopback_kernels CUDA::cudart)

# Also inside a Python package: site-packages/nvidia/nccl holds include/nccl.h and lib/libnccl.so.2 (without libnccl.so).
set(CHIMERA_NCCL_ROOT "" CACHE PATH "Where NCCL is, if not where the compiler looks: the folder above its include and lib")
set(nccl_hints ${CHIMERA_NCCL_ROOT} $ENV{NCCL_ROOT} $ENV{NCCL_HOME} ${CUDAToolkit_LIBRARY_ROOT})
find_path(CHIMERA_NCCL_INCLUDE nccl.h HINTS ${nccl_hints} ${CUDAToolkit_INCLUDE_DIRS} PATH_SUFFIXES include)
find_library(CHIMERA_NCCL_LIBRARY NAMES nccl libnccl.so.2 NAMES_PER_DIR HINTS ${nccl_hints} ${CUDAToolkit_LIBRARY_DIR} PATH_SUFFIXES lib lib64)
mark_as_advanced(CHIMERA_NCCL_INCLUDE CHIMERA_NCCL_LIBRARY)

set(CHIMERA_NCCL_FOUND OFF)
if(CHIMERA_NCCL_INCLUDE AND CHIMERA_NCCL_LIBRARY)
  file(STRINGS ${CHIMERA_NCCL_INCLUDE}/nccl.h nccl_version REGEX "#define NCCL_(MAJOR|MINOR) [0-9]+")
  list(TRANSFORM nccl_version REPLACE ".* " "")
  list(JOIN nccl_version . nccl_version)
  if(nccl_version VERSION_LESS 2.18)
    message(STATUS "chimera: NCCL ${nccl_version} is older than 2.18: the communicator nccl is skipped")
  else()
    set(CHIMERA_NCCL_FOUND ON)
  endif()
else()
  message(STATUS "chimera: no NCCL found (CHIMERA_NCCL_ROOT says where to look): the communicator nccl is skipped")
endif()

if(CHIMERA_NCCL_FOUND)
  file(GLOB nccl_sources CONFIGURE_DEPENDS communicate/nccl/*.cpp)
  add_library(chimera_nccl STATIC ${nccl_sources})
  target_include_directories(chimera_nccl SYSTEM PRIVATE ${CHIMERA_NCCL_INCLUDE})
  target_compile_definitions(chimera_nccl PUBLIC CHIMERA_NCCL)
  target_link_libraries(chimera_nccl PUBLIC chimera_communicate chimera_cuda CUDA::cudart PRIVATE ${CHIMERA_NCCL_LIBRARY})
endif()
