#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Measured fields: fine-tunes a model for each of three fields near Mead, Nebraska, on monthly Reco and NEE of 2001 to
# 2004, maps 2005 and 2006 with them, and scores held-out blocks of 2001 to 2004.
#   bash examples/mead-ne.sh DATA [FOLDER]      DATA: folder with run.yaml, gpp/, climate/, ..., fluxes_monthly.csv
# Maps and reports are written to FOLDER (default: ./mead-ne). The global model was trained on synthetic data; the maps say so.
set -euo pipefail
[[ $# -ge 1 ]] || { sed -n '3,6s/^# //p' "$0"; exit 64; }
data="$(realpath "$1")"
folder="$(realpath -m "${2:-mead-ne}")"
cd "$(dirname "${BASH_SOURCE[0]}")/.."
fluxtile=$(find build/release -name fluxtile -type f -perm -u+x | head -n 1)
[[ -n "$fluxtile" ]] || { echo "build first: cmake --preset release && cmake --build --preset release"; exit 1; }

echo "== train: one model a field, on 2001 to 2004"
"$fluxtile" train configs/train/mead-ne.yaml --set finetune.data.folder="$data" --set output="$folder"

echo "== run: maps of 2005 and 2006"
"$fluxtile" run "$data/run.yaml" --set name=mead-ne --set period.start=2005-01-01 --set period.end=2006-12-31 \
  --set period.spinup=2 --set models.directory="$folder/models" --set models.default=us-ne1 \
  --set 'models.regions={US-Ne1: us-ne1, US-Ne2: us-ne2, US-Ne3: us-ne3}' \
  --set outputs.directory="$folder/maps" --allow-synthetic-model

echo "== evaluate: each block of two years held out once"
"$fluxtile" evaluate configs/train/mead-ne-evaluation.yaml --set finetune.data.folder="$data" \
  --set output="$folder/evaluation"

echo
echo "Maps     $folder/maps"
echo "Scores   $folder/evaluation/evaluation.html"
