#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The long form of the fault tests: kills at 200 random moments and at every call that changes a file, every kind of
# failing write, read, allocation and signal. Prints a table of fault, times tried, outcome, and fails if one went wrong.
#   bash tests/faults/full.sh [BUILD_FOLDER [FILTER]]      default build/release and all; some 40 minutes on 2 cores
# FILTER names tests as --gtest_filter does: 'Kills.*', 'Writes.*', 'Reads.*', 'Process.*'.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build="${1:-build/release}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
export FLUXTILE_FAULTS=full FLUXTILE_FAULT_TABLE="$work/table" TMPDIR="$work"
touch "$work/table"

status=0
began=$SECONDS
"$build/tests/faults/fault_tests" --gtest_filter="${2:-*}" >"$work/log" 2>&1 || status=$?
if [[ $status -ne 0 ]]; then cat "$work/log"; fi
grep -E '^\[  (PASSED|SKIPPED|FAILED) ' "$work/log" | sort -u

echo
echo "$(date -u +%F), $(nproc) cores, $(lscpu | sed -n 's/^Model name: *//p' | head -1), $((SECONDS - began)) s"
echo
echo "| | fault | times | outcome |"
echo "|---|---|---|---|"
sed 's/^/| /; s/$/ |/' "$work/table"
exit "$status"
