#!/bin/sh
# usage: compare.sh BANTAM GENERATOR [formats]
# Every family against llama.cpp: random models of tiny shapes (families.py, with GENERATOR gen_gguf.py), then compare.mjs;
# with `formats` also each of them in every weight format (formats.mjs, minutes).
# Exit code 77 (skipped) without the generator, Python's numpy or an installed node_modules.
set -eu
bantam=$1 generator=$2 formats=${3:-}
here=$(dirname "$0")
skip() { echo "skipped: $1"; exit 77; }
[ -f "$generator" ] || skip "the generator of tiny models is not here"
[ -d "$here/node_modules" ] || skip "llama.cpp is not here (npm ci in tests/peer installs it)"
/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip "python3-numpy is not here"

models=$(mktemp -d)
trap 'rm -rf "$models"' EXIT
/usr/bin/python3 "$here/families.py" "$generator" "$models" >/dev/null
failed=0
node "$here/compare.mjs" "$bantam" "$models"/*.gguf || failed=$?
# Beyond its original context, Phi-3 rotates by other factors.
[ $failed -ne 0 ] || node "$here/compare.mjs" "$bantam" --context 8192 "$models/phi3.gguf" || failed=$?
if [ "$formats" = formats ]; then
  rm "$models/linear.gguf" "$models/yarn.gguf" "$models/qwenyarn.gguf"  # no families of their own
  node "$here/formats.mjs" "$bantam" "$models"/*.gguf || failed=$?
fi
exit $failed
