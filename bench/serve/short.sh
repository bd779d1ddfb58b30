#!/bin/sh
# usage: short.sh BANTAM
# What does not depend on how fast the machine is, in some seconds: a test. Exit code 77 (skipped) without python3.
set -eu
command -v python3 > /dev/null || { echo "skipped: python3 is not here"; exit 77; }
here=$(dirname "$0")
export PYTHONDONTWRITEBYTECODE=1
python3 "$here/soak.py" "$1" --requests 60 --clients 12
python3 "$here/crash.py" "$1" --rounds 2
