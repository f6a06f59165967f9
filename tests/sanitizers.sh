#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds fluxtile with GCC's sanitizers and runs the whole test suite under them.
#   bash tests/sanitizers.sh [address|thread|all] [ctest arguments...]      e.g. address -R geo
# `address` is the address, leak and undefined-behaviour sanitizer in one build (build/asan), `thread` is the thread
# sanitizer (build/tsan) with a oneTBB that is built with it too (tests/sanitizers/onetbb.sh). Before the tests, faults
# planted on purpose must be reported (tests/sanitizers/planted_faults.cpp). Every process of the tests, also those that a
# test starts and whose output it reads, writes its reports to build/*/reports: the result is `passed` when the tests
# pass and no report is there.
# FLUXTILE_JOBS (default 2) bounds compilers and tests; FLUXTILE_TEST_DATA, FLUXTILE_GOLDEN and FLUXTILE_PEER as in run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source="$PWD"
jobs="${FLUXTILE_JOBS:-2}"
kind=all
if [[ "${1:-}" =~ ^(address|thread|all)$ ]]; then kind="$1"; shift; fi

# 99 is no exit code of fluxtile's own, so that no test mistakes a report for an answer.
# verify_asan_link_order: tests of faults preload a library of their own.
set_options() {
  local reports="$1" common
  common="exitcode=99:log_path=$reports/report:log_exe_name=1:halt_on_error=1"
  export ASAN_OPTIONS="$common:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1:verify_asan_link_order=0"
  export LSAN_OPTIONS="suppressions=$source/tests/sanitizers/leak.supp:print_suppressions=0"
  export UBSAN_OPTIONS="$common:print_stacktrace=1"
  export TSAN_OPTIONS="$common:suppressions=$source/tests/sanitizers/thread.supp:print_suppressions=0:second_deadlock_stack=1:history_size=4"
  # Pools of threads in libraries that the sanitizer does not see into; fluxtile sets both to one thread anyway.
  export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
}

# A sanitizer that reports nothing may also be one that is not at work.
check_alarms() {
  local build="$1" fault missing=0
  for fault in $("$build/tests/sanitizers/planted_faults"); do
    rm -f "$build"/reports/*
    timeout 60 "$build/tests/sanitizers/planted_faults" "$fault" > /dev/null 2>&1 || true
    if compgen -G "$build/reports/*" > /dev/null; then echo "reported: $fault"; else echo "NOT REPORTED: $fault"; missing=1; fi
  done
  rm -f "$build"/reports/*
  return "$missing"
}

run() {
  local preset="$1" build="$source/build/$1" status=0 found
  shift
  # What fails here ends it: `set -e` does not reach into a function whose status is asked for.
  cmake --preset "$preset" -DFLUXTILE_TESTS=ON ${configure[@]+"${configure[@]}"} || return 1
  cmake --build --preset "$preset" -j "$jobs" || return 1
  mkdir -p "$build/reports"
  set_options "$build/reports"
  check_alarms "$build" || return 1
  ctest --preset "$preset" -j "$jobs" "$@" 2>&1 | tee "$build/tests.log" || status=$?
  found="$(find "$build/reports" -type f | wc -l)"
  echo
  echo "== sanitizers: $preset"
  grep -E '^[0-9]+% tests passed|^Total Test time' "$build/tests.log" || true
  grep -hE '^SUMMARY' "$build"/reports/* 2> /dev/null | sort | uniq -c || true
  echo "reports: $found in $build/reports"
  if [[ $status -eq 0 && $found -eq 0 ]]; then echo "result: passed"; else echo "result: FAILED (see $build/tests.log)"; return 1; fi
}

failed=0
if [[ $kind != thread ]]; then
  configure=()
  run asan "$@" || failed=1
fi
if [[ $kind != address ]]; then
  bash tests/sanitizers/onetbb.sh "$source/build/onetbb-tsan"
  configure=("-DTBB_DIR=$source/build/onetbb-tsan/lib/cmake/TBB")
  run tsan "$@" || failed=1
fi
exit "$failed"
