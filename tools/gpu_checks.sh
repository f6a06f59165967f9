#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# On a machine with a GPU: builds model/ alone with an upstream LibTorch, runs the engines' tests, compares the GPU with the
# CPU and measures it. Ends with 77 where LibTorch finds no GPU. See docs/gpu.md.
#   bash tools/gpu_checks.sh [--torch FOLDER] [--device cuda:0] [--build FOLDER] [-D...]
# --torch: a LibTorch (the download's folder `libtorch`), or a Python installation's torch; default: what CMake finds, or
#   python3's torch. Options with -D go to CMake.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
torch="" device=cuda:0 build=build/gpu options=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --torch) torch="$2"; shift 2 ;;
    --device) device="$2"; shift 2 ;;
    --build) build="$2"; shift 2 ;;
    -D*) options+=("$1"); shift ;;
    *) echo "unknown option $1" >&2; exit 64 ;;
  esac
done
if [[ -z "$torch" ]]; then
  torch="$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' 2> /dev/null || true)"
  [[ -f "$torch/Torch/TorchConfig.cmake" ]] || torch=""
fi
[[ -n "$torch" ]] && options+=("-DCMAKE_PREFIX_PATH=$torch")

cmake --preset gpu -B "$build" "${options[@]}"
cmake --build "$build" --target model_tests training_network_tests device_parity engine_bench
"$build/tests/model/training_network_tests" --gtest_brief=1
"$build/tests/model/model_tests" --gtest_brief=1 --gtest_filter='*Engine*:*Device*'

status=0
"$build/tests/model/device_parity" --device "$device" examples/models/demo-* || status=$?
[[ $status -eq 0 ]] || exit $status
FLUXTILE_BENCH_DEVICE="$device" "$build/bench/engine_bench" --benchmark_filter='TorchEngine/1/' --benchmark_repetitions=3
