# Writes the scripts that complete the program's commands in shells, as the program prints them, each under the name by which
# its shell finds it.
foreach(script IN ITEMS bash/chimera zsh/_chimera fish/chimera.fish)
  cmake_path(GET script PARENT_PATH shell)
  file(MAKE_DIRECTORY ${FOLDER}/${shell})
  execute_process(COMMAND ${PROGRAM} completion ${shell} OUTPUT_FILE ${FOLDER}/${script} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
