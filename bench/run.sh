#!/bin/sh
# All measurements that a README or card quotes:  bench/run.sh [BUILD_FOLDER]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build/bench}
"$build/bin/kernels_bench" --benchmark_min_time=0.2
for threads in 1 "$(nproc)"; do
  echo
  "$build/bin/bantam" bench --threads "$threads"
done
echo
bench/train.sh "$build"
