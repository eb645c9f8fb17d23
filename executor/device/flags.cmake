# The vectorised loops are compiled once for each instruction set; the device picks one at start-up. They must be fast in
# every build type (a sanitizer's, too), and use no inline function of the standard library, which another file might share.
# No vector is passed between files, so what GCC says about such calls (psabi) does not apply.
set(CHIMERA_KERNEL_FLAGS -O3 -fopenmp-simd -fno-math-errno -fno-trapping-math -ffp-contract=fast -Wno-psabi)
if(CHIMERA_SANITIZE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")  # its checks keep loops from being vectorised
  list(APPEND CHIMERA_KERNEL_FLAGS -Wno-pass-failed)
endif()
set_source_files_properties(device/cpu/kernels_baseline.cpp PROPERTIES COMPILE_OPTIONS "${CHIMERA_KERNEL_FLAGS}")
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(device/cpu/kernels_avx2.cpp PROPERTIES
    COMPILE_OPTIONS "${CHIMERA_KERNEL_FLAGS};-mavx2;-mfma;-mbmi2")
  set_source_files_properties(device/cpu/kernels_avx512.cpp PROPERTIES
    COMPILE_OPTIONS "${CHIMERA_KERNEL_FLAGS};-mavx2;-mfma;-mbmi2;-mavx512f;-mavx512dq;-mavx512bw;-mavx512vl;-mprefer-vector-width=512")
endif()
