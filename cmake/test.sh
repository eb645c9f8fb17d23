#!/usr/bin/env bash
# Builds chimera and its tests with warnings as errors, and runs them. Installs what is missing (Debian 12, as root or
# with sudo). Arguments go to ctest: `bash cmake/test.sh -R unit` runs the unit tests alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh

need_packages "${packages_test[@]}"
preset=${CHIMERA_PRESET:-ci-gcc}
say "Building into build/$preset (takes several minutes the first time)"
cmake --preset "$preset"
cmake --build "build/$preset" -j "$(jobs)"
say "Running the tests"
# One more than there are cores: many tests wait for processes of theirs.
ctest --test-dir "build/$preset" --output-on-failure -j "$(($(nproc) + 1))" "$@"
