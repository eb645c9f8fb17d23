# Scratch projects that take chimera in every way there is.
function(chimera_project name folder program)
  add_test(NAME package.${name}
           COMMAND ${CMAKE_CTEST_COMMAND} --build-and-test ${CMAKE_CURRENT_SOURCE_DIR}/${folder}
                   ${CMAKE_CURRENT_BINARY_DIR}/${name} --build-generator ${CMAKE_GENERATOR} --build-makeprogram
                   ${CMAKE_MAKE_PROGRAM} --build-options -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
                   -DCMAKE_CXX_COMPILER_LAUNCHER=${CMAKE_CXX_COMPILER_LAUNCHER} ${ARGN} --test-command ${program})
  set_tests_properties(package.${name} PROPERTIES LABELS package TIMEOUT 300)
endfunction()

chimera_project(add_subdirectory consumer consumer -DCHIMERA_SOURCE=${PROJECT_SOURCE_DIR})
chimera_project(files_of_sources files trainer -DCHIMERA_SOURCE=${PROJECT_SOURCE_DIR})
chimera_project(fetch_content fetched fetched -DCHIMERA_SOURCE=${PROJECT_SOURCE_DIR})
if(CHIMERA_BUILD_EXECUTOR)
  chimera_project(engine engine engine -DCHIMERA_SOURCE=${PROJECT_SOURCE_DIR} -DCHIMERA_ENABLE_CUDA=OFF
                  -DCHIMERA_JOIN_SOURCES=ON)
endif()
if(NOT CHIMERA_INSTALL)
  return()
endif()

set(minor ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
chimera_project(build_folder consumer consumer -Dchimera_DIR=${PROJECT_BINARY_DIR} -DCHIMERA_EXPECTED_VERSION=${minor}
                -DCHIMERA_EXPECTED_IN=${PROJECT_BINARY_DIR})

chimera_project(files files trainer -Dchimera_DIR=${PROJECT_BINARY_DIR})
chimera_project(embed ../../examples/05_embed own_trainer -Dchimera_DIR=${PROJECT_BINARY_DIR})
set_tests_properties(package.embed PROPERTIES PASS_REGULAR_EXPRESSION "workers and one thread: the same bits")
find_package(MPI COMPONENTS CXX)  # the same over MPI, built by that test
if(MPI_CXX_FOUND AND MPIEXEC_EXECUTABLE)
  execute_process(COMMAND ${MPIEXEC_EXECUTABLE} --version OUTPUT_VARIABLE mpi_version ERROR_QUIET)
  set(mpi_flags "")
  if(mpi_version MATCHES "Open MPI|OpenRTE")  # more ranks than cores, and root in a container
    set(mpi_flags --oversubscribe --allow-run-as-root)
  endif()
  add_test(NAME package.embed_mpi COMMAND ${MPIEXEC_EXECUTABLE} ${MPIEXEC_NUMPROC_FLAG} 8 ${mpi_flags}
                                          ${CMAKE_CURRENT_BINARY_DIR}/embed/own_trainer_mpi)
  set_tests_properties(package.embed PROPERTIES FIXTURES_SETUP chimera_embedded)
  set_tests_properties(package.embed_mpi PROPERTIES LABELS package TIMEOUT 300 FIXTURES_REQUIRED chimera_embedded
                       PASS_REGULAR_EXPRESSION "8 ranks and one thread: the same bits by 4 schedules")
else()
  message(STATUS "chimera: no MPI found: its example is not run by the tests")
endif()

if(TARGET chimera_program)
  chimera_project(tables tables trainer -Dchimera_DIR=${PROJECT_BINARY_DIR} -DCHIMERA_PROGRAM=$<TARGET_FILE:chimera_program>)
endif()

# Installed in one place and moved to another, which must not matter.
set(prefix ${CMAKE_CURRENT_BINARY_DIR}/moved)
add_test(NAME package.install COMMAND ${CMAKE_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DPREFIX=${prefix}
                                      -P ${CMAKE_CURRENT_SOURCE_DIR}/install.cmake)
set_tests_properties(package.install PROPERTIES LABELS package FIXTURES_SETUP chimera_installed)
set(needs_prefix package.find_package package.newcomer package.refused package.pkg_config)
chimera_project(find_package consumer consumer -DCMAKE_PREFIX_PATH=${prefix} -DCHIMERA_EXPECTED_VERSION=${minor}
                -DCHIMERA_EXPECTED_IN=${prefix})
chimera_project(newcomer newcomer newcomer -DCMAKE_PREFIX_PATH=${prefix})

add_test(NAME package.refused
         COMMAND ${CMAKE_COMMAND} -DPREFIX=${prefix} -DVERSION=${PROJECT_VERSION} -DCOMPILER=${CMAKE_CXX_COMPILER}
                 -DGENERATOR=${CMAKE_GENERATOR} -DMADE=${CMAKE_CURRENT_BINARY_DIR}/refused
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/refused.cmake)
find_program(CHIMERA_PKG_CONFIG pkg-config)
mark_as_advanced(CHIMERA_PKG_CONFIG)
if(CHIMERA_PKG_CONFIG)
  add_test(NAME package.pkg_config
           COMMAND ${CMAKE_COMMAND} -DPREFIX=${prefix} -DVERSION=${PROJECT_VERSION} -DCOMPILER=${CMAKE_CXX_COMPILER}
                   -DPKG_CONFIG=${CHIMERA_PKG_CONFIG} -DMADE=${CMAKE_CURRENT_BINARY_DIR}/pkg_config
                   -P ${CMAKE_CURRENT_SOURCE_DIR}/pkg_config.cmake)
else()
  message(STATUS "chimera: no pkg-config found: its test is left out")
  list(REMOVE_ITEM needs_prefix package.pkg_config)
endif()
set_tests_properties(${needs_prefix} PROPERTIES LABELS package FIXTURES_REQUIRED chimera_installed)

set(with_program "")
if(TARGET chimera_program)
  set(with_program -DPROGRAM=$<TARGET_FILE:chimera_program>)
endif()
add_test(NAME package.version
         COMMAND ${CMAKE_COMMAND} -DSOURCE=${PROJECT_SOURCE_DIR} -DCOMPILER=${CMAKE_CXX_COMPILER} ${with_program}
                 -DGENERATOR=${CMAKE_GENERATOR} -DMADE=${CMAKE_CURRENT_BINARY_DIR}/version
                 -P ${CMAKE_CURRENT_SOURCE_DIR}/version.cmake)
set_tests_properties(package.version PROPERTIES LABELS package)
