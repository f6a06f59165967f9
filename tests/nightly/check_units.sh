#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# check_units.sh FLUXTILE: the units of examples/nightly as systemd-analyze and crond see them. Exit code 77: skipped.
set -euo pipefail
program=$(readlink -f "$1")
source=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
command -v systemd-analyze > /dev/null || { echo "skipped: there is no systemd-analyze (package systemd)"; exit 77; }
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

DESTDIR=$place FLUXTILE=$program bash "$source/examples/nightly/install.sh" iowa > /dev/null
units=$place/etc/systemd/system
sed -i "s|/usr/lib/fluxtile/|$place/usr/lib/fluxtile/|" "$units/fluxtile-nightly-failed@.service"
verify() { systemd-analyze verify --man=no --recursive-errors=one "$@" 2>&1; }
for unit in fluxtile-nightly@iowa.service fluxtile-nightly@iowa.timer fluxtile-nightly-failed@iowa.service; do
  said=$(verify "$units/$unit") || fail "$unit: $said"
  [ -z "$said" ] || fail "$unit: $said"
done

# The check sees what is wrong: a key that is none, a restart that the type does not allow.
cp "$units"/fluxtile-nightly* "$place"
sed 's/^MemoryMax=.*/MemoryMax=lots/' "$units/fluxtile-nightly@.service" > "$place/wrong@.service"
[ -n "$(verify "$place/wrong@iowa.service" || true)" ] || fail "a wrong size is not seen"
sed 's/^Restart=.*/Restart=always/' "$units/fluxtile-nightly@.service" > "$place/wrong@.service"
if verify "$place/wrong@iowa.service" > /dev/null; then fail "a restart that is not allowed is not seen"; fi
systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$units/fluxtile-nightly@.timer")" > /dev/null || fail "OnCalendar"

# Exposure of the sandbox, 0 (none) to 10; 15 is 1.5.
said=$(systemd-analyze security --offline=true --threshold=15 --no-pager "$units/fluxtile-nightly@iowa.service" 2>&1) ||
  fail "the sandbox has become wider: $(tail -1 <<< "$said")"
tail -1 <<< "$said"

# install.sh refuses names that would be paths, and the cron line has a time, a user and one command.
if DESTDIR=$place bash "$source/examples/nightly/install.sh" ../etc 2> /dev/null; then fail "install.sh takes a path"; fi
line=$(grep -v '^#' "$source/examples/nightly/fluxtile.cron" | grep fluxtile)
[[ $line =~ ^[0-9]+\ [0-9-]+\ \*\ \*\ \*\ +fluxtile\ +cd\ .*\&\&\ flock\ -n\  ]] || fail "the cron line: $line"
bash -n <(cut -d' ' -f7- <<< "$line") || fail "the cron line's command"
echo "units are right"
