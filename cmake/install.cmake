# Installs the headers with the packages that find_package(chimera) and pkg-config read, and the program where it is built.
# All but the program is the same on every machine, so it goes where such things go.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(chimera_package ${CMAKE_INSTALL_DATADIR}/cmake/chimera)
install(TARGETS chimera EXPORT chimera FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT headers)
install(EXPORT chimera NAMESPACE chimera:: FILE chimera-targets.cmake DESTINATION ${chimera_package} COMPONENT headers)
export(EXPORT chimera NAMESPACE chimera:: FILE chimera-targets.cmake)  # find_package also takes the build folder

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/chimera-config.cmake.in chimera-config.cmake
                              INSTALL_DESTINATION ${chimera_package})
configure_file(${CMAKE_CURRENT_LIST_DIR}/chimera-tables.cmake chimera-tables.cmake COPYONLY)
write_basic_package_version_file(chimera-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/chimera-config.cmake ${PROJECT_BINARY_DIR}/chimera-config-version.cmake
        ${CMAKE_CURRENT_LIST_DIR}/chimera-tables.cmake DESTINATION ${chimera_package} COMPONENT headers)

file(RELATIVE_PATH chimera_pc_to_headers ${CMAKE_INSTALL_FULL_DATADIR}/pkgconfig ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(${CMAKE_CURRENT_LIST_DIR}/chimera.pc.in chimera.pc @ONLY)
configure_file(${CMAKE_CURRENT_LIST_DIR}/chimera-io.pc.in chimera-io.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/chimera.pc ${PROJECT_BINARY_DIR}/chimera-io.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig COMPONENT headers)

if(TARGET chimera_program)
  # Before a build there is no program yet: the headers are installed all the same.
  install(TARGETS chimera_program RUNTIME COMPONENT program OPTIONAL)
  install(FILES ${PROJECT_BINARY_DIR}/chimera.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program OPTIONAL)
  set(completion ${PROJECT_BINARY_DIR}/completion)
  install(FILES ${completion}/bash/chimera DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
          COMPONENT program OPTIONAL)
  install(FILES ${completion}/fish/chimera.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
          COMPONENT program OPTIONAL)
  # Debian's zsh reads no site-functions below /usr: its packages have a folder of their own.
  install(CODE "set(folder site-functions)
  if(\"\${CMAKE_INSTALL_PREFIX}\" MATCHES \"/usr/?$\" AND EXISTS /etc/debian_version)
    set(folder vendor-completions)
  endif()
  file(INSTALL DESTINATION \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/zsh/\${folder}\" TYPE FILE OPTIONAL
       FILES \"${completion}/zsh/_chimera\")" COMPONENT program)
  install(CODE "if(NOT EXISTS \"$<TARGET_FILE:chimera_program>\")
    message(STATUS \"chimera: only the headers are installed (the program is not built) build it and install again\")
  endif()" COMPONENT program)
endif()
