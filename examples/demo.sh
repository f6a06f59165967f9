#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From nothing to maps: builds fluxtile, invents a world of 20 x 20 km with three regions, and maps its carbon fluxes.
#   bash examples/demo.sh [FOLDER]              default: ./demo
# Needs Debian 12. The world is synthetic: its maps say nothing about a real place.
set -euo pipefail
folder="$(realpath -m "${1:-demo}")"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools/install_dependencies.sh build runtime
if [[ ! -f build/release/CMakeCache.txt ]]; then
  cmake --preset release -DFLUXTILE_TESTS=OFF
fi
cmake --build --preset release --target fluxtile -j "${FLUXTILE_JOBS:-2}"
fluxtile=$(find build/release -name fluxtile -type f -perm -u+x | head -n 1)

if [[ -f "$folder/run.yaml" ]]; then
  echo "== $folder holds a world already; mapping it (remove the folder to begin anew)"
else
  echo "== simulate: a synthetic world in $folder"
  "$fluxtile" simulate configs/worlds/demo.yaml --out "$folder"
fi
echo "== plan"
"$fluxtile" plan "$folder/run.yaml"
echo "== run"
"$fluxtile" run "$folder/run.yaml"

echo
echo "Maps     $folder/out/*.tif (QGIS finds the style beside each), pictures *.png"
echo "Report   $folder/out/report.html"
echo "Totals   $folder/out/demo_summary.csv"
echo "Check    $fluxtile verify $folder/out"
