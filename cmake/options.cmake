option(CHIMERA_BUILD_EXECUTOR "Build the executor and the program chimera" ${PROJECT_IS_TOP_LEVEL})
option(CHIMERA_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(CHIMERA_BUILD_BENCHMARKS "Build the benchmarks" OFF)
option(CHIMERA_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
