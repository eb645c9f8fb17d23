#!/usr/bin/env bash
# Builds chimera and trains a small GPT on this repository's own text and sources: four stages on four workers, a
# bidirectional schedule, about 90 seconds after the build. Installs what is missing (Debian 12, as root or with sudo).
# Arguments go to `chimera train` and win over the job: `bash cmake/train.sh --seconds 300 --output runs/long`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh

need_packages "${packages_build[@]}"
preset=${CHIMERA_PRESET:-release}
say "Building into build/$preset (takes a few minutes the first time)"
cmake --preset "$preset"
cmake --build "build/$preset" -j "$(jobs)" --target chimera_program
output=(--output "runs/$(date +%Y%m%d-%H%M%S)")
for argument in "$@"; do
    case $argument in -o* | --output* | --help | -h) output=() ;; esac
done
say "Training for about 90 seconds, as examples/jobs/newcomer.json says"
"build/$preset/executor/chimera" train examples/jobs/newcomer.json "${output[@]}" "$@"
