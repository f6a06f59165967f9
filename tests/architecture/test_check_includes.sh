#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The check itself: a tree that is right passes, and each kind of fault is found.
set -euo pipefail
check="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/check_includes.sh"
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{base,geo,model,stages,pipeline}

source_file() { printf '// SPDX-License-Identifier: Apache-2.0\n%s\n' "$2" >"$tree/$1"; }
source_file base/error.h $'#pragma once\n#include <string>'
source_file geo/map.cpp $'#include "base/error.h"\n#include <gdal_priv.h>'
source_file model/net.cpp $'#include "base/error.h"\n#include <torch/torch.h>'
source_file stages/infer.cpp $'#include "geo/map.h"\n#include "model/net.h"'
source_file pipeline/main.cpp $'#include "stages/infer.h"'
bash "$check" "$tree"

must_fail() {
  local file="$1" text="$2"
  source_file "$file" "$text"
  if bash "$check" "$tree" 2>"$tree/said"; then
    echo "not found: $file: $text" >&2
    exit 1
  fi
  grep -q "$file" "$tree/said"
  rm "$tree/$file"
}
must_fail geo/a.cpp '#include "model/net.h"'
must_fail model/a.cpp '#include "geo/map.h"'
must_fail model/b.cpp '#include <gdal_priv.h>'
must_fail model/c.cpp '#include <netcdf>'
must_fail base/a.cpp '#include "geo/map.h"'
must_fail stages/a.cpp '#include "pipeline/config.h"'
must_fail geo/b.cpp '#  include "stages/infer.h"'
must_fail stages/c.cpp '#include <torch/torch.h>'
must_fail geo/c.h '#include <string>'
printf '#include <string>\n' >"$tree/geo/d.cpp"
if bash "$check" "$tree" 2>/dev/null; then
  echo "not found: missing SPDX line" >&2
  exit 1
fi
echo "all faults found"
