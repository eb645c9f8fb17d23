#!/usr/bin/env bash
# Builds the Python wheel, installs it in a folder of its own, and runs its tests there and the cell of its page.
# Usage: python.sh SOURCE FOLDER; exit 77 where scikit-build-core, pybind11 or pytest are missing. PyTorch's tests are
# skipped without it.
set -euo pipefail
python=${CHIMERA_PYTHON:-python3}
"$python" -c 'import scikit_build_core, pybind11, pytest, pip' 2>/dev/null || { echo "scikit-build-core, pybind11 or pytest is not here"; exit 77; }
rm -rf "$2"
mkdir -p "$2"
"$python" -m pip wheel -q --no-build-isolation --no-deps -w "$2" "$1/packaging/python"
"$python" -m pip install -q --no-deps --target "$2/site" "$2"/chimera_schedules-*.whl
export PYTHONPATH=$2/site
cd "$2"
"$python" -m pytest -q -p no:cacheprovider "$1/packaging/python/tests"
sed -n '/^```python cell.py$/,/^```$/p' "$1/docs/python.md" | sed '1d;$d' >cell.py
"$python" cell.py
test -s order.json
