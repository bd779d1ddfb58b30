#!/usr/bin/env bash
# Installs the Debian packages that building and testing need, and any named as arguments. Silent when all are there.
set -euo pipefail
packages=(g++ cmake ninja-build pkg-config libfmt-dev nlohmann-json3-dev libcli11-dev libutf8proc-dev libpcre2-dev libzstd-dev
          libopenblas-dev libedit-dev libstemmer-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev libboost1.81-dev libseccomp-dev libgumbo-dev libzip-dev zlib1g-dev libpugixml-dev poppler-utils
          libgtest-dev libgmock-dev python3-jinja2 "$@")
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing+=("$package")
done
mkdir -p "$(dirname "$0")/../build"
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo > /dev/null || { echo "setup: as root, run: apt-get install ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "setup: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
  cat "$log" >&2
  echo "setup: the packages above could not be installed" >&2
  exit 1
fi
