#!/usr/bin/env bash
# Makes the Conan package and builds a program against it. Usage: conan.sh SOURCE FOLDER; exit 77 where Conan 2 is missing.
set -euo pipefail
command -v conan >/dev/null || { echo "conan is not here"; exit 77; }
case $(conan --version) in *" 2."*) ;; *) echo "Conan 2 is not here"; exit 77 ;; esac
rm -rf "$2"
mkdir -p "$2"
export CONAN_HOME=$2/home
conan profile detect >/dev/null 2>&1
conan create "$1/packaging/conan" -s compiler.cppstd=20 -c "tools.cmake.cmake_layout:test_folder=$2/test" \
    -c "tools.cmake.cmaketoolchain:user_presets=" 2>&1 | tee "$2/log"
grep -q '^chimera [0-9.]*, makespan ' "$2/log"
if [ -e "$1/packaging/conan/test_package/build" ]; then echo "files were left among the sources"; exit 1; fi
