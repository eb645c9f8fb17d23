# Device cuda: kernels by nvcc, the rest, which only calls libraries, by the C++ compiler.
find_package(CUDAToolkit REQUIRED)

file(GLOB kernel_sources CONFIGURE_DEPENDS device/cuda/*.cu device/cuda/kernels/*.cu)
add_library(chimera_kernels STATIC ${kernel_sources})
target_include_directories(chimera_kernels PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_compile_options(chimera_kernels PRIVATE -std=c++20)  # CMake 3.25 does not know that nvcc can
target_link_libraries(chimera_kernels PUBLIC CUDA::cudart)

file(GLOB cuda_sources CONFIGURE_DEPENDS device/cuda/*.cpp layers/cuda/*.cpp)
add_library(chimera_cuda STATIC ${cuda_sources})
target_compile_definitions(chimera_cuda PUBLIC CHIMERA_CUDA)
target_link_libraries(chimera_cuda PUBLIC chimera_layers chimera_kernels CUDA::cudart ${CMAKE_DL_LIBS})
# Loaded at the first call: its headers alone, and the folder to look in where the loader does not find it by its name.
target_include_directories(chimera_cuda SYSTEM PUBLIC $<TARGET_PROPERTY:CUDA::cublasLt,INTERFACE_INCLUDE_DIRECTORIES>)
cmake_path(GET CUDA_cublasLt_LIBRARY PARENT_PATH cublaslt_folder)
set_source_files_properties(device/cuda/cublaslt.cpp PROPERTIES COMPILE_DEFINITIONS "CHIMERA_CUBLASLT_FOLDER=\"${cublaslt_folder}\"")

list(JOIN CMAKE_CUDA_ARCHITECTURES ", " built_for)
set_source_files_properties(device/cuda/gpu.cpp PROPERTIES COMPILE_DEFINITIONS "CHIMERA_CUDA_ARCHITECTURES=\"${built_for}\"")

include(device/cuda/cudnn.cmake)
