# What including the headers costs a compiler, in counts that neither load nor machine changes, beside those of the three
# standard headers that nobody does without: lines after preprocessing, and with GCC the memory that it allocates, which
# grows with everything it parses and instantiates. The seconds: bench/compile_time.py --headers.

# The headers need a compiler and its standard library, nothing else; those of io, nlohmann/json too.
file(GLOB_RECURSE headers ${INCLUDE}/*.hpp)
foreach(header IN LISTS headers)
  file(STRINGS ${header} foreign REGEX "^ *#include *([\"]|<[^>]*[/.])")
  list(FILTER foreign EXCLUDE REGEX "<chimera/[a-z0-9_/]+\\.hpp>")
  if(header MATCHES "/chimera/io/")
    list(FILTER foreign EXCLUDE REGEX "<nlohmann/json\\.hpp>")
  endif()
  if(foreign)
    message(FATAL_ERROR "${header} includes what is neither the standard library's nor its own: ${foreign}")
  endif()
endforeach()

file(WRITE ${FOLDER}/standard.cpp "#include <algorithm>\n#include <string>\n#include <vector>\n")
set(core 1.15 1.42)  # as many lines, as much memory: measured 1.08 and 1.40 with GCC 12
set(all 1.35 4.00)   # measured 1.33 and 3.98: links between stages take 0.16

function(count source lines_out memory_out)
  set(compile ${COMPILER} -std=c++20 -I${INCLUDE} ${FOLDER}/${source}.cpp)
  execute_process(COMMAND ${compile} -E -P OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "[^\n]+" "" text "${text}")
  string(LENGTH "${text}" lines)
  execute_process(COMMAND ${compile} -fsyntax-only -ftime-report ERROR_VARIABLE report COMMAND_ERROR_IS_FATAL ANY)
  set(memory 0)
  if(report MATCHES "\n *TOTAL [^\n]* ([0-9]+)([kM])[ \n]")  # GCC's; Clang reports times alone
    set(memory ${CMAKE_MATCH_1})
    if(CMAKE_MATCH_2 STREQUAL M)
      math(EXPR memory "${memory} * 1024")
    endif()
  endif()
  set(${lines_out} ${lines} PARENT_SCOPE)
  set(${memory_out} ${memory} PARENT_SCOPE)
endfunction()

# The budget is in hundredths: CMake knows whole numbers alone.
function(keep source what used standard budget)
  string(REPLACE . "" hundredths ${budget})
  math(EXPR ratio "100 * ${used} / ${standard}")
  message(STATUS "${source}.cpp: ${used} ${what}, ${ratio} % of the standard headers' ${standard}; budget ${hundredths} %")
  if(ratio GREATER hundredths)
    message(FATAL_ERROR "${source}.cpp costs ${ratio} % of the standard headers' ${what} (the budget is ${hundredths} %) "
                        "see what was included with -H, and what was instantiated with -ftime-report")
  endif()
endfunction()

count(standard standard_lines standard_memory)
foreach(source IN ITEMS core all)
  count(${source} lines memory)
  list(GET ${source} 0 line_budget)
  list(GET ${source} 1 memory_budget)
  keep(${source} lines ${lines} ${standard_lines} ${line_budget})
  if(standard_memory GREATER 0)
    keep(${source} "KiB of the compiler" ${memory} ${standard_memory} ${memory_budget})
  endif()
endforeach()
