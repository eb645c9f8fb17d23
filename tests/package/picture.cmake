# The README's picture must be what its caption's command makes today.
set(picture ${SOURCE}/docs/pictures/bidirectional-4x4.svg)
execute_process(COMMAND ${PROGRAM} schedule bidirectional --stages 4 --micro-batches 4 --format svg -o ${MADE}
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${MADE} ${picture} RESULT_VARIABLE different)
if(different)
  message(FATAL_ERROR "${picture} is out of date: copy ${MADE} over it")
endif()
