# SPDX-License-Identifier: Apache-2.0
"""Synthetic worlds for the benchmarks: from make_world.py where $FLUXTILE_PEER names its folder, else from
`fluxtile simulate`. One model region, no spin-up, tiles of 256 cells in the first kind."""
import os

import repeats


def peer_folder():
    return os.environ.get("FLUXTILE_PEER")


def make(folder, km, years, fluxtile):
    """Writes a world of km x km and so many years into `folder`; returns its run configuration."""
    world = os.path.join(folder, "world-%dkm-%dy" % (km, years))
    if peer_folder():
        python = repeats.python_with("rasterio", "netCDF4", "scipy", "yaml", "pyproj")
        command = [python, os.path.join(peer_folder(), "make_world.py"), "--out", world, "--km", km, "--years", years]
    else:
        command = [fluxtile, "simulate", os.path.join(repeats.SOURCE, "configs/worlds/demo.yaml"), "--out", world,
                   "--set", "size_km=%d" % km, "--set", "period.years=%d" % years, "--set", "period.spinup=0",
                   "--set", "grid.tile=256"]
    repeats.run(command)
    return os.path.join(world, "run.yaml")


def kind():
    return "make_world.py" if peer_folder() else "fluxtile simulate"
