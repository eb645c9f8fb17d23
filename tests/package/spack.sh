#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs chimera with Spack from a version's tag and from the files here, and builds a program against both.
# Usage: spack.sh SOURCE FOLDER; exit 77 where Spack is missing or has no solver. All that Spack writes is in FOLDER.
set -euo pipefail
command -v spack >/dev/null || { echo "spack is not here"; exit 77; }
source=$(realpath "$1")
mkdir -p "$2"
folder=$(realpath "$2")
rm -rf "${folder:?}"/{clone,scope,installed,stage,dev,built-*}
version=$(sed -n 's/^#define CHIMERA_VERSION_[A-Z]* \([0-9]*\)$/\1/p' "$source/include/chimera/version.hpp" | paste -sd .)

# A repository of these files, with the tag that a release has: Spack clones it.
mkdir -p "$folder/clone" "$folder/scope"
(cd "$source" && cp -r .git* CMakeLists.txt LICENSE cmake include packaging "$folder/clone" 2>/dev/null; rm -rf "$folder/clone/.git")
git -C "$folder/clone" init -q -b main
git -C "$folder/clone" add -A
git -C "$folder/clone" -c user.name=chimera -c user.email=chimera@chimera.invalid commit -qm "Files of the test"
git -C "$folder/clone" tag "v$version"

export SPACK_DISABLE_LOCAL_CONFIG=1 SPACK_USER_CACHE_PATH=$folder/cache
cat >"$folder/scope/repos.yaml" <<EOF
repos: ["$folder/clone/packaging/spack/spack_repo/chimera"]
EOF
cat >"$folder/scope/config.yaml" <<EOF
config: {install_tree: {root: "$folder/installed"}, build_stage: ["$folder/stage"], source_cache: "$folder/cache/sources"}
EOF
tool() { echo "{externals: [{spec: '$1@$2', prefix: '$3'}], buildable: false}"; }
cmake=$(cmake --version | sed -n '1s/.* //p')
make=$(make --version | sed -n '1s/.* //p')
cat >"$folder/scope/packages.yaml" <<EOF
packages:
  cmake: $(tool cmake "$cmake" "$(dirname "$(dirname "$(command -v cmake)")")")
  gmake: $(tool gmake "$make" "$(dirname "$(dirname "$(command -v make)")")")
EOF
in_scope() { spack -C "$folder/scope" "$@"; }
in_scope spec gmake >/dev/null 2>"$folder/log" || { tail -3 "$folder/log"; echo "spack cannot solve for its own packages here"; exit 77; }

# uses SPEC: builds a stranger's program against the installed headers.
uses() {
    local prefix
    prefix=$(in_scope location -i "$1")
    cmake -S "$source/tests/package/consumer" -B "$folder/built-$1" -DCMAKE_PREFIX_PATH="$prefix" \
        -DCHIMERA_EXPECTED_IN="$prefix" -DCHIMERA_EXPECTED_VERSION="${version%.*}" >/dev/null
    cmake --build "$folder/built-$1" >/dev/null
    "$folder/built-$1/consumer" | grep "^chimera $version, makespan "
}
in_scope install --fail-fast "chimera@$version"
uses "chimera@$version"
cp -r "$folder/clone" "$folder/dev"
in_scope dev-build -q -d "$folder/dev" chimera@main
uses chimera@main
echo "chimera $version by $(spack --version): from its tag and from files"
