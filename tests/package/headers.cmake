# The headers in code that is not ours: hostile macros, nvcc, a compiler that waits for them.

# Each of these names, defined as something that cannot compile, before every public header: what complex.h, X11, Windows,
# terminal headers and Arduino define, and all single capitals but those of template parameters.
set(hostile_macros "")
foreach(name IN ITEMS A B C D E G H I J K L M N O P Q R S U V W X Y Z B0 B1 _A _B _C _D _F _I _L _N _P _S _U _X
                      small near far interface IN OUT OPTIONAL VOID CONST DELETE ERROR TRUE FALSE BOOL ABSOLUTE RELATIVE
                      major minor makedev unix linux sun i386 alloca None Bool Status True False Success Always
                      Above Below KeyPress Region Font Cursor Display Window Mask Unsorted Complex MIN MAX ABS SET BIT PI
                      LOG INFO DEBUG CHECK ASSERT TEST EXPECT_EQ YES NO likely nil emit signals foreach cross pascal)
  string(APPEND hostile_macros "#undef ${name}\n#define ${name} chimera must not use this name\n")
endforeach()
set(hostile_includes "")
set(core_includes "")
foreach(header IN LISTS chimera_headers)
  cmake_path(RELATIVE_PATH header BASE_DIRECTORY ${PROJECT_SOURCE_DIR}/include)
  string(APPEND hostile_includes "#include <${header}>\n")
  if(header MATCHES "/core/")
    string(APPEND core_includes "#include <${header}>\n")
  endif()
endforeach()
configure_file(hostile_macros.cpp.in hostile_macros.cpp @ONLY)
add_library(package_hostile_macros OBJECT ${CMAKE_CURRENT_BINARY_DIR}/hostile_macros.cpp)
target_link_libraries(package_hostile_macros PRIVATE chimera::chimera)

if(CHIMERA_CUDA_FOUND)
  add_library(package_cuda_safe OBJECT cuda_safe.cu)
  target_include_directories(package_cuda_safe PRIVATE ${PROJECT_SOURCE_DIR}/include)
  target_compile_options(package_cuda_safe PRIVATE -std=c++20)  # CMake 3.25 does not know that nvcc can
endif()

file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/core.cpp "${core_includes}")
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/all.cpp "#include <chimera/chimera.hpp>\n")
add_test(NAME package.compile_budget
         COMMAND ${CMAKE_COMMAND} -DCOMPILER=${CMAKE_CXX_COMPILER} -DINCLUDE=${PROJECT_SOURCE_DIR}/include
                 -DFOLDER=${CMAKE_CURRENT_BINARY_DIR} -P ${CMAKE_CURRENT_SOURCE_DIR}/compile_budget.cmake)
set_tests_properties(package.compile_budget PROPERTIES LABELS package)
