#!/usr/bin/env bash
# Builds chimera and trains a small GPT on this repository's own text and sources: four stages on four workers, a
# bidirectional schedule, about 90 seconds after the build. Installs what is missing (Debian 12, as root or with sudo).
# Arguments go to `chimera train`; see `build/release/executor/chimera train --help`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh

need_packages "${packages_build[@]}"
say "Building into build/release (takes a few minutes the first time)"
cmake --preset release
cmake --build build/release -j "$(jobs)" --target chimera_program
say "Training for about 90 seconds; the results go to runs/"
build/release/executor/chimera train "$@"
