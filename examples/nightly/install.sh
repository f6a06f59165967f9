#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# install.sh NAME: sets fluxtile-nightly@NAME up for /srv/fluxtile/NAME/run.yaml, as root. DESTDIR=... installs the
# files there and leaves this machine alone; FLUXTILE=... is the program to run (default: /usr/bin/fluxtile).
set -euo pipefail

if [ $# -ne 1 ] || ! [[ $1 =~ ^[A-Za-z0-9._-]+$ ]]; then
  echo "usage: [DESTDIR=DIR] [FLUXTILE=PROGRAM] $0 NAME      (letters, digits, . _ -)" >&2
  exit 64
fi
name=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=${DESTDIR:-}
program=${FLUXTILE:-/usr/bin/fluxtile}
units=$root/etc/systemd/system
home=$root/srv/fluxtile/$name

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || { echo "run this as root, or with DESTDIR" >&2; exit 73; }
  [ -x "$program" ] || { echo "there is no $program: install the package, or set FLUXTILE" >&2; exit 65; }
  id fluxtile > /dev/null 2>&1 || useradd --system --home-dir /srv/fluxtile --shell /usr/sbin/nologin fluxtile
fi
install -d "$units" "$root/usr/lib/fluxtile" "$root/etc/fluxtile" "$root/var/lib/fluxtile/metrics" "$home/out"
install -m 755 "$here/nightly-failed.sh" "$root/usr/lib/fluxtile/nightly-failed.sh"
for unit in fluxtile-nightly@.service fluxtile-nightly@.timer fluxtile-nightly-failed@.service; do
  sed "s|/usr/bin/fluxtile|$program|g" "$here/$unit" > "$units/$unit"
  chmod 644 "$units/$unit"
done
if [ -z "$root" ]; then
  chown fluxtile:fluxtile /srv/fluxtile/"$name"/out /var/lib/fluxtile /var/lib/fluxtile/metrics
  collector=/var/lib/prometheus/node-exporter      # where Debian's node_exporter looks
  if [ -d $collector ]; then ln -sf "/var/lib/fluxtile/metrics/$name.prom" "$collector/fluxtile-$name.prom"; fi
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable --now "fluxtile-nightly@$name.timer"
  fi
fi
if ! [ -f "$home/run.yaml" ]; then
  echo "put the configuration at $home/run.yaml, with outputs.directory: out"
fi
echo "fluxtile-nightly@$name is set up: systemctl start fluxtile-nightly@$name, journalctl -u fluxtile-nightly@$name"
