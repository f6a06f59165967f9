#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Shards under GNU parallel, as docs/clusters.md shows: one is stopped underway and tried again, the products have the bytes
# of a single process.   parallel_test.sh FLUXTILE SOURCE      77: there is no GNU parallel here (skipped)
set -euo pipefail
fluxtile="$1"
source="$2"
if ! parallel --version 2>/dev/null | grep -q '^GNU parallel'; then
  echo "skipped: no GNU parallel here (Debian package parallel)"
  exit 77
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
export HOME="$folder"  # parallel keeps files there
"$fluxtile" simulate "$source/configs/worlds/test.yaml" --out "$folder/world" --log-level warn
config="$folder/world/run.yaml"
"$fluxtile" run "$config" --set outputs.directory="$folder/single" --threads 2 --progress off --log-level warn

# The first attempt of shard 2 is stopped by TERM at once.
cat >"$folder/fluxtile" <<STOP
#!/usr/bin/env bash
echo "\$*" >>"$folder/calls"
if [[ "\$*" == *"--shard 2/4"* && ! -e "$folder/stopped" ]]; then
  touch "$folder/stopped"
  "$fluxtile" "\$@" &
  kill -TERM \$!
  wait \$!
  exit \$?
fi
exec "$fluxtile" "\$@"
STOP
chmod +x "$folder/fluxtile"
export PATH="$folder:$PATH"
seq 0 3 | parallel --will-cite -j 2 --retries 3 fluxtile run "$config" --set outputs.directory="$folder/out" --threads 1 \
  --memory 1GB --progress off --log-level warn --shard {}/4
calls="$(wc -l <"$folder/calls")"
[[ "$calls" -eq 5 ]] || { echo "FAILED: $calls calls of fluxtile, not 5"; exit 1; }
[[ ! -e "$folder/out/run.json" ]] || { echo "FAILED: a shard merged"; exit 1; }
fluxtile merge "$config" --set outputs.directory="$folder/out" --progress off --log-level warn

cd "$folder/single"
count=0
for file in *.tif *.qml *.nc *_summary.csv *.stac.json; do
  cmp "$file" "$folder/out/$file" || { echo "FAILED: $file differs"; exit 1; }
  count=$((count + 1))
done
[[ "$count" -ge 10 && "$count" -eq "$(cd "$folder/out" && ls -- *.tif *.qml *.nc *_summary.csv *.stac.json | wc -l)" ]] ||
  { echo "FAILED: $count products"; exit 1; }
echo "4 shards, one stopped and tried again; $count products have the bytes of the single process"
