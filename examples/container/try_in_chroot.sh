#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Takes the steps of the Dockerfile where no container engine runs: builds the package in one bare Debian 12, installs it
# in another, asks for its version and maps the smallest synthetic world. Needs root and debootstrap, 6 GB of disk and
# Debian's archive.
#   examples/container/try_in_chroot.sh [FOLDER]      default: a new folder under /var/tmp
# The archive is the one this machine installs from; FLUXTILE_MIRROR names another. The folder is removed at the end unless it was named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mirror="${FLUXTILE_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' | head -n 1)}"
[[ $(id -u) -eq 0 ]] || { echo "try_in_chroot.sh: needs root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "try_in_chroot.sh: apt-get install debootstrap" >&2; exit 1; }

if [[ $# -gt 0 ]]; then
  folder=$(realpath -m "$1")
  mkdir -p "$folder"
  remove=no
else
  folder=$(mktemp -d /var/tmp/fluxtile-chroot.XXXXXX)
  remove=yes
fi

leave() {
  for root in "$folder/build" "$folder/runtime"; do
    if mountpoint -q "$root/proc"; then umount "$root/proc"; fi
  done
  if [[ $remove == yes ]]; then rm -rf --one-file-system "$folder"; fi
}
trap leave EXIT

bare_debian() {
  [[ -d "$1/etc/apt" ]] || debootstrap --variant=minbase bookworm "$1" "$mirror"
  mountpoint -q "$1/proc" || mount -t proc proc "$1/proc"
  cp /etc/resolv.conf "$1/etc/resolv.conf"
}
inside() {
  local root="$1"
  shift
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    FLUXTILE_JOBS="${FLUXTILE_JOBS:-2}" chroot "$root" "$@"
}

echo "== build stage"
bare_debian "$folder/build"
mkdir -p "$folder/build/src"
tar --exclude=./build --exclude=./.git --exclude=./demo -cf - . | tar -C "$folder/build/src" -xf -
inside "$folder/build" bash /src/examples/container/build_package.sh

echo "== runtime stage"
bare_debian "$folder/runtime"
rm -f "$folder"/runtime/tmp/fluxtile_*.deb
cp "$folder"/build/src/build/release/fluxtile_*.deb "$folder/runtime/tmp/"
inside "$folder/runtime" bash -ec '
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/fluxtile_*.deb
  fluxtile --version
  rm -rf /tmp/world
  fluxtile simulate /usr/share/fluxtile/configs/worlds/test.yaml --out /tmp/world
  fluxtile run /tmp/world/run.yaml
  ls /tmp/world/out'
echo "== the package builds, installs and runs"
