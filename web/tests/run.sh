#!/bin/bash
# tests/run.sh [program]: types, unit tests, whether web/dist is what the sources give, and the page in Chromium; with
# BANTAM=path also the page of that program. `program`: only the first of those tests, which take a minute. Exit code 77
# (skipped) where something is missing, with a sentence.
set -e
cd "$(dirname "$0")/.."

skip() { echo "skipped: $1"; exit 77; }

for browser in "$CHROMIUM" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome none; do
  [ -x "$browser" ] && break
done
[ "$browser" = none ] && [ "$1" = program ] && skip "there is no Chromium (apt-get install chromium, or set CHROMIUM)"
command -v node > /dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || skip "there is no node 20 or newer"
if [ ! -e node_modules/playwright-core/package.json ]; then
  timeout 120 npm ci --ignore-scripts --silent --no-audit --no-fund --fetch-retries=1 --fetch-timeout=20000 ||
    skip "the packages of web/package-lock.json are not here (npm ci in web/ installs them)"
fi

if [ "$1" != program ]; then
  npm run --silent check
  npm run --silent test
  node build.mjs --check
fi
[ "$browser" = none ] && skip "there is no Chromium for the tests in a browser (apt-get install chromium, or set CHROMIUM)"
[ "$1" = program ] && exec node --test --test-name-pattern='the examples are answered|a document is added' tests/e2e/real.test.mjs
exec node --test --test-concurrency=1 tests/e2e/*.test.mjs
