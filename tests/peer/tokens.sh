#!/bin/sh
# usage: tokens.sh BANTAM FOLDER
# Random texts through llama.cpp and bantam with every vocabulary of FOLDER (ggml-vocab-*.gguf), then with one of them cut
# by other pre-tokenizers. Exit code 77 (skipped) without the vocabularies or an installed node_modules.
set -eu
bantam=$1 folder=$2
here=$(dirname "$0")
skip() { echo "skipped: $1"; exit 77; }
[ -f "$folder/ggml-vocab-gpt-2.gguf" ] || skip "the vocabularies are not here"
[ -d "$here/node_modules" ] || skip "llama.cpp is not here (npm ci in tests/peer installs it)"
node "$here/tokens.mjs" "$bantam" --count "${COUNT:-10000}" "$folder"/ggml-vocab-*.gguf
# llama.cpp runs these on std::regex, which is slow. It approximates tekken, gpt-4o and kimi-k2: not compared.
exec node "$here/tokens.mjs" "$bantam" --count 1000 \
  --pre default,falcon,bloom,viking,refact,dbrx,stablelm2,qwen35,seed-coder,ufakzeka,minicpm5,laguna,deepseek-coder,deepseek-v3 \
  "$folder/ggml-vocab-llama-bpe.gguf"
