# Installs the headers and the package that find_package(chimera) reads, and the program where it is built.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(chimera_package ${CMAKE_INSTALL_LIBDIR}/cmake/chimera)
install(TARGETS chimera EXPORT chimera FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT headers)
install(EXPORT chimera NAMESPACE chimera:: FILE chimera-targets.cmake DESTINATION ${chimera_package} COMPONENT headers)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/chimera-config.cmake.in chimera-config.cmake
                              INSTALL_DESTINATION ${chimera_package})
write_basic_package_version_file(chimera-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/chimera-config.cmake ${PROJECT_BINARY_DIR}/chimera-config-version.cmake
        DESTINATION ${chimera_package} COMPONENT headers)

if(TARGET chimera_program)
  install(TARGETS chimera_program RUNTIME COMPONENT program)
endif()
