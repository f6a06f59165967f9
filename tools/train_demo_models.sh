#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the trained packages of examples/models anew: simulates the Midwest, trains, copies. Takes about a quarter of an hour
# on 2 cores; goes on where it was interrupted.
#   bash tools/train_demo_models.sh [FOLDER]       default: ./midwest, which is kept
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder="$(realpath -m "${1:-midwest}")"
fluxtile=build/release/pipeline/fluxtile

[[ -f "$folder/run.yaml" ]] || "$fluxtile" simulate configs/worlds/midwest.yaml --out "$folder"
"$fluxtile" train configs/train/demo.yaml --set output="$folder" \
  --set pretrain.data.tables="$folder/training/sites.nc" --set finetune.data.tables="$folder/training/towers.nc"
for name in global illinois iowa indiana; do
  rm -rf "examples/models/demo-$name"
  mkdir -p examples/models
  cp -r "$folder/models/demo-$name" "examples/models/demo-$name"
done
