#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints where Python packages keep NVIDIA's libraries, a line each: `NAME FOLDER`. FOLDER holds include and lib, or, for the name
frontend, cudnn_frontend.h. Argument: the release of CUDA (13), whose libraries alone are taken. What is not there has no line."""

import glob
import os
import sys

# Folders under site-packages/nvidia: packages for CUDA 13 share one, those for CUDA 12 have one each.
LIBRARIES = {"cudart": ("cu{}", "cuda_runtime"), "cublasLt": ("cu{}", "cublas"), "nvrtc": ("cu{}", "cuda_nvrtc"),
             "cudnn": ("cudnn",), "nccl": ("nccl",)}


def folder_of(site, name, release):
    for folder in LIBRARIES[name]:
        root = os.path.join(site, "nvidia", folder.format(release))
        number = "*" if name in ("cudnn", "nccl") else release
        if glob.glob(os.path.join(glob.escape(root), "lib", f"lib{name}.so.{number}")):
            return root
    return None


def main():
    release = sys.argv[1] if len(sys.argv) > 1 else "13"
    found = {}
    for site in filter(os.path.isdir, sys.path[1:]):  # the first is the folder of this script
        for name in LIBRARIES:
            if name not in found and (root := folder_of(site, name, release)):
                found[name] = root
        # The package nvidia-cudnn-frontend unpacks its headers into site-packages/include.
        include = os.path.join(site, "include")
        if "frontend" not in found and os.path.exists(os.path.join(include, "cudnn_frontend.h")):
            found["frontend"] = include
    for name, folder in found.items():
        print(name, os.path.realpath(folder))


main()
