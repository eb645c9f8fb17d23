# `cpack` makes two Debian packages: libchimera-dev, the headers, and chimera, the program where it is built. A program with
# CUDA parts fits machines that have NVIDIA's libraries where this one has them: for all others, CHIMERA_ENABLE_CUDA=OFF.
set(chimera_parts headers)
if(TARGET chimera_program)
  list(APPEND chimera_parts program)
endif()

# Debian wants its changelog packed, without a time in them, so that the same sources make the same package.
find_program(CHIMERA_GZIP gzip REQUIRED)
mark_as_advanced(CHIMERA_GZIP)
set(chimera_maintainer "chimera maintainers <chimera@chimera.invalid>")
string(TIMESTAMP chimera_date "%a, %d %b %Y %H:%M:%S +0000" UTC)  # SOURCE_DATE_EPOCH, where it is set
configure_file(${CMAKE_CURRENT_LIST_DIR}/debian/changelog.in debian/changelog @ONLY)
foreach(part IN LISTS chimera_parts)
  set(package libchimera-dev)
  if(part STREQUAL program)
    set(package chimera)
  endif()
  set(documents ${CMAKE_INSTALL_DATADIR}/doc/${package})
  install(FILES ${CMAKE_CURRENT_LIST_DIR}/debian/copyright DESTINATION ${documents} COMPONENT ${part})
  install(FILES ${PROJECT_BINARY_DIR}/debian/changelog.gz DESTINATION ${documents} COMPONENT ${part})
endforeach()
execute_process(COMMAND ${CHIMERA_GZIP} -9nkf ${PROJECT_BINARY_DIR}/debian/changelog COMMAND_ERROR_IS_FATAL ANY)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${chimera_parts})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_CONTACT "${chimera_maintainer}" CACHE STRING "Maintainer of the Debian packages, as Name <address>")
mark_as_advanced(CPACK_PACKAGE_CONTACT)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_HEADERS_PACKAGE_NAME libchimera-dev)
set(CPACK_DEBIAN_HEADERS_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_HEADERS_PACKAGE_SUGGESTS "g++ (>= 4:12) | clang-16, cmake (>= 3.25) | pkgconf")
set(CPACK_COMPONENT_HEADERS_DESCRIPTION
    "The headers (C++20): generate pipeline schedules at compile time or at run\ntime, prove them, lower them to programs, simulate and draw them; cut models\ninto stages and plan clusters.")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME chimera)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SHLIBDEPS ON)
set(CPACK_COMPONENT_PROGRAM_DESCRIPTION
    "The program: draws, verifies, simulates and compares pipeline schedules,\ncuts models into stages, plans clusters, and trains language models by the\nsame tables.")
include(CPack)
