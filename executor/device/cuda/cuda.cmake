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
target_link_libraries(chimera_cuda PUBLIC chimera_layers chimera_kernels CUDA::cudart CUDA::cublasLt)

list(JOIN CMAKE_CUDA_ARCHITECTURES ", " built_for)
set_source_files_properties(device/cuda/gpu.cpp PROPERTIES COMPILE_DEFINITIONS "CHIMERA_CUDA_ARCHITECTURES=\"${built_for}\"")

# Fused attention: cuDNN through its frontend, which is headers alone. Without them attention goes by matrix products.
set(CHIMERA_CUDNN_FRONTEND "" CACHE PATH "Folder with cudnn_frontend.h, for fused attention")
find_library(CHIMERA_CUDNN_LIBRARY cudnn HINTS ${CUDAToolkit_LIBRARY_DIR} ENV CUDNN_HOME PATH_SUFFIXES lib lib64)
find_path(CHIMERA_CUDNN_INCLUDE cudnn.h HINTS ${CUDAToolkit_INCLUDE_DIRS} ENV CUDNN_HOME PATH_SUFFIXES include)
mark_as_advanced(CHIMERA_CUDNN_LIBRARY CHIMERA_CUDNN_INCLUDE)
if(CHIMERA_CUDNN_FRONTEND AND NOT EXISTS ${CHIMERA_CUDNN_FRONTEND}/cudnn_frontend.h)
  message(FATAL_ERROR "chimera: no cudnn_frontend.h in ${CHIMERA_CUDNN_FRONTEND} (CHIMERA_CUDNN_FRONTEND names its folder) give the folder, or nothing")
elseif(CHIMERA_CUDNN_FRONTEND AND CHIMERA_CUDNN_LIBRARY AND CHIMERA_CUDNN_INCLUDE)
  set_source_files_properties(device/cuda/fused_attention.cpp PROPERTIES COMPILE_DEFINITIONS CHIMERA_CUDNN_FRONTEND)
  target_include_directories(chimera_cuda SYSTEM PRIVATE ${CHIMERA_CUDNN_FRONTEND} ${CHIMERA_CUDNN_INCLUDE})
  target_link_libraries(chimera_cuda PUBLIC ${CHIMERA_CUDNN_LIBRARY} CUDA::nvrtc)  # which newer frontends call
  message(STATUS "chimera: fused attention by cuDNN (${CHIMERA_CUDNN_LIBRARY})")
else()
  message(STATUS "chimera: no fused attention (set CHIMERA_CUDNN_FRONTEND to the folder of cudnn_frontend.h): attention by matrix products")
endif()
