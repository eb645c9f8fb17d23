# What a Makefile does: g++ with the flags of pkg-config, nothing else.
set(ENV{PKG_CONFIG_PATH} ${PREFIX}/share/pkgconfig)
execute_process(COMMAND ${PKG_CONFIG} --modversion chimera OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT version STREQUAL VERSION)
  message(FATAL_ERROR "chimera.pc is of version ${version}, not ${VERSION}")
endif()
execute_process(COMMAND ${PKG_CONFIG} --cflags --libs chimera OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE
                COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
execute_process(COMMAND ${PKG_CONFIG} --cflags chimera-io RESULT_VARIABLE lacks ERROR_VARIABLE said OUTPUT_QUIET)
if(lacks AND NOT said MATCHES "nlohmann_json")  # which may be installed without a file for pkg-config
  message(FATAL_ERROR "chimera-io.pc: ${said}")
endif()
file(MAKE_DIRECTORY ${MADE})
set(consumer ${CMAKE_CURRENT_LIST_DIR}/consumer)
execute_process(COMMAND ${COMPILER} -std=c++20 ${consumer}/main.cpp ${consumer}/other.cpp ${flags} -o ${MADE}/program
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${MADE}/program OUTPUT_VARIABLE said COMMAND_ERROR_IS_FATAL ANY)
if(NOT said MATCHES "^chimera ${VERSION}, makespan 10\n$")
  message(FATAL_ERROR "the program made with pkg-config says: ${said}")
endif()
