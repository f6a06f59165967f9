#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Builds the fuzz targets with clang and runs them.
#   tests/fuzz/run.sh [--runs N] [--seconds S] [--build DIR] [TARGET...]
# Without --runs every parser gets a million executions; the targets behind GDAL and NetCDF
# (crs raster regions netcdf) get as many of a million as fit in 300 seconds. Stops at the first crash,
# leak, hang (-timeout) or allocation that is too large (-malloc_limit_mb, -rss_limit_mb), with exit
# code 1; what led to it lies in DIR/findings. Corpora grow in DIR/corpus and are used again.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build/fuzz
runs=1000000
seconds=
targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    --seconds) seconds=$2; shift 2 ;;
    --build) build=$2; shift 2 ;;
    -h|--help) sed -n '3,8s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "run.sh: unknown option $1" >&2; exit 64 ;;
    *) targets+=("$1"); shift ;;
  esac
done
all=(config package tensors tile_files plan run_record time_texts units names tables crs raster regions netcdf)
[ ${#targets[@]} -gt 0 ] || targets=("${all[@]}")

compiler=${CXX:-}
for name in clang++ clang++-14 clang++-15 clang++-16 clang++-17 clang++-18 clang++-19; do
  [ -n "$compiler" ] && break
  compiler=$(command -v $name || true)
done
[ -n "$compiler" ] || { echo "run.sh: no clang++ found (apt install clang libclang-rt-14-dev)" >&2; exit 64; }
cmake -S "$source" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_C_COMPILER="${compiler/++/}" -DCMAKE_BUILD_TYPE=None -DFLUXTILE_FUZZ=ON >"$build.log" 2>&1 ||
  { cat "$build.log"; exit 1; }
wanted=(write_seeds)
for target in "${targets[@]}"; do wanted+=("fuzz_$target"); done
cmake --build "$build" --target "${wanted[@]}"

mkdir -p "$build/findings"
# Leaks inside libraries on damaged files are theirs; see tests/fuzz/leaks.supp.
export LSAN_OPTIONS="suppressions=$source/tests/fuzz/leaks.supp:print_suppressions=0"
export ASAN_OPTIONS="allocator_may_return_null=1:detect_odr_violation=0"
export UBSAN_OPTIONS="print_stacktrace=1"
failed=()
printf '%-12s %12s %9s %9s %9s\n' target executions seconds edges features
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target
  seeds=$build/seeds/$target
  mkdir -p "$corpus"
  "$build/tests/fuzz/write_seeds" "$target" "$seeds"
  # Parsers of text need little; a block of a raster or a chunk may be 1 GiB.
  limits=(-malloc_limit_mb=192 -rss_limit_mb=2048 -timeout=10 -max_len=16384)
  longest=${seconds:-0}
  case $target in
    crs|raster|regions|netcdf)
      limits=(-malloc_limit_mb=1100 -rss_limit_mb=3072 -timeout=20 -max_len=32768)
      longest=${seconds:-300} ;;
  esac
  log=$build/$target.log
  begin=$(date +%s)
  if ! "$build/tests/fuzz/fuzz_$target" -runs="$runs" -max_total_time="$longest" -seed=1 "${limits[@]}" \
      -artifact_prefix="$build/findings/$target-" -print_final_stats=1 "$corpus" "$seeds" >"$log" 2>&1; then
    failed+=("$target")
    grep -E 'ERROR|SUMMARY|runtime error|what\(\)|Test unit written' "$log" | head -8 || true
  fi
  end=$(date +%s)
  done_runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -1)
  edges=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -1)
  features=$(sed -n 's/.* ft: \([0-9]*\).*/\1/p' "$log" | tail -1)
  printf '%-12s %12s %9s %9s %9s\n' "$target" "${done_runs:-?}" $((end - begin)) "${edges:-?}" "${features:-?}"
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "failed: ${failed[*]} (logs: $build/TARGET.log, inputs: $build/findings)" >&2
  exit 1
fi
