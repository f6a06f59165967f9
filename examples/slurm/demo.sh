#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The synthetic demo world over the shards of a Slurm cluster. Run it where `sbatch` works, in a folder that all nodes see:
#   bash examples/slurm/demo.sh FOLDER [SHARDS [sbatch options...]]
#   bash examples/slurm/demo.sh /scratch/$USER/fluxtile-demo 8 --partition=small --time=0:30:00
# FLUXTILE names the program where it is not in PATH. Run it again after failures: what is done stays done.
set -euo pipefail
source="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
fluxtile="${FLUXTILE:-fluxtile}"
if [[ $# -lt 1 ]]; then
  sed -n '3,6s/^# //p' "${BASH_SOURCE[0]}" >&2
  exit 64
fi
folder="$1"
shards="${2:-8}"
shift $(($# < 2 ? $# : 2))

if [[ ! -e "$folder/run.yaml" ]]; then
  "$fluxtile" simulate "$source/configs/worlds/demo.yaml" --out "$folder" --set grid.tile=32
fi
jobs="$("$fluxtile" submit "$folder/run.yaml" --engine slurm --shards "$shards" -- "$@")"
merge="$(awk '$1 == "merge" {print $2}' <<<"$jobs")"
if [[ -z "$merge" ]]; then
  echo "all is done: $folder/out"
  exit 0
fi
printf '%s\n' "$jobs"

# Status from files alone, until the merge has ended.
while [[ -n "$(squeue --noheader --states=all --format=%T --job "$merge" | grep -Ev 'COMPLETED|FAILED|CANCELLED|TIMEOUT' || true)" ]]; do
  sleep 5
  "$fluxtile" status "$folder/run.yaml" --log-level warn | head -n 2 | tr '\n' ' '
  echo
done
"$fluxtile" verify "$folder/out"
echo "maps are in $folder/out"
