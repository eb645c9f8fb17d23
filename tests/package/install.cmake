# Installs the headers, then moves them.
cmake_path(GET PREFIX PARENT_PATH folder)
file(REMOVE_RECURSE ${PREFIX} ${folder}/before)
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${folder}/before --component headers
                COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${folder}/before ${PREFIX})
file(GLOB_RECURSE texts ${PREFIX}/share/*.cmake ${PREFIX}/share/*.pc)
foreach(text IN LISTS texts)
  file(READ ${text} content)
  if(content MATCHES "${folder}|${BUILD}")
    message(FATAL_ERROR "${text} names the folder in which chimera was built or installed: ${CMAKE_MATCH_0}")
  endif()
endforeach()
