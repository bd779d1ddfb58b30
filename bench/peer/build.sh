#!/usr/bin/env bash
# Builds llama.cpp's own benchmark for this very CPU, from the source that the npm package node-llama-cpp carries:
#   bench/peer/build.sh FOLDER       afterwards FOLDER/llama.cpp/build/bin/llama-bench
# Needs npm, git, cmake and ninja; takes some minutes. Nothing of it is part of the product.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?usage: build.sh FOLDER}
mkdir -p "$folder"
cd "$folder"
bench=llama.cpp/build/bin/llama-bench
[ -x "$bench" ] && exit 0
if [ ! -d llama.cpp ]; then
  version=$(sed -n 's/.*"node-llama-cpp": "\([^"]*\)".*/\1/p' "$here/../../tests/peer/package.json")
  npm pack --silent "node-llama-cpp@$version" > /dev/null
  tar xzf node-llama-cpp-*.tgz package/llama/gitRelease.bundle
  git clone --quiet package/llama/gitRelease.bundle llama.cpp
fi
cmake -S llama.cpp -B llama.cpp/build -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_CURL=OFF \
  -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_SERVER=OFF -DLLAMA_BUILD_EXAMPLES=OFF > configure.log
ninja -C llama.cpp/build llama-bench > build.log || { tail -20 build.log >&2; exit 1; }
