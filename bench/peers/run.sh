#!/usr/bin/env bash
# Measures chimera beside its peers on the same work, in turns and in one run, and writes bench/results/peers.md: making and simulating
# orders, training steps, pipeline training with two processes, and what a table costs the compiler. Installs what is missing (Debian
# 12) and PyTorch from PyPI, under build/peers: its wheel brings the GPU's libraries along, some 3 GB. CHIMERA_PEERS_PYTHON=PATH takes
# a Python that has it already. About ten minutes on a machine with nothing else to do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source cmake/packages.sh

need_packages "${packages_bench[@]}" python3-venv python3-dev
python=${CHIMERA_PEERS_PYTHON:-build/peers/bin/python}
if ! "$python" -c 'import torch' 2>/dev/null; then
    say "Installing PyTorch under build/peers"
    python3 -m venv build/peers
    build/peers/bin/pip install --quiet torch numpy
    python=build/peers/bin/python
fi
say "Building into build/bench"
cmake --preset bench
cmake --build build/bench -j "$(jobs)" --target bench_orders bench_train_step chimera_program

step=build/bench/bench/bench_train_step
peers=bench/peers
small="--layers 8 --heads 8 --channels 512 --vocabulary 256 --context 256 --tokens 256"
ranks=()
if build/bench/executor/chimera train --help | grep WORLD_SIZE >/dev/null; then  # several processes can share a run's workers
    ranks=("python3 $peers/ranks.py build/bench/executor/chimera")
fi

report() {
    cat <<END
# Peers

By \`bash bench/peers/run.sh\`, $(date -u +%F), $(nproc) cores of $(sed -n 's/^model name\s*: //p' /proc/cpuinfo | head -1), $(g++ --version | head -1).
Programs take turns within one run; same sizes, AdamW with clipping by the global norm, the same threads; warm-up is not counted.

## A training step: GPT-2 with 12 layers, 768 channels, 50,257 tokens; 4 sequences of 64 tokens; 2 threads; fp32

END
    "$python" $peers/turns.py "$step --family data_parallel --stages 1 --micro-batches 1 --threads 2" "$step --family zb_h1" \
        "$python $peers/pytorch_cpu.py" "$python $peers/pytorch_cpu.py --compiled"
    if grep -q avx512_bf16 /proc/cpuinfo; then
        cat <<END

## The same step in bf16

END
        "$python" $peers/turns.py "$step --family data_parallel --stages 1 --micro-batches 1 --threads 2" \
            "$step --family data_parallel --stages 1 --micro-batches 1 --threads 2 --precision bf16" \
            "$python $peers/pytorch_cpu.py" "$python $peers/pytorch_cpu.py --bf16"
    fi
    cat <<END

## A training step: 8 layers, 512 channels, 256 tokens in the vocabulary; 4 sequences of 256 tokens; 2 threads; fp32

END
    "$python" $peers/turns.py "$step $small --family bidirectional" "$python $peers/pytorch_cpu.py $small" \
        "$python $peers/pytorch_cpu.py $small --compiled"
    cat <<END

## Pipeline training: the first model, 2 stages of 9 and 3 blocks, 4 micro-batches of a sequence; fp32

END
    "$python" $peers/turns.py "$step --family one_f_one_b --blocks 9,3" "${ranks[@]}" "$python $peers/pytorch_pipeline.py" \
        "$python $peers/pytorch_pipeline.py --schedule Interleaved1F1B --blocks 4,4,4,0"
    cat <<END

## Orders of pipelines

END
    "$python" $peers/orders.py build/bench/bench/bench_orders
    cat <<END

## What a table costs the compiler

\`\`\`
$(bench/compile_time.py --runs 3)
\`\`\`
END
}

say "Measuring; the report goes to bench/results/peers.md"
report >build/peers.md
mv build/peers.md bench/results/peers.md
cat bench/results/peers.md
