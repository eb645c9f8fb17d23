# shellcheck shell=bash disable=SC2034
# Sourced by the scripts here and by bench/run.sh: the Debian packages each needs, and how to get them.
# oneDNN's CMake package asks for OpenCL, which Debian's libdnnl-dev does not bring along.
packages_build=(g++ cmake ninja-build librange-v3-dev libdnnl-dev ocl-icd-opencl-dev nlohmann-json3-dev libcli11-dev libxxhash-dev
    libncurses-dev)
packages_test=("${packages_build[@]}" libgtest-dev libgmock-dev pkg-config dpkg-dev file python3 python3-pyte)
packages_text=(git clang-format-14 codespell nodejs eslint)  # .ci/run quick: its gates
packages_check=("${packages_text[@]}" clang-16 lld-16 libclang-rt-16-dev clang-tidy-16 llvm-16  # .ci/run: its gates
    clang-19 libc++-19-dev  # the headers under a newer compiler and another standard library
    libopenmpi-dev openmpi-bin  # examples/05_embed over MPI
    zsh fish)  # tests/cli/completion.py
packages_browser=(chromium chromium-driver python3-selenium)  # tests/explorer, which are skipped without them
packages_container=(bash-completion man-db)  # Dockerfile: what reads the completions and the manual page
packages_bench=("${packages_build[@]}" libbenchmark-dev python3)

say() { printf '\n== %s\n' "$*"; }

# need_packages NAME…: installs those that are missing, as root or with sudo. Where that is impossible it says so and
# goes on: the tools may be there under another name, and CMake says precisely what it misses.
need_packages() {
    local missing=() root=() name
    for name in "$@"; do
        dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "Installing ${missing[*]}"
    [ "$(id -u)" = 0 ] || root=(sudo)
    if ! { "${root[@]}" apt-get update -q && "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}"; }; then
        say "Could not install them (no apt, no network or no rights): going on with what is here"
    fi
}

# Compiler processes at once: one for each core, but no more than one for each 2 GiB of memory.
jobs() {
    local cores memory
    cores=$(nproc)
    memory=$(awk '/MemAvailable/ {print int($2 / 2097152)}' /proc/meminfo)
    echo $((memory < 1 ? 1 : memory < cores ? memory : cores))
}
