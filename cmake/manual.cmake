# Writes the manual page: its template, with the subcommands and the version as the program tells them.
execute_process(COMMAND ${PROGRAM} --help OUTPUT_VARIABLE help COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${PROGRAM} --version OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY
                OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^.*\nSubcommands:\n" "" listed "${help}")
string(REGEX REPLACE "\n\n.*$" "\n" listed "${listed}")
string(REGEX REPLACE "\n   +" " " listed "${listed}")  # a description that runs on
string(REGEX REPLACE "  ([a-z_]+) +([^\n]+)\n" ".TP\n.B \\1\n\\2\n" subcommands "${listed}")
if(NOT subcommands MATCHES "^(\\.TP\n\\.B [a-z_]+\n[^.\n][^\n]*\n)+$")
  message(FATAL_ERROR "the subcommands cannot be read from chimera --help (its form has changed) correct cmake/manual.cmake:\n${help}")
endif()
string(REPLACE "-" "\\-" subcommands "${subcommands}")
configure_file(${CMAKE_CURRENT_LIST_DIR}/chimera.1.in ${MADE} @ONLY)
