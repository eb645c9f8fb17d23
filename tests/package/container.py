#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds Dockerfile, .dockerignore and .devcontainer to the files and packages that there are, without Docker.

    container.py SOURCE

Every path that a stage copies exists and is let through to it, stages are named before they are used, and whatever is
installed comes from a list of cmake/packages.sh or from packages that an earlier stage made.
"""
import json
import pathlib
import re
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1]).resolve()
KNOWN = {"FROM", "SHELL", "ENV", "COPY", "RUN", "WORKDIR", "ENTRYPOINT", "CMD"}
faults = []


def instructions():
    """(instruction, its words) of the Dockerfile, lines that go on joined."""
    text = re.sub(r"^#.*\n", "", (SOURCE / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)
    for line in re.sub(r"\\\n", " ", text).splitlines():
        if line.strip():
            name, rest = line.split(None, 1)
            yield name, rest


def lists_of_packages():
    """Names of the lists that are not empty, as bash reads them."""
    script = 'source cmake/packages.sh; for n in ${!packages_*}; do declare -n list=$n; echo "$n ${#list[@]}"; done'
    said = subprocess.run(["bash", "-c", script], cwd=SOURCE, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in said.splitlines() if int(line.split()[1]) > 0}


def check_copy(words, stages, let_through):
    if words[0].startswith("--from="):
        if words[0].removeprefix("--from=") not in stages:
            faults.append(f"COPY {words[0]}: no stage before it has this name")
        return
    for path in words[:-1]:
        if not (SOURCE / path).exists():
            faults.append(f"COPY {path}: it is not there")
        if path.split("/")[0] not in let_through:
            faults.append(f"COPY {path}: .dockerignore keeps it out")


def check_run(command, known):
    for installed in re.findall(r"apt-get install((?: [^&|;]+)?)", command):
        for word in installed.split():
            name = re.fullmatch(r'"\$\{(\w+)\[@\]\}"', word)
            if name and name.group(1) not in known:
                faults.append(f"{name.group(1)}: cmake/packages.sh has no such list")
            if not name and not word.startswith("-") and word != "/packages/*.deb":
                faults.append(f"{word} is installed by its name: put it into a list of cmake/packages.sh")
    for preset in re.findall(r"cmake --preset (\S+)", command):
        presets = json.loads((SOURCE / "CMakePresets.json").read_text(encoding="utf-8"))["configurePresets"]
        if preset not in [each["name"] for each in presets]:
            faults.append(f"CMakePresets.json has no preset {preset}")
    status = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
    if status.returncode:
        faults.append(f"bash cannot read: {command}: {status.stderr}")


def check_dockerfile():
    ignored = (SOURCE / ".dockerignore").read_text(encoding="utf-8").split()
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    known, stages, count = lists_of_packages(), set(), 0
    for name, rest in instructions():
        count += 1
        if name not in KNOWN:
            faults.append(f"{name}: no instruction that this test knows")
        if name == "FROM":
            image, _, stage = rest.split()
            if image not in stages and not re.fullmatch(r"debian:12(-slim)?", image):
                faults.append(f"FROM {image}: neither Debian 12 nor a stage before it")
            stages.add(stage)
        elif name == "COPY":
            check_copy(rest.split(), stages, let_through)
        elif name == "RUN":
            check_run(rest, known)
    return stages, count


def check_devcontainer(stages):
    """The keys are those of the specification, containers.dev/implementors/json_reference."""
    path = SOURCE / ".devcontainer/devcontainer.json"
    stated = json.loads(path.read_text(encoding="utf-8"))
    if set(stated) - {"name", "build", "postCreateCommand", "customizations"}:
        faults.append(f"devcontainer.json: keys that this test does not know: {sorted(stated)}")
    build = stated["build"]
    if (path.parent / build["dockerfile"]).resolve() != SOURCE / "Dockerfile":
        faults.append(f"devcontainer.json: {build['dockerfile']} is not the Dockerfile")
    if (path.parent / build["context"]).resolve() != SOURCE:
        faults.append(f"devcontainer.json: {build['context']} is not the folder that the Dockerfile copies from")
    if build["target"] not in stages:
        faults.append(f"devcontainer.json: the Dockerfile has no stage {build['target']}")
    check_run(stated["postCreateCommand"], set())


found, read = check_dockerfile()
check_devcontainer(found)
print("\n".join(faults) if faults else f"{read} instructions, stages {', '.join(sorted(found))}")
sys.exit(1 if faults or read < 10 else 0)
