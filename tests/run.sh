#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds fluxtile and runs all tests; installs what is missing on Debian 12.
#   bash tests/run.sh [ctest arguments...]      e.g. -R geo
# Tests against real data and reference values run where FLUXTILE_TEST_DATA, FLUXTILE_GOLDEN and FLUXTILE_PEER name
# their folders; otherwise they are reported as skipped. FLUXTILE_JOBS (default 2) bounds compilers and tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
jobs="${FLUXTILE_JOBS:-2}"

tools/install_dependencies.sh build runtime test
cmake --preset release -DFLUXTILE_TESTS=ON
cmake --build --preset release -j "$jobs"

log=build/release/tests.log
status=0
ctest --preset release -j "$jobs" "$@" 2>&1 | tee "$log" || status=$?

echo
echo "== fluxtile tests"
grep -E '^[0-9]+% tests passed|^Total Test time' "$log" || true
for name in FLUXTILE_TEST_DATA FLUXTILE_GOLDEN FLUXTILE_PEER; do
  [[ -n "${!name:-}" ]] || echo "not set: $name (tests that need it are skipped)"
done
if [[ $status -eq 0 ]]; then echo "result: passed"; else echo "result: FAILED (see $log)"; fi
exit "$status"
