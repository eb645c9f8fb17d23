# SPDX-License-Identifier: Apache-2.0
"""chimera for Spack, out of the checkout that holds this recipe.

    spack repo add packaging/spack/spack_repo/chimera
    spack install chimera                # the headers, of the newest version's tag
    spack dev-build chimera@main         # the same of the files as they are here
"""
import os

from spack.package import *

try:  # Spack 1.0 and newer
    from spack_repo.builtin.build_systems.cmake import CMakePackage
except ImportError:  # older ones bring it with spack.package
    pass

CUDA_ARCHITECTURES = ("80", "86", "89", "90")
CHECKOUT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[".."] * 6))


class Chimera(CMakePackage):
    """Pipeline schedules for distributed training: planned, proven, simulated, run."""

    homepage = "https://doi.org/10.1145/3458817.3476145"
    git = f"file://{CHECKOUT}"

    license("Apache-2.0")

    version("main", branch="main")
    version("0.2.0", tag="v0.2.0")

    variant("program", default=False, description="Build the program chimera, which plans and trains, beside the headers")
    variant("mpi", default=False, when="+program", description="Let processes of a run find each other by MPI")
    variant("cuda", default=False, when="+program", description="Train on NVIDIA GPUs, too")
    variant("cuda_arch", default="80,90", values=CUDA_ARCHITECTURES, multi=True, when="+cuda",
            description="Compute capabilities of the GPUs")

    depends_on("cxx", type="build")
    depends_on("cmake@3.25:", type="build")
    with when("+program"):
        depends_on("cli11@2:", type="build")
        depends_on("nlohmann-json@3.11:", type="build")
        depends_on("range-v3@0.12:", type="build")
        depends_on("xxhash@0.8:", type="build")
        depends_on("onednn@2.6:3")
        depends_on("ncurses+termlib")
    depends_on("mpi", when="+mpi")
    with when("+cuda"):
        depends_on("cuda@12:")
        depends_on("cudnn@9:")
        for arch in CUDA_ARCHITECTURES:
            depends_on(f"nccl cuda_arch={arch}", when=f"cuda_arch={arch}")

    conflicts("%gcc@:11", msg="chimera needs GCC 12 (C++20: constexpr vectors)")
    conflicts("%clang@:15", msg="chimera needs Clang 16 (C++20)")

    def cmake_args(self):
        arguments = [
            self.define("CHIMERA_BUILD_TESTS", False),
            self.define("CHIMERA_BUILD_EXAMPLES", False),
            self.define("CHIMERA_INSTALL", True),
            self.define_from_variant("CHIMERA_BUILD_EXECUTOR", "program"),
            self.define("CHIMERA_ENABLE_CUDA", self.spec.satisfies("+cuda")),
            self.define("CMAKE_DISABLE_FIND_PACKAGE_MPI", not self.spec.satisfies("+mpi")),
        ]
        if self.spec.satisfies("+cuda"):
            arguments.append(self.define("CMAKE_CUDA_ARCHITECTURES", sorted(self.spec.variants["cuda_arch"].value)))
            arguments.append(self.define("CHIMERA_NCCL_ROOT", self.spec["nccl"].prefix))
            arguments.append(self.define("CHIMERA_CUDNN_ROOT", self.spec["cudnn"].prefix))
        return arguments
