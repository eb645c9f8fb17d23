# Every example is run, and what it does is held against something else: itself done another way, or the program chimera.
function(example_test name)
  if(NOT TARGET example_${name} OR NOT TARGET chimera_program)
    return()
  endif()
  add_test(NAME example.${name}
           COMMAND ${CMAKE_COMMAND} -DEXAMPLE=$<TARGET_FILE:example_${name}> -DPROGRAM=$<TARGET_FILE:chimera_program>
                   -DSOURCE=${PROJECT_SOURCE_DIR} -DFOLDER=${CMAKE_CURRENT_BINARY_DIR}/run_${name}
                   -P ${PROJECT_SOURCE_DIR}/tests/examples/${name}.cmake)
  set_tests_properties(example.${name} PROPERTIES LABELS example TIMEOUT 300)
endfunction()
foreach(name IN ITEMS 01_print_schedule 02_custom_schedule 03_partition_model 04_plan_cluster 08_train)
  example_test(${name})
endforeach()

# These compare their own results, and end with 1 where they differ.
foreach(name IN ITEMS 06_custom_device 07_custom_communicator)
  if(TARGET example_${name})
    add_test(NAME example.${name} COMMAND example_${name})
    set_tests_properties(example.${name} PROPERTIES LABELS example TIMEOUT 300)
  endif()
endforeach()
