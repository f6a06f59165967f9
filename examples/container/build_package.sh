#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian package of fluxtile on a bare Debian 12: the steps that the Dockerfile, the Apptainer definition
# and the chroot trial share. The package lies in build/release afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
tools/install_dependencies.sh build runtime
cmake --preset release -DFLUXTILE_TESTS=OFF
cmake --build --preset release --target fluxtile -j "${FLUXTILE_JOBS:-2}"
cmake --build --preset release -j "${FLUXTILE_JOBS:-2}"
cd build/release
rm -f fluxtile_*.deb
cpack -G DEB
ls fluxtile_*.deb
