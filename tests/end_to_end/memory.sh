#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Peak memory of large worlds against what run.memory promises, and how it grows with area and years; takes many minutes.
#   memory.sh FLUXTILE [FOLDER [MEMORY [WORLD_ARGUMENTS...]]]     MEMORY: default 2GB
# Worlds come from make_world.py in $FLUXTILE_PEER; each WORLD_ARGUMENTS is one quoted list for it, behind `--` options of the run.
# Prints a table and, for the worlds it chooses itself, ratios of peaks; exit 1 when a promise was broken or a ratio is over 1.05.
set -euo pipefail
fluxtile="$1"
folder="${2:-$(mktemp -d)}"
memory="${3:-2GB}"
shift $(($# < 3 ? $# : 3))
worlds=("$@")
[[ ${#worlds[@]} -gt 0 ]] || worlds=(
  "--km 64 --years 1" "--km 128 --years 1" "--km 24 --years 1" "--km 24 --years 10"
  "--km 64 --years 1 -- --memory 640MB" "--km 64 --years 1 -- --set grid.tile=1024" "--km 64 --years 1 -- --set grid.tile=32")
mkdir -p "$folder"
peer="${FLUXTILE_PEER:?names the folder of make_world.py}"
peaks="$folder/peaks"
: >"$peaks"
read -r -d '' row <<'PYTHON' || true
import json, sys
r = json.load(open(sys.argv[2]))
m, t = r["memory"], r["timings"]
print("%-52s %8d %12.0f %12.0f %9.0f %14.0f" % (sys.argv[1], r["cells"]["modelled"], m["promised_bytes"] / 1e6,
      m["peak_bytes"] / 1e6, t["total_s"], t["pixel_years_per_s"]))
print("%s\t%d" % (sys.argv[1], m["peak_bytes"]), file=open(sys.argv[3], "a"))
sys.exit(m["peak_bytes"] > m["promised_bytes"])
PYTHON
read -r -d '' ratios <<'PYTHON' || true
import sys
peak = dict(line.rstrip("\n").split("\t") for line in open(sys.argv[1]))
over = False
for small, large, what in (("--km 64 --years 1", "--km 128 --years 1", "four times the area"),
                           ("--km 24 --years 1", "--km 24 --years 10", "ten times the years")):
    if small in peak and large in peak:
        ratio = int(peak[large]) / int(peak[small])
        over = over or ratio > 1.05
        print("%s: peak x %.3f (at most 1.05)" % (what, ratio))
sys.exit(over)
PYTHON
printf '%-52s %8s %12s %12s %9s %14s\n' world cells 'promised MB' 'peak MB' seconds pixel-years/s
failed=0
for world in "${worlds[@]}"; do
  place="$folder/${world%% -- *}"
  place="${place//[ ]/}"
  options=""
  [[ "$world" != *" -- "* ]] || options="${world#* -- }"
  # shellcheck disable=SC2086  # the arguments of one world are separate words
  [[ -e "$place/run.yaml" ]] || /usr/bin/python3 "$peer/make_world.py" --out "$place" ${world%% -- *} >/dev/null
  rm -rf "$place/out"
  # shellcheck disable=SC2086
  "$fluxtile" run "$place/run.yaml" --progress off --log-level error --allow-synthetic-model --memory "$memory" \
    --set "outputs.directory=$place/out" $options >/dev/null
  /usr/bin/python3 -c "$row" "$world" "$place/out/run.json" "$peaks" || failed=1
done
/usr/bin/python3 -c "$ratios" "$peaks" || failed=1
exit "$failed"
