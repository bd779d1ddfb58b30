#!/bin/bash
# bench/memory.sh BANTAM GENERATOR [SHAPE:FORMAT...]: the memory that `bantam show` says a model needs, and what
# `bantam generate` takes at most (its peak resident set) with a context that its prompt fills, for models of real shapes
# with random weights, written by GENERATOR (gen_gguf.py), one after the other into a temporary folder (TMPDIR) and
# deleted again. Exit code 1 where they differ by more than 5%, 77 without GENERATOR or Python's numpy.
set -euo pipefail
bantam=$1 generator=$2
shift 2
[ $# -gt 0 ] || set -- smollm2-135m:f16 openelm-270m:f16 llama32-1b:q8_0 gemma2-2b:q8_0 phi3-mini:q4_0
[ -f "$generator" ] || { echo "skipped: the generator of models is not here"; exit 77; }
/usr/bin/python3 -c 'import numpy' 2>/dev/null || { echo "skipped: python3-numpy is not here"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Longer than a chunk of a prompt (256 tokens), whatever the vocabulary.
prompt=$(for i in $(seq 1 400); do printf '%s word ' "$i"; done)
continuation=8

number() { sed -E "s/.*\"$1\": ?([0-9]+).*/\1/"; }  # KEY: its value in one line of JSON
failed=0
printf '%-14s %-7s %8s %10s %10s %10s %9s\n' shape format context "weights MB" "said MB" "taken MB" "taken/said"
for wanted in "$@"; do
  shape=${wanted%:*} format=${wanted#*:}
  model=$folder/$shape.gguf
  /usr/bin/python3 "$generator" "$shape" "$model" >/dev/null
  if [ "$format" != f16 ]; then
    "$bantam" quantize "$model" "$folder/small.gguf" --to "$format" >/dev/null 2>&1
    mv "$folder/small.gguf" "$model"
  fi
  context=$(($("$bantam" tokenize -m "$model" --bos <<<"$prompt" 2>/dev/null | tr -cd , | wc -c) + 1 + continuation))
  show=$("$bantam" show "$model" -c "$context" --json 2>/dev/null | tr -d '\n')
  weights=$(sed -E 's/.*"memory": ?\{[^}]*"weight_bytes": ?([0-9]+).*/\1/' <<<"$show")
  said=$(sed -E 's/.*"memory": ?\{[^}]*"bytes": ?([0-9]+).*/\1/' <<<"$show")
  taken=$("$bantam" generate -m "$model" -c "$context" -p "$prompt" -n "$continuation" --json 2>/dev/null | number peak_memory_bytes)
  rm "$model"
  awk -v s="$said" -v t="$taken" -v w="$weights" -v c="$context" -v n="$shape" -v f="$format" 'BEGIN {
    printf "%-14s %-7s %8d %10.1f %10.1f %10.1f %9.3f\n", n, f, c, w / 1e6, s / 1e6, t / 1e6, t / s
    exit (t / s > 1.05 || t / s < 0.95) }' || failed=1
done
exit $failed
