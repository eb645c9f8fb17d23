#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`chimera plan --format megatron|torchtitan|deepspeed`. Usage: trainers.py PROGRAM

What it prints is read by the frameworks' own code where that is there (see trainer_sources.py), and by trainer_names.txt otherwise:
names are known, sizes are those of the plan, cuts are whole, PyTorch's schedules take the micro-batches. What a framework cannot run
is refused in one line.
"""
import collections
import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import trainer_sources
from failures import fail, finish

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
CLUSTER = ["--nodes", "4", "--workers-per-node", "8", "--memory", "80GiB", "--hardware", "A100"]
LLAMA = ["--model", "llama-3-8b", "--samples", "96", *CLUSTER]


def expect(good, text):
    if not good:
        fail(text)


def run(*arguments):
    return subprocess.run([PROGRAM, "plan", *arguments], capture_output=True, text=True, check=False, timeout=300)


def plan(*arguments):
    got = run(*arguments)
    if got.returncode:
        fail(f"{' '.join(arguments)}: {got.stderr}")
    return got.stdout


def price(*arguments):
    """The configuration that the same words have in JSON."""
    return json.loads(plan(*arguments, "--format", "json"))["configuration"]


def refuse(part, *arguments):
    got = run(*arguments)
    if got.returncode != 2 or got.stdout or got.stderr.count("\n") != 1 or part not in got.stderr or len(got.stderr) > 500:
        fail(f"{' '.join(arguments)}: exit {got.returncode}, no '{part}' in {got.stderr[:600]}")


def words(text):
    """What a shell starts for a megatron text: torchrun's arguments before the script, and those behind it."""
    stand_in = pathlib.Path("torchrun")
    stand_in.write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n", encoding="utf-8")
    stand_in.chmod(0o755)
    environment = {**os.environ, "PATH": f"{stand_in.parent.resolve()}:{os.environ['PATH']}", "SCRIPT": "mine.py"}
    got = subprocess.run(["bash", "-uc", text, "bash", "--more"], capture_output=True, text=True, check=False, env=environment)
    expect(got.returncode == 0 and not got.stderr, f"a shell does not run {text}: {got.stderr}")
    parts = got.stdout.split("\0")[:-1]
    expect(parts[-1] == "--more", "the command takes no further flags")
    script = next(i for i, part in enumerate(parts) if part.endswith(".py"))
    return parts[:script], parts[script + 1:-1]


