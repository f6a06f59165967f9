#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads the #include lines of the source folders and fails on an arrow that points the wrong way:
#   pipeline -> stages -> {geo, model} -> base; geo and model do not know each other; model knows no raster library.
#   check_includes.sh ROOT
set -euo pipefail
cd "$1"

declare -A may_use=(
  [base]="base"
  [geo]="geo base"
  [model]="model base"
  [stages]="stages geo model base"
  [pipeline]="pipeline stages geo model base"
)
raster_libraries='^(gdal|gdal_priv|gdal_alg|ogr.*|cpl_.*|netcdf|netcdf\.h|proj\.h|geos_c\.h|udunits2\.h)'
faults=0
fault() {
  echo "$1" >&2
  faults=$((faults + 1))
}

for folder in base geo model stages pipeline; do
  [[ -d "$folder" ]] || continue
  while IFS= read -r file; do
    first=$(head -n 1 "$file")
    [[ "$first" == "// SPDX-License-Identifier: Apache-2.0" ]] || fault "$file:1: no SPDX line"
    [[ "$file" != *.h ]] || grep -q '^#pragma once$' "$file" || fault "$file: no #pragma once"
    while IFS=: read -r line text; do
      included=$(sed -E 's/^ *# *include *["<]([^">]+)[">].*/\1/' <<<"$text")
      if [[ "$text" == *\"* ]]; then
        used="${included%%/*}"
        if [[ " ${may_use[$folder]} " != *" $used "* ]]; then
          fault "$file:$line: $folder may not include \"$included\" (allowed: ${may_use[$folder]})"
        fi
      elif [[ ($folder == model || $folder == base) && "$included" =~ $raster_libraries ]]; then
        fault "$file:$line: $folder must build without <$included>"
      elif [[ $folder != model && "$included" =~ ^(torch|ATen|c10)/ ]]; then
        fault "$file:$line: only model/ may include <$included>"
      fi
    done < <(grep -nE '^ *# *include' "$file" || true)
  done < <(find "$folder" -name '*.h' -o -name '*.cpp' | sort)
done

if [[ $faults -gt 0 ]]; then
  echo "$faults faults" >&2
  exit 1
fi
