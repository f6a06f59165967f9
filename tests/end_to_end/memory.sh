#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Peak memory of large worlds against what run.memory promises; takes many minutes.
#   memory.sh FLUXTILE [FOLDER [MEMORY [WORLD_ARGUMENTS...]]]     MEMORY: default 2GB
# Worlds come from make_world.py in $FLUXTILE_PEER; each WORLD_ARGUMENTS is one quoted list for it. Prints a table; exit 1 when a promise was broken.
set -euo pipefail
fluxtile="$1"
folder="${2:-$(mktemp -d)}"
memory="${3:-2GB}"
shift $(($# < 3 ? $# : 3))
worlds=("$@")
[[ ${#worlds[@]} -gt 0 ]] || worlds=("--km 64 --years 1" "--km 24 --years 10")
mkdir -p "$folder"
peer="${FLUXTILE_PEER:?names the folder of make_world.py}"
read -r -d '' row <<'PYTHON' || true
import json, sys
r = json.load(open(sys.argv[2]))
m, t = r["memory"], r["timings"]
print("%-24s %8d %12.0f %12.0f %9.0f %14.0f" % (sys.argv[1], r["cells"]["modelled"], m["promised_bytes"] / 1e6,
      m["peak_bytes"] / 1e6, t["total_s"], t["pixel_years_per_s"]))
sys.exit(m["peak_bytes"] > m["promised_bytes"])
PYTHON
printf '%-24s %8s %12s %12s %9s %14s\n' world cells 'promised MB' 'peak MB' seconds pixel-years/s
failed=0
for world in "${worlds[@]}"; do
  place="$folder/${world//[ -]/}"
  # shellcheck disable=SC2086  # the arguments of one world are separate words
  /usr/bin/python3 "$peer/make_world.py" --out "$place" $world >/dev/null
  "$fluxtile" run "$place/run.yaml" --progress off --log-level error --allow-synthetic-model --memory "$memory" \
    --set "outputs.directory=$place/out" >/dev/null
  /usr/bin/python3 -c "$row" "$world" "$place/out/run.json" || failed=1
done
exit "$failed"
