# chimera_tests(folder libraries…): a program for each file of the folder, so that a test that does not compile holds up no other.
include(GoogleTest)

# Tests that compute long in what they compile themselves (the reference device, say); all others take longer to compile than to run,
# and with sanitizers are not optimised. What they test in libraries is.
set(chimera_long_tests "^unit/(attack|calibrate|partition|plan|search|simulate_oracle|verify_garbage)|^device/(emulated|conformance|team)")

function(chimera_tests folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  string(REPLACE "/" "_" name ${folder})
  foreach(source IN LISTS sources)
    cmake_path(GET source STEM stem)
    set(target test_${name}_${stem})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE ${ARGN} GTest::gtest GTest::gmock GTest::gtest_main)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(${target} PRIVATE CHIMERA_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set(how as_all)
    if(CHIMERA_SANITIZE AND NOT "${folder}/${stem}" MATCHES "${chimera_long_tests}")
      set(how plain)
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
    set(label ${folder})
    if(stem MATCHES "exhaustive")  # skipped unless CHIMERA_EXHAUSTIVE is set in the environment
      set(label exhaustive)
    endif()
    if(CHIMERA_SANITIZE)  # a process for each test would take longer than most tests do; GTEST_FILTER chooses among them
      add_test(NAME ${folder}.${stem} COMMAND ${target})
      set_tests_properties(${folder}.${stem} PROPERTIES LABELS ${label})
      if(stem STREQUAL exactness)
        set_tests_properties(${folder}.${stem} PROPERTIES COST 100)  # the longest start first
      endif()
    else()
      gtest_discover_tests(${target} TEST_PREFIX ${folder}. DISCOVERY_MODE PRE_TEST PROPERTIES LABELS ${label})
    endif()
  endforeach()
endfunction()
