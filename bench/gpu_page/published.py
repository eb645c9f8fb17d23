# SPDX-License-Identifier: Apache-2.0
"""Figures others have published, to stand beside ours. Not measured here: other machines, other models, other counts of FLOP."""

from gpu_page.words import table

LLMQ = "https://github.com/IST-DASLab/llmq/blob/7f895bdb88a80b5a56c64a7c795efc756619ebac/benchmarks/H100x1.md"
TITAN = "https://github.com/pytorch/torchtitan/blob/31a17bfdb70bab6f62a13d21816a5339b911d6e3/benchmarks/llama3_h100_202412_torchtitan.md"
MOSAIC = "https://github.com/mosaicml/llm-foundry/blob/061f2c7ce64e655100286584a7629e2a09f827ba/scripts/train/benchmarking/README.md"
IBM = "https://github.com/foundation-model-stack/fms-fsdp/issues/89"
LLMC = "https://github.com/karpathy/llm.c/blob/039904ee9fb925be226116d08b0e4c73e6518b7e/scripts/run_gpt2_1558M.sh"

# Who and source; model; GPUs; tokens/s of a GPU; share of 989 TFLOP/s as they state it; what to know before comparing.
FIGURES = [
    ("LLM.Q", LLMQ, "Qwen2.5-7B", "1 × H100", "13,863", "60.3 %",
     "whole training steps, sequences of 1024; bf16 weights and moments, no fp32 masters; grouped heads"),
    ("torchtitan", TITAN, "Llama 3.1 8B", "8 × H100, 500 W", "6,667", "33–39 %",
     "FSDP, compiled, selective recomputing; memory of 2.4 TB/s, peak taken of a faster H100; grouped heads"),
    ("llm-foundry", MOSAIC, "MPT-7B", "8 × H100", "10,643", "46.4 %", "FSDP, sequences of 2048; counts the whole square of attention"),
    ("fms-fsdp", IBM, "Llama 2 7B", "H100, FSDP", "9,600", "46 %", "stated in the issue; number of GPUs not stated there"),
    ("llm.c", LLMC, "GPT-2 1558M", "8 × H100", "46,811", "not stated",
     "2.80 s a step of 1,048,576 tokens, by the script's own words"),
]


def published():
    rows = [[f"[{who}]({source})", *rest] for who, source, *rest in FIGURES]
    return ["### Published by others", "", "Not measured here. Theirs are whole training steps, which do more than blocks alone: an upper bound "
            "of ours stands beside a result of theirs.", "",
            *table(["who", "model", "GPUs", "tokens/s a GPU", "of peak, as stated", "to know"], "lllrrl", rows)]
