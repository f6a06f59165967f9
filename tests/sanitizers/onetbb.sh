#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the system's oneTBB with the thread sanitizer into FOLDER; does nothing where that was done before.
#   bash tests/sanitizers/onetbb.sh FOLDER
# The sanitizer learns that one thread waits for another only from code that is compiled with it. With Debian's library
# every task that is stolen looks like a race; to suppress those by name (race:tbb) would hide the races in our own
# loops and nodes as well, since oneTBB stands in the stack of all of them.
# The source is that of the installed package, got by `apt-get source` (needs the network once), or lies in
# $FLUXTILE_ONETBB_SOURCE.
set -euo pipefail
to="${1:?names the folder to install into}"
jobs="${FLUXTILE_JOBS:-2}"
[[ -f "$to/lib/cmake/TBB/TBBConfig.cmake" ]] && exit 0
work="$to.build"
mkdir -p "$work"
work="$(cd "$work" && pwd)"

from="${FLUXTILE_ONETBB_SOURCE:-}"
if [[ -z "$from" ]]; then
  version="$(dpkg-query -W -f '${source:Version}' libtbb12)"
  # The system's own sources of packages, as sources of source packages, and kept apart from the system's state.
  mkdir -p "$work/apt/sources" "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
  while IFS= read -r list; do
    sed -E 's/^Types:.*/Types: deb-src/; s/^deb /deb-src /' "$list" > "$work/apt/sources/$(basename "$list")"
  done < <(grep -lsE '/debian/?([[:space:]]|$)' /etc/apt/sources.list /etc/apt/sources.list.d/*)
  cat > "$work/apt/apt.conf" << CONF
Dir::Etc::sourcelist "-";
Dir::Etc::sourceparts "$work/apt/sources";
Dir::State::lists "$work/apt/lists";
Dir::Cache "$work/apt/cache";
APT::Sandbox::User "root";
CONF
  export APT_CONFIG="$work/apt/apt.conf"
  apt-get update -qq
  (cd "$work" && rm -rf onetbb-* && apt-get source -qq "onetbb=$version")
  from="$(find "$work" -mindepth 1 -maxdepth 1 -type d -name 'onetbb-*')"
fi

cmake -S "$from" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DTBB_SANITIZE=thread -DTBB_TEST=OFF -DTBB_EXAMPLES=OFF -DTBB_STRICT=OFF -DTBB_ENABLE_IPO=OFF -DTBBMALLOC_BUILD=OFF > "$work/configure.log"
cmake --build "$work/build" -j "$jobs" > "$work/build.log"
cmake --install "$work/build" --prefix "$to" > "$work/install.log"
echo "oneTBB with the thread sanitizer: $to"
