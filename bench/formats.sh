#!/bin/bash
# bench/formats.sh BANTAM MODEL.gguf TEXT [CALIBRATION_TEXT]: size and perplexity of a model in every weight format and
# mix, as a ratio to f16; with a calibration text also with an importance matrix collected on it. To be quick it reads the
# first documents of TEXT that together have TOKENS (4000) tokens, and CALIBRATION_TOKENS (20000) of the other: the same
# ones every time, so ratios compare, while the perplexity itself is that of a small sample.
set -euo pipefail
bantam=$1 model=$2 text=$3 calibration=${4:-}
tokens=${TOKENS:-4000} calibration_tokens=${CALIBRATION_TOKENS:-20000}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

formats="q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0 iq4_nl iq4_xs mxfp4 q3_k_l q3_k_m q3_k_s q2_k tq2_0 tq1_0"
bits='' ratio=''  # of the file measured last

perplexity() {
  "$bantam" perplexity -m "$1" "$text" --max-tokens "$tokens" --json 2>/dev/null |
    sed -E 's/.*"perplexity": ?([0-9.e+]+).*/\1/'
}
quantize() {  # options...: prints bits per weight
  "$bantam" quantize "$model" "$folder/small.gguf" "$@" 2>/dev/null | sed -E 's/.* ([0-9.]+) bits per weight.*/\1/'
}
measure() {  # options...: prints bits per weight and the ratio; what the format's last file was need not be read again
  bits=$(quantize "$@")
  if ! cmp -s "$folder/small.gguf" "$folder/last.gguf"; then
    ratio=$(awk -v p="$(perplexity "$folder/small.gguf")" -v f="$f16" 'BEGIN { printf "%.4f", p / f }')
    mv "$folder/small.gguf" "$folder/last.gguf"
  fi
  printf ' %9s %9s' "$bits" "$ratio"
}

quantize --to f16 >/dev/null
f16=$(perplexity "$folder/small.gguf")
printf '%s, %s: perplexity %s in f16, %s tokens\n' "$(basename "$model")" "$(basename "$text")" "$f16" "$tokens"
weighted=()
if [ -n "$calibration" ]; then
  "$bantam" calibrate "$model" --data "$calibration" --max-tokens "$calibration_tokens" -o "$folder/imatrix.gguf" >/dev/null 2>&1
  weighted=(--imatrix "$folder/imatrix.gguf")
fi
printf '%-8s %9s %9s %9s %9s' "" "bits" "pure" "bits" "mix"
[ -n "$calibration" ] && printf ' %9s %9s' "bits" "weighted"
printf '\n'
for format in $formats; do
  printf '%-8s' "$format"
  measure --to "$format" --pure
  measure --to "$format"
  [ -n "$calibration" ] && measure --to "$format" "${weighted[@]}"
  printf '\n'
done
