#!/usr/bin/env bash
# Runs every fuzz target for some seconds, starting from its seeds; fails when one crashes, hangs or grows past 512 MiB.
# usage: tools/fuzz.sh BIN_DIR SECONDS_EACH
set -euo pipefail

if [[ $# -ne 2 || ! -d ${1:-} ]]; then
  echo "usage: tools/fuzz.sh BIN_DIR SECONDS_EACH" >&2
  exit 2
fi
bin=$(cd "$1" && pwd) seconds=$2
seeds=$(cd "$(dirname "$0")/.." && pwd)/fuzz/corpus
work=$(dirname "$bin")/fuzz-work
failed=0
shopt -s nullglob
targets=("$bin"/fuzz_*)
if [[ ${#targets[@]} -eq 0 ]]; then
  echo "tools/fuzz.sh: no fuzz_* program in $bin" >&2
  exit 2
fi
for target in "${targets[@]}"; do
  name=$(basename "$target")
  mkdir -p "$work/$name"
  folders=("$work/$name")
  [[ -d $seeds/$name ]] && folders+=("$seeds/$name")
  log=$work/$name.log
  if "$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -max_len=65536 -print_final_stats=1 \
      -artifact_prefix="$work/$name-" "${folders[@]}" > "$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$name: $seconds s, ${runs:-0} inputs, nothing found"
  else
    failed=1
    echo "$name: FAILED, see $log"
    grep -E 'ERROR|SUMMARY|Test unit written' "$log" || tail -n 5 "$log"
  fi
done
exit $failed
