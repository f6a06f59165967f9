#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compares our maps with those of the Python pipeline in $FLUXTILE_PEER on worlds of its make_world.py.
#   peer_worlds.sh FLUXTILE [FOLDER [WORLD_ARGUMENTS...]]
# Each WORLD_ARGUMENTS is one quoted list for make_world.py; without any, the long list below is run.
# FOLDER (default: a temporary one) receives worlds and maps. Prints a table; exit 1 if a world differs.
set -euo pipefail
fluxtile="$1"
folder="${2:-$(mktemp -d)}"
mkdir -p "$folder"
shift $(($# < 2 ? $# : 2))
peer="${FLUXTILE_PEER:?names the folder of peer.py, make_world.py and compare.py}"
python=/usr/bin/python3
worlds=("$@")
if [[ ${#worlds[@]} -eq 0 ]]; then
  worlds=("--km 16 --seed 1" "--km 16 --seed 7 --gaps 0.2" "--km 16 --seed 2 --region iowa-piece"
    "--km 16 --seed 4 --spinup 1" "--km 8 --seed 5 --years 3 --spinup 2 --gaps 0.3"
    "--km 16 --seed 6 --years 3 --region iowa-piece --gaps 0.2 --spinup 1" "--km 8 --seed 8 --year 2016 --years 2")
fi

# The peer writes `gC m-2` where CF wants UDUNITS text and ours says `g m-2` (carbon is in long_name).
plain_units='
import glob, netCDF4, sys
for name in glob.glob(sys.argv[1] + "/*.nc"):
    with netCDF4.Dataset(name, "a") as d:
        for v in d.variables.values():
            if getattr(v, "units", "").startswith("gC "):
                v.units = "g " + v.units[3:]
'
row='
import json, sys
r = json.load(sys.stdin)
layers = [l for l in r["layers"] if "cells" in l]
errors = "; ".join(l["file"] + ": " + l["error"] for l in r["layers"] if "error" in l)
print("%-62s %7d %5d %10.2e %10.2e %6d %s %s" % (sys.argv[1], max([l["cells"] for l in layers] or [0]), len(layers),
      max([l["max_abs"] for l in layers] or [0]), max([l["beyond"] for l in layers] or [0]),
      sum(l["mask_mismatch"] for l in layers), "same" if r["ok"] else "DIFFERS", errors))
'
printf '%-62s %7s %5s %10s %10s %6s\n' world cells layers 'max abs' beyond mask
failed=0
number=0
for world in "${worlds[@]}"; do
  number=$((number + 1))
  place="$folder/world$number"
  # shellcheck disable=SC2086  # the arguments of one world are separate words
  "$python" "$peer/make_world.py" --out "$place" $world >"$folder/make$number.log" 2>&1 || { cat "$folder/make$number.log"; exit 1; }
  "$python" "$peer/peer.py" "$place/run.yaml" --out "$place/peer" >"$folder/peer$number.log" 2>&1 || { cat "$folder/peer$number.log"; exit 1; }
  "$python" -c "$plain_units" "$place/peer"
  "$fluxtile" run "$place/run.yaml" --progress off --log-level error --allow-synthetic-model \
    --set "outputs.directory=$place/ours" >/dev/null || { failed=1; continue; }
  "$python" "$peer/compare.py" "$place/peer" "$place/ours" --atol 1e-3 --rtol 1e-4 --json >"$folder/compare$number.json" || failed=1
  "$python" -c "$row" "$world" <"$folder/compare$number.json"
done
exit "$failed"
