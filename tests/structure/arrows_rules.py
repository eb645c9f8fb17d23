#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule of arrows.py finds a tree that breaks it, and leaves its twin alone."""
import pathlib
import sys
import tempfile

import arrows

BASE = {
    "CMakeLists.txt": "#   core:\n#   plan: core\n",
    "include/chimera/core/slot.hpp": "#include <cstdint>\n",
    "include/chimera/plan/cost.hpp": "#include <chimera/core/slot.hpp>\n",
    "include/chimera/chimera.hpp": "#include <chimera/plan/cost.hpp>\n",
    "executor/CMakeLists.txt": "#   io:\n#   io/cuda: io\n",
    "executor/io/read.hpp": "#include <chimera/plan/cost.hpp>\n",
    "executor/io/cuda/copy.cu": "#include <executor/io/read.hpp>\n",
}
RULES = {  # message: files that break the rule
    "core -> plan is not declared": {"include/chimera/core/slot.hpp": "#include <chimera/plan/cost.hpp>\n"},
    "lies on a circle": {"CMakeLists.txt": "#   core: plan\n#   plan: core\n",
                         "include/chimera/core/slot.hpp": "#include <chimera/plan/cost.hpp>\n"},
    "plan -> core is declared, but no file": {"include/chimera/plan/cost.hpp": "#include <cstdint>\n"},
    "io -> io/cuda is not declared": {"executor/io/cuda/copy.cuh": "\n",
                                      "executor/io/read.hpp": "#include <executor/io/cuda/copy.cuh>\n"},
    "stands in quotation marks": {"executor/io/cuda/copy.cu": '#include "executor/io/read.hpp"\n'},
    "does not know the executor": {"include/chimera/core/slot.hpp": "#include <executor/io/read.hpp>\n"},
    "slot.hpp: stands 2 times": {"executor/io/slot.hpp": "\n"},
    "declares no folder": {"executor/CMakeLists.txt": "# io\n"},
}


def faults_of(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            file = pathlib.Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return arrows.check(pathlib.Path(folder))


wrong = [f"the twin is refused: {line}" for line in faults_of(BASE)]
for message, change in RULES.items():
    if not any(message in line for line in faults_of({**BASE, **change})):
        wrong.append(f"nothing says '{message}'")
for line in wrong:
    print(line)
sys.exit(1 if wrong else 0)
