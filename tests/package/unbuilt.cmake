# SPDX-License-Identifier: Apache-2.0
# `cmake --install` before a build installs the headers and says that the program is missing.
file(REMOVE_RECURSE ${MADE})
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${MADE}/build -DCHIMERA_BUILD_TESTS=OFF -DCHIMERA_ENABLE_CUDA=OFF
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${MADE}/build --prefix ${MADE}/installed OUTPUT_VARIABLE said
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT EXISTS ${MADE}/installed/include/chimera/chimera.hpp)
  message(FATAL_ERROR "no headers were installed:\n${said}")
endif()
if(NOT said MATCHES "only the headers are installed")
  message(FATAL_ERROR "the install does not say that there is no program:\n${said}")
endif()
file(REMOVE_RECURSE ${MADE})
