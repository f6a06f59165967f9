#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Checks the sources' format and runs clang-tidy over them (all of them, or those named). About 15 minutes on 2 cores.
#   bash tools/tidy.sh [FILE.cpp ...]
# Uses a build folder of its own: clang cannot read GCC's precompiled headers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t sources < <(git ls-files 'base/*.cpp' 'geo/*.cpp' 'model/*.cpp' 'stages/*.cpp' 'pipeline/*.cpp')
mapfile -t formatted < <(git ls-files '*.cpp' '*.h')
clang-format-14 --dry-run -Werror "${formatted[@]}"
cmake --preset tidy -DFLUXTILE_TESTS=OFF > /dev/null
[[ $# -gt 0 ]] && sources=("$@")
printf '%s\n' "${sources[@]}" | xargs -P "${FLUXTILE_JOBS:-2}" -n 4 clang-tidy-14 --quiet --warnings-as-errors='*' -p build/tidy
echo "clean: ${#sources[@]} files"
