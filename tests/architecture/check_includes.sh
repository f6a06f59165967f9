#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Reads the #include lines of the source folders and fails on an arrow that points the wrong way:
#   pipeline -> stages -> {geo, model} -> base; geo and model do not know each other; model and base know no raster
#   library, and only model knows torch. Also: the SPDX line first, #pragma once in headers.
#   check_includes.sh ROOT
set -euo pipefail
cd "$1"

folders=()
for folder in base geo model stages pipeline; do
  if [[ -d "$folder" ]]; then folders+=("$folder"); fi
done
find "${folders[@]}" \( -name '*.h' -o -name '*.cpp' \) -print0 | sort -z | xargs -0 awk '
  function fault(text) { print text > "/dev/stderr"; faults++ }
  function finish() { if (file ~ /\.h$/ && !once) fault(file ": no #pragma once") }
  BEGIN {
    may_use["base"] = " base "
    may_use["geo"] = " geo base "
    may_use["model"] = " model base "
    may_use["stages"] = " stages geo model base "
    may_use["pipeline"] = " pipeline stages geo model base "
  }
  FNR == 1 {
    if (file != "") finish()
    file = FILENAME
    folder = substr(file, 1, index(file, "/") - 1)
    once = 0
    if ($0 != "// SPDX-License-Identifier: Apache-2.0") fault(file ":1: no SPDX line")
  }
  /^#pragma once$/ { once = 1 }
  /^[ \t]*#[ \t]*include[ \t]*"/ {
    split($0, part, "\"")
    used = part[2]
    sub("/.*", "", used)
    if (index(may_use[folder], " " used " ") == 0)
      fault(file ":" FNR ": " folder " may not include \"" part[2] "\"; it may use" may_use[folder])
  }
  /^[ \t]*#[ \t]*include[ \t]*</ {
    name = $0
    sub(/^[^<]*</, "", name)
    sub(/>.*/, "", name)
    if ((folder == "model" || folder == "base") &&
        name ~ /^(gdal|ogr|cpl_|netcdf|proj\.h|geos_c\.h|udunits2\.h)/)
      fault(file ":" FNR ": " folder " must build without <" name ">")
    if (folder != "model" && name ~ /^(torch|ATen|c10)\//)
      fault(file ":" FNR ": only model/ may include <" name ">")
  }
  END { if (file != "") finish(); if (faults) { print faults " faults" > "/dev/stderr"; exit 1 } }
'
