#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages of the kinds named (build, test, runtime, develop) that are missing.
#   tools/install_dependencies.sh build runtime test
# As root, or through sudo where it works without asking; otherwise it prints the command and exits 1.
# With nothing missing it does nothing and needs no rights. --list prints the packages instead.
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/debian-packages.txt"
only_list=no
if [[ "${1:-}" == --list ]]; then
  only_list=yes
  shift
fi
[[ $# -gt 0 ]] || set -- build runtime

wanted=()
for kind in "$@"; do
  found=$(awk -v kind="$kind" '$1 == kind {print $2}' "$list")
  if [[ -z "$found" ]]; then
    echo "install_dependencies.sh: no packages of kind '$kind' (build, test, runtime, develop)" >&2
    exit 64
  fi
  mapfile -t -O "${#wanted[@]}" wanted <<<"$found"
done

if [[ $only_list == yes ]]; then
  printf '%s\n' "${wanted[@]}" | sort -u
  exit 0
fi

missing=()
for package in "${wanted[@]}"; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [[ "$state" == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
if [[ $(id -u) -eq 0 ]]; then
  as_root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
  as_root=(sudo env)
else
  echo "install_dependencies.sh: neither root nor sudo without a password; as root, run" >&2
  echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
  exit 1
fi
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" DEBIAN_FRONTEND=noninteractive \
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