def megatron(parser, layouts, layers, *arguments):
    """Reads the flags of one configuration and holds them against its JSON."""
    made, named = price(*arguments), " ".join(arguments)
    launcher, flags = words(plan(*arguments, "--format", "megatron"))
    try:
        args = parser.parse_args(flags)
    except SystemExit:
        return fail(f"the parser refuses {flags}")
    value = lambda key: int(getattr(args, key) or 0)  # noqa: E731
    ranks = made["stages"] // made.get("chunks", 2) if made["family"] == "interleaved" else made["stages"]
    processes = int(launcher[launcher.index("--nnodes") + 1]) * int(launcher[launcher.index("--nproc-per-node") + 1])
    expect(processes == ranks * made["tensor"] * made["width"], f"{named}: {processes} processes")
    expect(value("tensor_model_parallel_size") == made["tensor"], f"{named}: tensor width")
    expect(value("pipeline_model_parallel_size") == ranks, f"{named}: ranks")
    expect(value("micro_batch_size") == made["micro_batch"], f"{named}: micro-batch")
    expect(value("global_batch_size") == made["micro_batch"] * made["micro_batches"] * made["width"], f"{named}: samples")
    expect(value("num_layers") == layers, f"{named}: layers")
    expect(bool(args.use_distributed_optimizer) == (made["zero"] > 0), f"{named}: ZeRO")
    expect(bool(args.overlap_grad_reduce) == (made["sync"] != "lazy" and made["width"] > 1), f"{named}: sync")
    expect(args.recompute_granularity == {"none": None, "layers": "full"}.get(made["recompute"], made["recompute"]), f"{named}: recompute")
    blocks = [b - a for a, b in zip(made["cuts"], made["cuts"][1:])]
    blocks[0] -= 1
    blocks[-1] -= 1
    text, chunks = args.pipeline_model_parallel_layout, value("num_virtual_stages_per_pipeline_rank") or 1
    if text is None:
        expect(len(set(blocks)) == 1 and chunks == made["stages"] // ranks, f"{named}: no layout of {blocks}")
    else:
        expect(chunks == 1, f"{named}: a layout and virtual stages")
    if text is not None and layouts:
        layout = layouts(text, ranks)
        layout.validate_layer_layout(layers, None)
        theirs = [[x.name for x in layout.layout[s % ranks][s // ranks]].count("decoder") for s in range(made["stages"])]
        expect(theirs == blocks, f"{named}: Megatron-LM reads {theirs} of {text}, the plan is {blocks}")
    return args


def check_megatron():
    own, layouts = trainer_sources.megatron_parser(), trainer_sources.megatron_layouts()
    print("flags: Megatron-LM's parser" if own else "flags: the list")
    for parser in filter(None, (own, trainer_sources.listed_parser())):
        args = megatron(parser, layouts, 32, *LLAMA, "--family", "interleaved", "--stages", "16", "--tensor", "2", "--zero", "1")
        expect(int(args.hidden_size) == 4096 and int(args.ffn_hidden_size) == 14336 and int(args.num_query_groups) == 8, "sizes")
        expect(bool(args.swiglu and args.untie_embeddings_and_output_weights and args.bf16), "kind of the model")
        megatron(parser, layouts, 32, *LLAMA, "--family", "one_f_one_b", "--stages", "4", "--recompute", "selective", "--sync", "lazy")
        args = megatron(parser, layouts, 32, *LLAMA, "--layout", "Et*8|t*8|t*8|t*8L", "--family", "one_f_one_b",
                        "--recompute", "full", "--zero", "0")
        expect(args.pipeline_model_parallel_layout is None and int(args.recompute_num_layers) == 8, "an even cut needs no layout")
        args = megatron(parser, layouts, 32, *LLAMA, "--layout", "Et*5|t*9|t*9|t*9L", "--family", "one_f_one_b", "--recompute", "full")
        expect(int(args.recompute_num_layers) == 9, "a stage is recomputed as a whole")
        args = megatron(parser, layouts, 32, *LLAMA, "--family", "one_f_one_b", "--stages", "4", "--recompute", "layers", "--tensor", "2",
                        "--sequence-parallel")
        expect(int(args.recompute_num_layers) == 1 and args.sequence_parallel, "each layer is recomputed alone, by sequence")
        megatron(parser, layouts, 32, *LLAMA, "--layout", "E(t*4|)*8L", "--family", "interleaved", "--chunks", "3",
                 "--group", "4", "--width", "4", "--micro-batch", "2")
        args = megatron(parser, layouts, 32, *LLAMA, "--family", "data_parallel", "--zero", "3")
        expect(args.data_parallel_sharding_strategy == "optim_grads_params", "ZeRO 3")
        megatron(parser, layouts, 48, "--model", "bert-48", "--samples", "96", *CLUSTER, "--family", "one_f_one_b", "--stages", "8")
        megatron(parser, layouts, 64, "--model", "gpt2-64", "--samples", "96", *CLUSTER, "--family", "one_f_one_b", "--stages", "16")


class Section:
    """A part of a configuration: takes known names alone."""

    def __init__(self, known, at=""):
        self.__dict__.update(known=known, at=at, values={})

    def __setattr__(self, name, value):
        expect(self.at + name in self.known, f"torchtitan has no {self.at}{name}")
        self.values[self.at + name] = value

    def __getattr__(self, name):
        return self.values[self.at + name]


def configured(text, layers):
    """Runs a torchtitan text on a configuration of `layers` blocks; the values that it sets."""
    known = set(trainer_sources.names_of("torchtitan"))
    own = trainer_sources.torchtitan_fields()
    if own:
        expect(known <= own, f"torchtitan's source has no {sorted(known - own)}")
    config = Section(known)
    policies = collections.namedtuple("Policy", "Config")
    trainer_sources.module("torchtitan")
    trainer_sources.module("torchtitan.trainer", Trainer=policies("configuration"))
    trainer_sources.module("torchtitan.distributed")
    trainer_sources.module("torchtitan.distributed.activation_checkpoint", FullAC=policies(lambda: "full"),
                           SelectiveAC=policies(lambda: "selective"))
    model = collections.namedtuple("Model", "layers")([None] * layers)
    parts = {"training": Section(known, "training."), "parallelism": Section(known, "parallelism."),
             "model_spec": collections.namedtuple("Spec", "model")(model)}
    config.values.update(parts)
    scope = {}
    exec(compile(text, "planned.py", "exec"), scope)  # pylint: disable=exec-used
    scope["plan"](config)
    values = {k: v for k, v in config.values.items() if k not in parts}
    return {**values, **parts["training"].values, **parts["parallelism"].values}


def taken_by_pytorch(name, stages, ranks, micro_batches):
    """Makes PyTorch's schedule of that name for rank 0; None without PyTorch."""
    if importlib.util.find_spec("torch") is None:
        return None
    from pytorch_stage import Stage  # pylint: disable=import-outside-toplevel
    from torch.distributed.pipelining import schedules  # pylint: disable=import-outside-toplevel

    own = schedules.get_schedule_class(name)
    single = issubclass(own, schedules.PipelineScheduleSingle)
    try:
        own(Stage(stages, ranks) if single else [Stage(stages, ranks) for _ in range(stages // ranks)], micro_batches)
    except ValueError:
        return False
    return single == (stages == ranks)


def torchtitan(layers, ranks, *arguments):
    made, named = price(*arguments), " ".join(arguments)
    set_ = configured(plan(*arguments, "--format", "torchtitan"), layers)
    get = lambda name: set_["parallelism." + name]  # noqa: E731
    tokens = set_["training.max_context_length"]
    expect(get("pipeline_parallel_degree") == ranks and get("tensor_parallel_degree") == made["tensor"], f"{named}: degrees")
    expect(get("data_parallel_replicate_degree") * get("data_parallel_shard_degree") == made["width"], f"{named}: copies")
    expect(set_["training.num_tokens_per_microbatch_per_dp_rank"] == made["micro_batch"] * tokens, f"{named}: micro-batch")
    samples = made["micro_batch"] * made["micro_batches"] * made["width"]
    expect(set_["training.num_tokens_per_train_step"] == samples * tokens, f"{named}: samples")
    expect(set_["activation_checkpoint"] == {"none": None, "layers": "full"}.get(made["recompute"], made["recompute"]), f"{named}: recompute")
    if ranks == 1:
        return set_
    parts = get("module_fqns_per_model_part")
    wanted = ["tok_embeddings", *(f"layers.{i}" for i in range(layers)), "norm", "lm_head"]
    expect(sum(parts, []) == wanted and len(parts) == made["stages"], f"{named}: {parts}")
    sizes = [b - a for a, b in zip(made["cuts"], made["cuts"][1:])]
    sizes[-1] += 1  # the head is two modules
    expect([len(part) for part in parts] == sizes, f"{named}: {parts}, the plan is {made['cuts']}")
    name = get("pipeline_parallel_schedule")
    expect(name in trainer_sources.names_of("pytorch"), f"{named}: no schedule {name}")
    expect(get("num_pp_microbatches") == made["micro_batches"], f"{named}: micro-batches")
    expect(taken_by_pytorch(name, made["stages"], ranks, made["micro_batches"]) is not False, f"{named}: PyTorch does not take it")
    return set_


def check_torchtitan():
    print("schedules: PyTorch's" if importlib.util.find_spec("torch") else "schedules: the list")
    for family, stages in (("gpipe", 4), ("one_f_one_b", 8), ("interleaved", 8), ("breadth_first", 8), ("zb_interleaved", 8), ("zb_v", 8),
                           ("dualpipe_v", 8)):
        ranks = stages if family in ("gpipe", "one_f_one_b") else stages // 2
        torchtitan(32, ranks, *LLAMA, "--family", family, "--stages", str(stages), "--width", "2", "--zero", "0")
    set_ = torchtitan(32, 4, *LLAMA, "--family", "one_f_one_b", "--layout", "E|t*9|t*9|t*14L", "--zero", "3", "--recompute", "layers",
                      "--tensor", "2", "--width", "4")
    expect(set_["parallelism.fsdp_reshard_after_forward"] == "always" and not set_["parallelism.enable_sequence_parallel"], "ZeRO 3")
    torchtitan(32, 1, *LLAMA, "--family", "data_parallel", "--zero", "2", "--recompute", "selective")
    # Groups as PyTorch makes them: 10 micro-batches on 4 ranks in groups of 5.
    ten = ["--model", "llama-3-8b", "--samples", "10", *CLUSTER, "--family", "interleaved", "--stages", "8", "--width", "1"]
    torchtitan(32, 4, *ten, "--group", "5")
    refuse("plan with --group 5", *ten, "--format", "torchtitan")
    eleven = ["--model", "llama-3-8b", "--samples", "11", *CLUSTER, "--family", "interleaved", "--stages", "8", "--width", "1"]
    refuse("2 equal rounds", *eleven, "--format", "torchtitan")
    expect(taken_by_pytorch("Interleaved1F1B", 8, 4, 11) is not True, "PyTorch takes what is refused")
    few = ["--model", "llama-3-8b", "--samples", "6", *CLUSTER, "--width", "1", "--stages", "8"]
    refuse("as many as the 8 stages", *few, "--family", "one_f_one_b", "--format", "torchtitan")
    expect(taken_by_pytorch("1F1B", 8, 8, 6) is not True, "PyTorch takes what is refused")


def deepspeed(uniform, *arguments):
    made, named = price(*arguments), " ".join(arguments)
    got = run(*arguments, "--format", "deepspeed")
    config = json.loads(got.stdout)
    keys = [f"{a}.{b}" if isinstance(inner, dict) else a for a, inner in config.items() for b in (inner if isinstance(inner, dict) else "-")]
    expect(set(keys) <= set(trainer_sources.names_of("deepspeed")), f"{named}: {keys}")
    batch = config["train_micro_batch_size_per_gpu"] * config["gradient_accumulation_steps"] * made["width"]
    expect(config["train_batch_size"] == batch == made["micro_batch"] * made["micro_batches"] * made["width"], f"{named}: {config}")
    expect(config["zero_optimization"]["stage"] == made["zero"], f"{named}: ZeRO")
    expect(config.get("pipeline", {}).get("stages", 1) == made["stages"], f"{named}: stages")
    expect(all(line.startswith("chimera: note: ") for line in got.stderr.splitlines()), f"{named}: {got.stderr}")
    if uniform and made["stages"] > 1:
        same = uniform(made["cuts"][-1], made["stages"]) == made["cuts"]
        expect(same != ("no partition_method" in got.stderr), f"{named}: {made['cuts']}, {got.stderr}")
    return got.stderr


def check_deepspeed():
    uniform = trainer_sources.deepspeed_uniform()
    print("cuts: DeepSpeed's partition_uniform" if uniform else "cuts: without DEEPSPEED")
    for stages in (4, 8, 16):
        deepspeed(uniform, *LLAMA, "--family", "one_f_one_b", "--stages", str(stages), "--zero", "1", "--recompute", "full")
    notes = deepspeed(uniform, *LLAMA, "--family", "one_f_one_b", "--layout", "Et*8|t*9|t*8|t*7L", "--zero", "0", "--sync", "lazy")
    expect("partition_method=\"uniform\") of its 34 layers" in notes, notes)
    notes = deepspeed(uniform, *LLAMA, "--family", "data_parallel", "--zero", "3", "--recompute", "full")
    expect("deepspeed.checkpointing.checkpoint" in notes, notes)


def check_refusals():
    for framework, family in (("megatron", "zb_v"), ("megatron", "gpipe"), ("megatron", "bidirectional"), ("megatron", "gems"),
                              ("torchtitan", "bidirectional"), ("torchtitan", "zb_h1"), ("torchtitan", "wave"),
                              ("deepspeed", "gpipe"), ("deepspeed", "interleaved"), ("deepspeed", "pipedream")):
        refuse(f"has no order like {family} (", *LLAMA, "--family", family, "--stages", "8", "--format", framework)
    refuse("dualpipe_v comes closest", *LLAMA, "--family", "dualpipe", "--stages", "8", "--format", "torchtitan")
    one = [*LLAMA, "--family", "one_f_one_b", "--stages", "8"]
    refuse("torchtitan has no ZeRO 1", *one, "--zero", "1", "--format", "torchtitan")
    refuse("ZeRO 2 is not written for pipelines of Megatron-LM", *one, "--zero", "2", "--format", "megatron")
    refuse("have no ZeRO 3", *one, "--zero", "3", "--format", "deepspeed")
    refuse("has no tensor slices", *one, "--tensor", "2", "--format", "deepspeed")
    refuse("recomputes whole layers", *one, "--recompute", "selective", "--format", "deepspeed")
    refuse("between its blocks is none", "--model", "t5-small", "--samples", "96", *CLUSTER, "--family", "data_parallel", "--format", "megatron")
    refuse("does not tie", "--model", "gpt2-124m", "--samples", "96", *CLUSTER, "--family", "one_f_one_b", "--stages", "4",
           "--zero", "0", "--format", "torchtitan")
    refuse("does not interleave", "--model", "llama-3-8b", "--samples", "10", *CLUSTER, "--family", "interleaved", "--stages", "8",
           "--width", "1", "--format", "megatron")
    for memory in range(30, 100, 5):  # until stages differ in what they recompute
        tight = [word if word != "80GiB" else f"{memory}GiB" for word in one] + ["--recompute", "mixed", "--zero", "1"]
        if len(set(price(*tight).get("stage_recompute", []))) > 1:
            refuse("recomputes alike on all stages", *tight, "--format", "megatron")
            break
    else:
        fail("no memory makes stages differ in what they recompute")
    refuse("--place does not apply", *one, "--place", "2", "--format", "megatron")
    refuse("--place is of a framework's format", *LLAMA, "--place", "2")
    refuse("--place is 99", *LLAMA, "--families", "gpipe,one_f_one_b", "--place", "99", "--format", "megatron")
    refuse("the layout has 3", *LLAMA, "--family", "one_f_one_b", "--stages", "4", "--layout", "Et*10|t*11|t*11L")
    refuse("configuration: the layout has 2 stages (data_parallel has 1)", *LLAMA, "--family", "data_parallel", "--layout", "Et*10|t*22L")
    refuse("at character 3", *LLAMA, "--family", "one_f_one_b", "--layout", "Etx")
    refuse("--family is missing", *LLAMA, "--layout", "Et*16|t*16L")


def check_places():
    """A place that a framework cannot run names one that it can, and that one comes."""
    families = ["--families", "zb_v,one_f_one_b", "--zero", "0", "--recompute", "none,selective", "--top", "20"]
    ranking = json.loads(plan(*LLAMA, *families, "--format", "json"))["plan"]["ranking"]
    place = next(i for i, r in enumerate(ranking, 1) if r["configuration"]["family"] == "one_f_one_b")
    if place > 1:
        refuse(f"or give --place {place}\n", *LLAMA, *families, "--format", "megatron")
    text = plan(*LLAMA, *families, "--format", "megatron", "--place", str(place))
    expect("# one_f_one_b" in text and "pretrain_gpt.py" in text, f"place {place}: {text}")


def check_names():
    """A model's name is no part of a command."""
    model = {"format": "chimera.model", "version": 1, "name": "$(x)`y`\"'}\\", "family": "bert", "sizes": {"layers": 12}}
    pathlib.Path("named.json").write_text(json.dumps(model), encoding="utf-8")
    named = ["--model", "named.json", "--samples", "96", *CLUSTER, "--family", "one_f_one_b", "--stages", "4", "--zero", "0"]
    words(plan(*named, "--format", "megatron"))
    layout = json.loads(plan(*LLAMA, "--family", "one_f_one_b", "--layout", "Et*8|t*9|t*8|t*7L", "--format", "json"))
    expect(layout["configuration"]["cuts"] == [0, 9, 18, 26, 34], layout["configuration"]["cuts"])
    pathlib.Path("price.json").write_text(json.dumps(layout), encoding="utf-8")
    again = json.loads(plan("price.json", "--format", "json"))
    expect(again["configuration"]["cuts"] == [0, 9, 18, 26, 34], "a request forgets its layout")
    configured(plan(*named, "--format", "torchtitan"), 12)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for check in (check_megatron, check_torchtitan, check_deepspeed, check_refusals, check_places, check_names):
            check()
        os.chdir("/")
    finish()


main()
