#!/bin/sh
# How fast training is, beside eager PyTorch on the same model, machine and threads.
#   bench/train.sh [BUILD_FOLDER] [THREADS]        default: build/bench, all CPUs
# Prints each program's median and spread over the steps, and our speed as a multiple of PyTorch's. The programs take
# turns so that a machine that slows down slows both.
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/bench}
threads=${2:-$(nproc)}
python=/usr/bin/python3  # Debian's, the one that python3-torch belongs to
bench=$build/bin/train_bench
[ -x "$bench" ] || { echo "bench/train.sh: $bench is missing; build the target train_bench" >&2; exit 2; }

echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $threads threads, load $(cut -d' ' -f1 /proc/loadavg)"
echo "step: 8 layers, 8 rows of 512 tokens, vocabulary 8192; GFLOP/s as in src/train/trainer.h: median (lowest to highest)"
torch=yes
"$python" -c 'import torch' 2>/dev/null || { torch=; echo "PyTorch: skipped: $python has no torch (apt install python3-torch)"; }

show() { # JSON line -> table row; with a second argument, the ratio to that PyTorch line
  "$python" - "$@" <<'PY'
import json, sys
r = json.loads(sys.argv[1])
line = f"width {r['dim']:4}  {r['program']} {r['matmul']}: {r['gflops']:6.1f} GFLOP/s ({r['gflops_min']} to {r['gflops_max']}), {r['tokens_per_s']} tokens/s"
if len(sys.argv) > 2:
    line += f", {r['tokens_per_s'] / json.loads(sys.argv[2])['tokens_per_s']:.1f}x PyTorch"
print(line)
PY
}

for dim in 256 512; do
  peer=
  if [ -n "$torch" ]; then
    peer=$("$python" bench/train_torch.py --dim "$dim" --steps 4 --threads "$threads")
    show "$peer"
  fi
  for matmul in f32 bf16; do
    ours=$("$bench" --dim "$dim" --steps 8 --matmul "$matmul" --threads "$threads" 2>&1) || { echo "width $dim $matmul: skipped: $ours"; continue; }
    show "$ours" ${peer:+"$peer"}
  done
done
