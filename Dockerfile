# syntax=docker/dockerfile:1
# The program with its manual page and completions:        docker build -t chimera .
#                                                          docker run --rm chimera schedule bidirectional --stages 4 --micro-batches 4
# All that a change of chimera needs (.devcontainer):      docker build --target development -t chimera-development .
# The packages are those of cmake/packages.sh, which each stage reads.

FROM debian:12 AS tools
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
COPY cmake/packages.sh /usr/local/share/chimera/packages.sh
RUN source /usr/local/share/chimera/packages.sh \
    && apt-get update -q \
    && apt-get install -q -y --no-install-recommends "${packages_test[@]}" \
    && rm -rf /var/lib/apt/lists/*

FROM tools AS development
RUN source /usr/local/share/chimera/packages.sh \
    && apt-get update -q \
    && apt-get install -q -y --no-install-recommends "${packages_check[@]}" "${packages_browser[@]}" \
    && rm -rf /var/lib/apt/lists/*

FROM tools AS build
WORKDIR /source
COPY CMakeLists.txt CMakePresets.json LICENSE ./
COPY cmake cmake
COPY include include
COPY executor executor
RUN source cmake/packages.sh \
    && cmake --preset release -DCHIMERA_ENABLE_CUDA=OFF -DCHIMERA_JOIN_SOURCES=ON \
    && cmake --build build/release -j "$(jobs)" --target chimera_program \
    && cpack --config build/release/CPackConfig.cmake -B /packages \
    && rm -rf build /packages/_CPack_Packages

FROM debian:12-slim AS program
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ENV DEBIAN_FRONTEND=noninteractive LANG=C.UTF-8
COPY cmake/packages.sh /usr/local/share/chimera/packages.sh
COPY --from=build /packages /packages
# The slim image leaves manual pages out, of all packages.
RUN rm -f /etc/dpkg/dpkg.cfg.d/docker \
    && source /usr/local/share/chimera/packages.sh \
    && apt-get update -q \
    && apt-get install -q -y --no-install-recommends /packages/*.deb "${packages_container[@]}" \
    && rm -rf /packages /var/lib/apt/lists/*
WORKDIR /work
ENTRYPOINT ["chimera"]
CMD ["--help"]
