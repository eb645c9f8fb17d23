#!/usr/bin/env bash
# Builds the benchmarks in release mode and runs every suite, then the compile-time one. Arguments go to the Google
# Benchmark programs: `bash bench/run.sh --benchmark_filter=bidirectional`. Installs what is missing (Debian 12).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source cmake/packages.sh

need_packages "${packages_bench[@]}"
say "Building into build/bench"
cmake --preset bench
cmake --build build/bench -j "$(jobs)"
for suite in build/bench/bench/bench_*; do
    [ -x "$suite" ] || continue
    say "$(basename "$suite")"
    case $suite in
        */bench_predict | */bench_orders) "$suite" ;;  # no Google Benchmark: options of their own
        */bench_train_step) printf '\n\n\n\n\n' | "$suite" ;;
        *) "$suite" "$@" ;;
    esac
done
say "Compile time"
bench/compile_time.py
