# The Debian packages: made, inspected, unpacked and used. Left out, saying so, where Debian's tools are missing.
find_program(CHIMERA_DPKG_DEB dpkg-deb)
find_program(CHIMERA_SHLIBDEPS dpkg-shlibdeps)
find_program(CHIMERA_FILE file)  # cpack asks it which files are programs
find_program(CHIMERA_LINTIAN lintian)
mark_as_advanced(CHIMERA_DPKG_DEB CHIMERA_SHLIBDEPS CHIMERA_FILE CHIMERA_LINTIAN)
if(NOT CHIMERA_DPKG_DEB OR NOT CHIMERA_SHLIBDEPS OR NOT CHIMERA_FILE OR NOT TARGET chimera_program OR CHIMERA_SANITIZE)
  message(STATUS "chimera: no dpkg-deb, dpkg-shlibdeps or file, no program or one for sanitizers: the Debian packages are not tested")
  return()
endif()

set(made ${CMAKE_CURRENT_BINARY_DIR}/debian)
add_test(NAME package.debian
         COMMAND ${CMAKE_COMMAND} -DCPACK=${CMAKE_CPACK_COMMAND} -DBUILD=${PROJECT_BINARY_DIR} -DMADE=${made}
                 -DVERSION=${PROJECT_VERSION} -DDPKG_DEB=${CHIMERA_DPKG_DEB} -DLINTIAN=$<$<BOOL:${CHIMERA_LINTIAN}>:${CHIMERA_LINTIAN}>
                 -DPROGRAM=$<TARGET_FILE:chimera_program> -P ${CMAKE_CURRENT_SOURCE_DIR}/inspect_debian.cmake)
set_tests_properties(package.debian PROPERTIES LABELS package TIMEOUT 300 FIXTURES_SETUP chimera_unpacked)
chimera_project(debian_consumer consumer consumer -DCMAKE_PREFIX_PATH=${made}/root/usr -DCHIMERA_EXPECTED_IN=${made}/root/usr
                -DCHIMERA_EXPECTED_VERSION=${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
add_test(NAME package.debian_program
         COMMAND ${made}/root/usr/bin/chimera schedule bidirectional --stages 4 --micro-batches 4)
set_tests_properties(package.debian_program PROPERTIES LABELS package PASS_REGULAR_EXPRESSION "bidirectional")
set_tests_properties(package.debian_consumer package.debian_program PROPERTIES FIXTURES_REQUIRED chimera_unpacked)
