# chimera_tests(folder libraries…): a program for each file of the folder, so that a test that does not compile holds up no other.
# The files of a folder in CHIMERA_JOIN_TESTS become one program instead, 26 compiled at once: most of what a test takes to
# compile is what others include and instantiate, too.
include(GoogleTest)

# Tests that compute long in what they compile themselves (the reference device, say); all others take longer to compile than to run,
# and with sanitizers are not optimised. What they test in libraries is. In a build that joins them, the same goes for folders whose
# tests hold little but calls of libraries.
set(chimera_calling_tests engine play profile train)
set(chimera_long_tests "^unit/verify_garbage|^device/(conformance|team)")
string(APPEND chimera_long_tests "|^device/emulated/(approximate|clip|columns|embedding|machine|norm_backward|reduce|softmax)")
# Tests whose private names another file of the folder has, too: compiled alone.
set(chimera_alone_tests "^unit/(attack_transfers|attack_updates|partition_coupled|partition_heterogeneous|partition_stagewise)$")
string(APPEND chimera_alone_tests "|^unit/(search_exact|simulate_pairs|verify_message)$|^io/(measurements|model)$")
string(APPEND chimera_alone_tests "|^train/(backend|checkpoint|exactness|model_agrees|programs)$|^engine/(bootstrap|exactness|loopback|under_way|wires)$|^device/(stages|requests)$")

# Tests that replace what a whole program uses (its allocation functions): a program of their own.
set(chimera_apart_tests "^unit/run_allocates_nothing$")

# Leaves a program of such a folder unoptimised, too.
function(chimera_calling_test target)
  if(CHIMERA_JOIN_TESTS)
    target_compile_options(${target} PRIVATE -O0)
  endif()
endfunction()

# Makes one program of tests and tells ctest of it. `parts`: in how many pieces a sanitizer's program runs.
function(chimera_test_program target folder name parts)
  cmake_parse_arguments(PARSE_ARGV 4 test "" "LABEL" "SOURCES;LIBRARIES")
  add_executable(${target} ${test_SOURCES})
  target_link_libraries(${target} PRIVATE ${test_LIBRARIES} GTest::gtest GTest::gmock GTest::gtest_main)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE CHIMERA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(NOT CHIMERA_SANITIZE)
    gtest_discover_tests(${target} TEST_PREFIX ${folder}. DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${test_LABEL})
    return()
  endif()
  math(EXPR last "${parts} - 1")
  foreach(part RANGE ${last})  # a process for each test would take longer than most tests do; GTEST_FILTER chooses among them
    set(piece ${folder}.${name})
    if(parts GREATER 1)
      string(APPEND piece .${part})
    endif()
    add_test(NAME ${piece} COMMAND ${target})
    set_tests_properties(${piece} PROPERTIES LABELS ${test_LABEL}
                         ENVIRONMENT "GTEST_TOTAL_SHARDS=${parts};GTEST_SHARD_INDEX=${part}")
    if(name MATCHES "^(exactness|loopback|joined|joined_long)$")
      set_tests_properties(${piece} PROPERTIES COST 100)  # the longest start first
    endif()
  endforeach()
endfunction()

function(chimera_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  string(REPLACE "/" "_" prefix ${folder})
  set(joined joined joined_long)
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM stem)
    set(how plain)
    set(name ${stem})
    set(label ${folder})
    if(CHIMERA_SANITIZE AND NOT "${folder}/${stem}" MATCHES "${chimera_long_tests}")
      set(how quick)
    elseif(folder IN_LIST chimera_calling_tests AND folder IN_LIST CHIMERA_JOIN_TESTS)
      set(how quick)
    endif()
    if(stem MATCHES "exhaustive")  # skipped unless CHIMERA_EXHAUSTIVE is set in the environment
      set(label exhaustive)
    elseif(folder IN_LIST CHIMERA_JOIN_TESTS AND NOT "${folder}/${stem}" MATCHES "${chimera_apart_tests}")
      set(name joined)
      if(CHIMERA_SANITIZE AND how STREQUAL plain)
        set(name joined_long)
      endif()
      list(APPEND sources_${name} ${source})
      if("${folder}/${stem}" MATCHES "${chimera_alone_tests}")
        set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      endif()
      set(how_${name} ${how})
      continue()
    endif()
    set(target test_${prefix}_${name})
    chimera_test_program(${target} ${folder} ${name} 1 LABEL ${label} SOURCES ${source} LIBRARIES ${ARGN})
    if(how STREQUAL quick)
      target_compile_options(${target} PRIVATE -O0)
    endif()
    if(NOT folder STREQUAL static)  # the others include it: a quarter of what a test takes to compile, once a folder
      if(first_${how})
        target_precompile_headers(${target} REUSE_FROM ${first_${how}})
      else()
        target_precompile_headers(${target} PRIVATE <gmock/gmock.h>)
        set(first_${how} ${target})
      endif()
    endif()
  endforeach()
  foreach(name IN LISTS joined)
    if(NOT sources_${name})
      continue()
    endif()
    set(target test_${prefix}_${name})
    list(LENGTH sources_${name} files)
    math(EXPR parts "(${files} + 3) / 4")
    chimera_test_program(${target} ${folder} ${name} ${parts} LABEL ${folder} SOURCES ${sources_${name}} LIBRARIES ${ARGN})
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 26)
    target_compile_options(${target} PRIVATE -Wno-shadow)  # a local name may be that of another file's
    if(how_${name} STREQUAL quick)
      target_compile_options(${target} PRIVATE -O0)
    endif()
  endforeach()
endfunction()
