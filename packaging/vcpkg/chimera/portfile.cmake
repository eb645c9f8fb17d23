# The headers of chimera, of the checkout that holds this port: vcpkg install chimera --overlay-ports=packaging/vcpkg
set(VCPKG_BUILD_TYPE release)  # headers are the same in all
cmake_path(SET source NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../../..)

vcpkg_cmake_configure(SOURCE_PATH ${source} OPTIONS -DCHIMERA_BUILD_EXECUTOR=OFF -DCHIMERA_BUILD_TESTS=OFF
                                                    -DCHIMERA_BUILD_EXAMPLES=OFF -DCHIMERA_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME chimera CONFIG_PATH share/cmake/chimera)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE ${CURRENT_PACKAGES_DIR}/share/cmake ${CURRENT_PACKAGES_DIR}/share/doc)
vcpkg_install_copyright(FILE_LIST ${source}/LICENSE)
