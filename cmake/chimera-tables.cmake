# chimera_add_table(TARGET NAME FAMILY options…)
# chimera_add_table(TARGET NAME FILE path [options…])
#
# Makes the program of a family, or of a file with a schedule or a program, a header of TARGET: `#include <chimera/tables/NAME.hpp>`
# gives `NAME::table`, a constant `chimera::program_view`. The command `chimera program` writes it when it is built; its options are
# those of the command. It is the program of this build or, where chimera is installed, CHIMERA_PROGRAM, which is looked for on the path.
#
#   chimera_add_table(trainer table_of_8 bidirectional --stages 8 --micro-batches 32)
#   chimera_add_table(trainer found FILE ${CMAKE_CURRENT_SOURCE_DIR}/found.json --sync lazy)
function(chimera_add_table target name family)
  if(NOT TARGET ${target})
    message(FATAL_ERROR "chimera_add_table: ${target} is no target (a table belongs to one) name a library or an executable")
  endif()
  if(TARGET chimera_program)
    set(program chimera_program)
  else()
    find_program(CHIMERA_PROGRAM chimera DOC "The program chimera, which writes tables as headers")
    if(NOT CHIMERA_PROGRAM)
      message(FATAL_ERROR
              "chimera_add_table: the program chimera is missing (it writes the table) install it, or set CHIMERA_PROGRAM to its path")
    endif()
    set(program ${CHIMERA_PROGRAM})
  endif()
  set(options ${ARGN})
  set(source ${family})
  set(file)
  if(family STREQUAL FILE)
    list(POP_FRONT options file)
    if(NOT file)
      message(FATAL_ERROR "chimera_add_table: FILE names no file (a schedule or a program) give its path")
    endif()
    cmake_path(ABSOLUTE_PATH file BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR} NORMALIZE)
    set(source ${file})
  endif()
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/chimera_tables)
  set(header ${folder}/chimera/tables/${name}.hpp)
  file(MAKE_DIRECTORY ${folder}/chimera/tables)
  add_custom_command(
    OUTPUT ${header}
    COMMAND ${program} program ${source} ${options} --format cpp --name ${name} -o ${header}
    DEPENDS ${file} ${program}
    COMMENT "Writing the table ${name}" VERBATIM)
  get_target_property(kind ${target} TYPE)
  if(kind STREQUAL INTERFACE_LIBRARY)
    set(scope INTERFACE)
  else()
    set(scope PUBLIC)
  endif()
  target_sources(${target} ${scope} $<BUILD_INTERFACE:${header}>)
  target_include_directories(${target} ${scope} $<BUILD_INTERFACE:${folder}>)
  target_link_libraries(${target} ${scope} chimera::chimera)
endfunction()
