# SPDX-License-Identifier: Apache-2.0
"""The headers of chimera for Conan 2: `conan create packaging/conan` from a checkout."""
import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load


class Chimera(ConanFile):
    name = "chimera"
    description = "Pipeline schedules for distributed training: planned, proven, simulated, run"
    license = "Apache-2.0"
    topics = ("pipeline-parallelism", "training", "scheduling", "header-only")
    package_type = "header-library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"io": [True, False]}  # <chimera/io.hpp>, chimera::io: needs nlohmann/json
    default_options = {"io": False}
    no_copy_source = True

    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        text = load(self, os.path.join(self._root(), "include", "chimera", "version.hpp"))
        self.version = ".".join(re.findall(r"#define CHIMERA_VERSION_[A-Z]+ (\d+)", text))

    def export_sources(self):
        for pattern in ("include/*", "LICENSE", "cmake/chimera-tables.cmake"):
            copy(self, pattern, self._root(), self.export_sources_folder)

    def requirements(self):
        if self.options.io:
            self.requires("nlohmann_json/[>=3.9 <4]")

    def validate(self):
        check_min_cppstd(self, 20)

    def package(self):
        for pattern, source, target in (("LICENSE", ".", "licenses"), ("*.hpp", "include", "include"),
                                        ("chimera-tables.cmake", "cmake", "cmake")):
            copy(self, pattern, os.path.join(self.source_folder, source), os.path.join(self.package_folder, target))

    def package_id(self):
        self.info.clear()

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "chimera")
        self.cpp_info.set_property("cmake_build_modules", [os.path.join("cmake", "chimera-tables.cmake")])
        headers = self.cpp_info.components["chimera"]
        headers.set_property("cmake_target_name", "chimera::chimera")
        headers.bindirs = headers.libdirs = []
        if self.options.io:
            files = self.cpp_info.components["io"]
            files.set_property("cmake_target_name", "chimera::io")
            files.bindirs = files.libdirs = files.includedirs = []
            files.requires = ["chimera", "nlohmann_json::nlohmann_json"]
