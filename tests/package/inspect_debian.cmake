# Makes both packages, looks at what they say and hold, and unpacks them into MADE/root.
file(REMOVE_RECURSE ${MADE})
execute_process(COMMAND ${CPACK} -G DEB --config ${BUILD}/CPackConfig.cmake -B ${MADE} OUTPUT_QUIET
                COMMAND_ERROR_IS_FATAL ANY)
file(GLOB library ${MADE}/libchimera-dev_${VERSION}_all.deb)
file(GLOB program ${MADE}/chimera_${VERSION}_*.deb)
file(GLOB packages ${MADE}/*.deb)
list(LENGTH packages count)
if(NOT library OR NOT program OR NOT count EQUAL 2)
  message(FATAL_ERROR "cpack made ${packages}")
endif()

# says(package field expected): the field of the control file matches.
function(says package field expected)
  execute_process(COMMAND ${DPKG_DEB} -f ${package} ${field} OUTPUT_VARIABLE value OUTPUT_STRIP_TRAILING_WHITESPACE
                  COMMAND_ERROR_IS_FATAL ANY)
  if(NOT value MATCHES "${expected}")
    message(FATAL_ERROR "${package}: ${field} is \"${value}\", not as \"${expected}\"")
  endif()
endfunction()
says(${library} Version "^${VERSION}$")
says(${library} Depends "^$")
says(${library} Section "^libdevel$")
says(${program} Version "^${VERSION}$")
foreach(needed IN ITEMS libc6 libstdc\\+\\+6 libdnnl)  # read from the program by dpkg-shlibdeps
  says(${program} Depends "(^|, )${needed}")
endforeach()
foreach(package IN LISTS library program)
  says(${package} Maintainer "^[^<>]+ <[^<>]+@[^<>]+>$")
  says(${package} Installed-Size "^[1-9][0-9]*$")
  says(${package} Description "^[^\n]+\n .")
endforeach()

function(holds package)
  execute_process(COMMAND ${DPKG_DEB} -c ${package} OUTPUT_VARIABLE list COMMAND_ERROR_IS_FATAL ANY)
  foreach(file IN LISTS ARGN)
    if(NOT list MATCHES " root/root +[^\n]* \\./${file}\n")
      message(FATAL_ERROR "${package} does not hold ${file}, owned by root:\n${list}")
    endif()
  endforeach()
  if(list MATCHES "\\./usr/local|\\./(opt|home|tmp|work)|executor/[a-z]+/[a-z_]+\\.hpp")
    message(FATAL_ERROR "${package} holds ${CMAKE_MATCH_0}")
  endif()
endfunction()
holds(${library} usr/include/chimera/chimera.hpp usr/share/cmake/chimera/chimera-config.cmake
      usr/share/cmake/chimera/chimera-config-version.cmake usr/share/pkgconfig/chimera.pc
      usr/share/doc/libchimera-dev/copyright usr/share/doc/libchimera-dev/changelog.gz)
holds(${program} usr/bin/chimera usr/share/man/man1/chimera.1.gz usr/share/doc/chimera/copyright
      usr/share/doc/chimera/changelog.gz usr/share/bash-completion/completions/chimera
      usr/share/zsh/vendor-completions/_chimera usr/share/fish/vendor_completions.d/chimera.fish)

foreach(package IN LISTS library program)
  execute_process(COMMAND ${DPKG_DEB} -x ${package} ${MADE}/root COMMAND_ERROR_IS_FATAL ANY)
  if(LINTIAN)  # a program with CUDA parts says where NVIDIA's libraries are
    execute_process(COMMAND ${LINTIAN} --allow-root --fail-on error --suppress-tags custom-library-search-path ${package}
                    RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
    if(failed)
      message(FATAL_ERROR "lintian on ${package}:\n${said}")
    endif()
  endif()
endforeach()
execute_process(COMMAND ${MADE}/root/usr/bin/chimera --version OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} --version OUTPUT_VARIABLE built COMMAND_ERROR_IS_FATAL ANY)
if(NOT said STREQUAL built)
  message(FATAL_ERROR "the packed program says ${said}, the built one ${built}")
endif()
