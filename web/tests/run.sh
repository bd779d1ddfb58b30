#!/bin/bash
# tests/run.sh: checks types, runs the unit tests and, where Chromium is installed, the tests in it (one browser at a time).
set -e
cd "$(dirname "$0")/.."
npm ci --ignore-scripts --silent --no-audit --no-fund
npm run --silent check
npm run --silent test
for browser in "$CHROMIUM" /usr/bin/chromium /usr/bin/chromium-browser /usr/bin/google-chrome; do
  if [ -x "$browser" ]; then
    exec node --test --test-concurrency=1 tests/e2e/*.test.mjs
  fi
done
echo "skipped the tests in a browser: there is no Chromium (apt-get install chromium, or set CHROMIUM)"
