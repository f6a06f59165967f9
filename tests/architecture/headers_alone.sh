#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles each header alone: it must include what it uses.
#   headers_alone.sh ROOT COMPILER [INCLUDE-FOLDER...]
set -euo pipefail
cd "$1"
compiler="$2"
shift 2
flags=(-std=c++17 -fsyntax-only -x c++ -I . -idirafter /usr/include/gdal)
for folder in "$@"; do flags+=(-idirafter "$folder"); done
find base geo model stages pipeline -name '*.h' | sort |
  xargs -P 2 -I {} sh -c '"$0" "$@" -include "{}" /dev/null || { echo "{} does not compile alone" >&2; exit 1; }' \
    "$compiler" "${flags[@]}"
