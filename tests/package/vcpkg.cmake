# Runs the port of vcpkg with stand-ins for vcpkg's own functions, which do what its documentation says, and lists what it installs.
# Usage: cmake -DSOURCE=… -DMADE=… -DCOMPILER=… -DGENERATOR=… -P vcpkg.cmake
cmake_policy(VERSION 3.25)
set(CURRENT_PACKAGES_DIR ${MADE}/packages)
set(CURRENT_BUILDTREES_DIR ${MADE}/buildtrees)
file(REMOVE_RECURSE ${MADE})

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 port "" "SOURCE_PATH" "OPTIONS")
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${port_SOURCE_PATH} -B ${CURRENT_BUILDTREES_DIR} -G ${GENERATOR}
                          -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} ${port_OPTIONS}
                  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --build ${CURRENT_BUILDTREES_DIR} --target install OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
endfunction()
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 port "" "PACKAGE_NAME;CONFIG_PATH" "")
  file(RENAME ${CURRENT_PACKAGES_DIR}/${port_CONFIG_PATH} ${CURRENT_PACKAGES_DIR}/share/${port_PACKAGE_NAME})
  file(GLOB targets ${CURRENT_PACKAGES_DIR}/share/${port_PACKAGE_NAME}/*-targets.cmake)
  file(READ ${targets} text)  # it counts folders up to the prefix, of which there is one less now
  string(REPLACE "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_FILE}\" PATH)" "set(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/x\")"
         text "${text}")
  string(REGEX REPLACE "get_filename_component\\(_IMPORT_PREFIX \"[^\"]*_IMPORT_PREFIX}\" PATH\\)\n" "" shorter "${text}")
  string(REPLACE "set(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/x\")" "get_filename_component(_IMPORT_PREFIX \"\${CMAKE_CURRENT_LIST_DIR}/../..\" ABSOLUTE)"
         shorter "${shorter}")
  file(WRITE ${targets} "${shorter}")
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 port "" "" "FILE_LIST")
  file(COPY_FILE ${port_FILE_LIST} ${CURRENT_PACKAGES_DIR}/share/chimera/copyright)
endfunction()
include(${SOURCE}/packaging/vcpkg/chimera/portfile.cmake)

foreach(name IN ITEMS include/chimera/chimera.hpp share/chimera/chimera-config.cmake share/chimera/chimera-tables.cmake
                      share/chimera/copyright)
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${name})
    message(FATAL_ERROR "the port installs no ${name}")
  endif()
endforeach()
if(EXISTS ${CURRENT_PACKAGES_DIR}/bin OR EXISTS ${CURRENT_PACKAGES_DIR}/lib)
  message(FATAL_ERROR "the port installs more than headers")
endif()
file(READ ${SOURCE}/packaging/vcpkg/chimera/vcpkg.json manifest)
string(JSON stated GET ${manifest} version)
include(${CURRENT_PACKAGES_DIR}/share/chimera/chimera-config-version.cmake)
if(NOT stated STREQUAL PACKAGE_VERSION)
  message(FATAL_ERROR "vcpkg.json says version ${stated}, the headers ${PACKAGE_VERSION}")
endif()

# A project finds it where vcpkg's toolchain would look.
file(WRITE ${MADE}/user/CMakeLists.txt "cmake_minimum_required(VERSION 3.25)\nproject(user LANGUAGES CXX)\n"
     "find_package(chimera ${PACKAGE_VERSION} REQUIRED)\nadd_executable(user main.cpp)\ntarget_link_libraries(user PRIVATE chimera::chimera)\n")
file(WRITE ${MADE}/user/main.cpp "#include <chimera/core/slot_table.hpp>\nint main() { return chimera::shape{}.workers; }\n")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${MADE}/user -B ${MADE}/user/build -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${COMPILER}
                        -DCMAKE_PREFIX_PATH=${CURRENT_PACKAGES_DIR} OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${MADE}/user/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
