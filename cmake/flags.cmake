# Flags of the project's own targets; those who link chimera::chimera inherit none of them.
set(chimera_flags -Wall -Wextra -Wpedantic -Wconversion -Wshadow)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  list(APPEND chimera_flags -Wno-restrict)  # GCC 12 sees overlaps inside std::string's operator+ (GCC bug 105651)
endif()
if(CHIMERA_WERROR)
  list(APPEND chimera_flags -Werror)
endif()

# Clang counts the steps of a constant evaluation and stops at a million; GCC's own limit suffices for 64 x 256.
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  list(APPEND chimera_flags -fconstexpr-steps=100000000)
endif()

list(TRANSFORM chimera_flags REPLACE ".+" "$<$<COMPILE_LANGUAGE:CXX>:\\0>")
add_compile_options(${chimera_flags})

# Optimises a target whose loops are most of what the tests take, where the preset ci-gcc optimises the rest less to compile it sooner.
function(chimera_computes target)
  if(CHIMERA_JOIN_SOURCES AND NOT CHIMERA_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O2>)
  endif()
endfunction()

if(CHIMERA_SANITIZE)
  add_compile_options(-fsanitize=${CHIMERA_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CHIMERA_SANITIZE})
endif()

if(CHIMERA_COVERAGE)  # read by cmake/coverage.sh
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
    message(FATAL_ERROR "CHIMERA_COVERAGE needs Clang (its profiles are what cmake/coverage.sh reads): use the preset coverage")
  endif()
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fprofile-instr-generate> $<$<COMPILE_LANGUAGE:CXX>:-fcoverage-mapping>)
  add_link_options(-fprofile-instr-generate)
endif()
