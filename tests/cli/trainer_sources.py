# SPDX-License-Identifier: Apache-2.0
"""What trainers.py and layout.py hold the program's words against.

MEGATRON_LM, TORCHTITAN and DEEPSPEED name source trees; with them (and PyTorch, where a tree needs it) the real parsers read what
the program writes. Without them it is held against trainer_names.txt alone.
"""
import argparse
import ast
import importlib.util
import os
import pathlib
import sys
import types
import typing

NAMES = pathlib.Path(__file__).resolve().parent / "trainer_names.txt"


def names_of(section):
    """The names of a section of trainer_names.txt."""
    found, here = [], False
    for line in NAMES.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            here = line.startswith(f"[{section}]")
        elif here and not line.startswith("#"):
            found.append(line)
    assert found, section
    return found


def source(variable):
    folder = os.environ.get(variable)
    if not folder:
        return None
    path = pathlib.Path(folder)
    if not path.is_dir():
        sys.exit(f"{variable} is {folder}, which is no folder")
    return path


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    made.__path__ = []
    sys.modules[name] = made
    return made


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    sys.modules[name] = made
    spec.loader.exec_module(made)
    return made


def megatron_layouts():
    """Megatron-LM's class of layouts, with stand-ins for all that its file needs besides; None without the source."""
    root = source("MEGATRON_LM")
    if root is None:
        return None
    kept = {name: sys.modules.get(name) for name in list(sys.modules) if name.startswith("megatron")}
    for name in ("megatron", "megatron.core", "megatron.core.transformer"):
        module(name)
    sys.modules["megatron.core"].parallel_state = module("megatron.core.parallel_state")
    module("megatron.core._rank_utils", safe_get_rank=lambda: 0)
    folder = root / "megatron" / "core" / "transformer"
    load("megatron.core.transformer.enums", folder / "enums.py")
    layouts = load("megatron.core.transformer.pipeline_parallel_layer_layout", folder / "pipeline_parallel_layer_layout.py")
    for name in [name for name in sys.modules if name.startswith("megatron")]:
        del sys.modules[name]
    sys.modules.update({name: kept[name] for name in kept if kept[name] is not None})
    return layouts.PipelineParallelLayerLayout


def listed_parser():
    """A parser of the flags that are listed."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for name in names_of("megatron"):
        if name.endswith("="):
            parser.add_argument(name[:-1])
        else:
            parser.add_argument(name, action="store_true")
    return parser


def megatron_parser():
    """Megatron-LM's own parser, or None without its source or PyTorch."""
    root = source("MEGATRON_LM")
    if root is None or importlib.util.find_spec("torch") is None:
        return None
    if not hasattr(typing, "override"):  # of Python 3.12, which the source needs
        typing.override = lambda function: function
    sys.path.insert(0, str(root))
    from megatron.training.arguments import add_megatron_arguments  # pylint: disable=import-error,import-outside-toplevel
    parser = argparse.ArgumentParser(allow_abbrev=False)
    add_megatron_arguments(parser)
    return parser


def torchtitan_fields():
    """Fields of torchtitan's configuration by its source, such as training.steps; None without it."""
    root = source("TORCHTITAN")
    if root is None:
        return None
    found = set()
    for path, names in (("config/configs.py", {"TrainingConfig": "training.", "ParallelismConfig": "parallelism."}),
                        ("trainer.py", {"Config": ""})):
        for node in ast.walk(ast.parse((root / "torchtitan" / path).read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and node.name in names:
                found |= {names[node.name] + line.target.id for line in node.body if isinstance(line, ast.AnnAssign)}
    return found


def deepspeed_uniform():
    """DeepSpeed's partition_uniform from its source; None without it or numpy."""
    root = source("DEEPSPEED")
    if root is None or importlib.util.find_spec("numpy") is None:
        return None
    for node in ast.parse((root / "deepspeed/runtime/utils.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "partition_uniform":
            scope = {}
            exec(compile(ast.Module([node], []), "partition_uniform", "exec"), scope)  # pylint: disable=exec-used
            return scope["partition_uniform"]
    return None
