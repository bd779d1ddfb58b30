#!/bin/sh
# usage: compare.sh BANTAM GENERATOR
# Every family against llama.cpp: random models of tiny shapes from GENERATOR (gen_gguf.py), then compare.mjs.
# Exit code 77 (skipped) without the generator, Python's numpy or an installed node_modules.
set -eu
bantam=$1 generator=$2
here=$(dirname "$0")
skip() { echo "skipped: $1"; exit 77; }
[ -f "$generator" ] || skip "the generator of tiny models is not here"
[ -d "$here/node_modules" ] || skip "llama.cpp is not here (npm ci in tests/peer installs it)"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not here"

models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
for family in llama llama3 moe phi3 phi2 gemma gemma2 gemma3 openelm qwen2 qwen3 gpt2 starcoder2; do
  /usr/bin/python3 "$generator" "tiny-$family" "$models/$family.gguf" >/dev/null
done
failed=0
node "$here/compare.mjs" "$bantam" "$models"/*.gguf || failed=$?
# Beyond its original context, Phi-3 rotates by other factors.
[ $failed -ne 0 ] || node "$here/compare.mjs" "$bantam" --context 8192 "$models/phi3.gguf" || failed=$?
exit $failed
