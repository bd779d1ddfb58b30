#!/bin/sh
# usage: run.sh BANTAM
# The official clients of OpenAI, Azure, Anthropic, Ollama and the AI SDK against `bantam serve` with the model inside the program.
# Exit code 77 (skipped) without node or an installed node_modules.
set -eu
here=$(dirname "$0")
command -v node > /dev/null || { echo "skipped: node is not here"; exit 77; }
[ -d "$here/node_modules" ] || { echo "skipped: the clients are not here (npm ci in tests/clients installs them)"; exit 77; }
BANTAM=$1 exec node --test --test-reporter=spec "$here/clients.test.mjs"
