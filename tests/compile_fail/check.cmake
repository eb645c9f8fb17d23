# cmake -DCOMPILER=… -DINCLUDES=… -DCASE=case.cpp -P check.cmake
# First lines of a case: `// error: <text>`; every such line names a text that the compiler must print.

file(STRINGS ${CASE} expected REGEX "^// error: ")
if(NOT expected)
  message(FATAL_ERROR "${CASE}: no line `// error: <text>` (the message is what is tested) add one")
endif()
list(TRANSFORM INCLUDES PREPEND -I)
set(compile ${COMPILER} -std=c++20 -fsyntax-only ${INCLUDES} ${CASE})

execute_process(COMMAND ${compile} -DTWIN RESULT_VARIABLE failed ERROR_VARIABLE output OUTPUT_QUIET)
if(failed)
  message(FATAL_ERROR "${CASE}: the twin does not compile (so the mistake is not the only one)\n${output}")
endif()

execute_process(COMMAND ${compile} RESULT_VARIABLE failed ERROR_VARIABLE output OUTPUT_QUIET)
if(NOT failed)
  message(FATAL_ERROR "${CASE}: compiles (it must not)")
endif()
foreach(line IN LISTS expected)
  string(REPLACE "// error: " "" text "${line}")
  string(FIND "${output}" "${text}" found)
  if(found EQUAL -1)
    message(FATAL_ERROR "${CASE}: the compiler does not say `${text}`\n${output}")
  endif()
endforeach()
