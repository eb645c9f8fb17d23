include(${CMAKE_CURRENT_LIST_DIR}/run.cmake)
run(said ${EXAMPLE} ${SOURCE}/docs ${FOLDER}/mine)
# The job that it wrote, trained by the program, must leave the same bits.
run(quiet ${PROGRAM} train mine/job.json --output theirs --quiet)
foreach(file IN ITEMS checkpoint.safetensors)
  execute_process(COMMAND ${CMAKE_COMMAND} -E compare_files ${FOLDER}/mine/${file} ${FOLDER}/theirs/${file}
                  RESULT_VARIABLE different)
  if(different)
    message(FATAL_ERROR "mine/${file} and theirs/${file} in ${FOLDER} differ")
  endif()
endforeach()
if(NOT said MATCHES "20 iterations done.*60 iterations done")
  message(FATAL_ERROR "the example does not say how far it is:\n${said}")
endif()
