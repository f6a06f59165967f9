#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nightly-failed.sh NAME: the state of a run after a failed night, to stderr (the journal) and to MAILTO.
set -u
name=$1
fluxtile=${FLUXTILE:-/usr/bin/fluxtile}
text=$("$fluxtile" status run.yaml --log-level error 2>&1)
printf '%s\n' "fluxtile-nightly@$name failed" "$text" >&2
if [ -n "${MAILTO:-}" ] && command -v mail > /dev/null; then
  printf '%s\n\n%s\n' "$text" "journalctl -u fluxtile-nightly@$name" | mail -s "fluxtile-nightly@$name failed" "$MAILTO"
fi
