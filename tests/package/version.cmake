# The version is written in version.hpp: what is built follows it, and where it changes, all packages do. Files that cannot
# read it there state the same.
file(READ ${SOURCE}/include/chimera/version.hpp header)
set(version "")
foreach(part IN ITEMS MAJOR MINOR PATCH)
  if(NOT header MATCHES "CHIMERA_VERSION_${part} ([0-9]+)\n")
    message(FATAL_ERROR "version.hpp does not define CHIMERA_VERSION_${part}")
  endif()
  string(APPEND version .${CMAKE_MATCH_1})
endforeach()
string(SUBSTRING ${version} 1 -1 version)

string(REPLACE . "\\." exact ${version})
string(REGEX REPLACE "\\.[0-9]+$" "" minor ${version})
foreach(stated IN ITEMS "CITATION.cff|\nversion: ${exact}\n"
                        "CHANGELOG.md|^[^#]*# Changelog[^#]*\n## (Unreleased\n.*\n## )?${exact}(, [0-9-]+)?\n"
                        "packaging/vcpkg/chimera/vcpkg.json|\"version\": \"${exact}\""
                        "packaging/spack/spack_repo/chimera/packages/chimera/package.py|version\\(\"${exact}\", tag=\"v${exact}\"\\)"
                        "tests/package/newcomer/CMakeLists.txt|find_package\\(chimera ${minor} REQUIRED\\)"
                        "examples/05_embed/CMakeLists.txt|find_package\\(chimera ${minor} REQUIRED\\)")
  string(FIND "${stated}" "|" at)
  string(SUBSTRING "${stated}" 0 ${at} file)
  math(EXPR at "${at} + 1")
  string(SUBSTRING "${stated}" ${at} -1 expected)
  file(READ ${SOURCE}/${file} text)
  if(NOT text MATCHES "${expected}")
    message(FATAL_ERROR "${file} does not state version ${version} of version.hpp (docs/release.md): ${expected} is not in it")
  endif()
endforeach()

if(PROGRAM)
  execute_process(COMMAND ${PROGRAM} --version OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
  if(NOT said STREQUAL "chimera ${version}\n")
    message(FATAL_ERROR "chimera --version says ${said}, and version.hpp ${version}")
  endif()
endif()

# A copy of the headers' project whose version.hpp is of the future.
file(REMOVE_RECURSE ${MADE})
file(COPY ${SOURCE}/CMakeLists.txt ${SOURCE}/cmake ${SOURCE}/include DESTINATION ${MADE}/source)
string(REGEX REPLACE "MAJOR [0-9]+" "MAJOR 87" header "${header}")
string(REGEX REPLACE "MINOR [0-9]+" "MINOR 65" header "${header}")
string(REGEX REPLACE "PATCH [0-9]+" "PATCH 43" header "${header}")
file(WRITE ${MADE}/source/include/chimera/version.hpp "${header}")
execute_process(COMMAND ${CMAKE_COMMAND} -S ${MADE}/source -B ${MADE}/build -G ${GENERATOR}
                        -DCMAKE_CXX_COMPILER=${COMPILER} -DCHIMERA_BUILD_EXECUTOR=OFF -DCHIMERA_BUILD_TESTS=OFF
                        -DCHIMERA_BUILD_EXAMPLES=OFF OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${MADE}/build --prefix ${MADE}/prefix OUTPUT_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
foreach(written IN ITEMS "prefix/share/pkgconfig/chimera.pc|\nVersion: 87.65.43\n"
                         "prefix/share/cmake/chimera/chimera-config-version.cmake|set\\(PACKAGE_VERSION \"87.65.43\"\\)"
                         "build/CPackConfig.cmake|set\\(CPACK_PACKAGE_VERSION \"87.65.43\"\\)")
  string(REPLACE "|" ";" written "${written}")
  list(GET written 0 file)
  list(GET written 1 expected)
  file(READ ${MADE}/${file} text)
  if(NOT text MATCHES "${expected}")
    message(FATAL_ERROR "${file} does not follow version.hpp: ${expected} is not in it")
  endif()
endforeach()
