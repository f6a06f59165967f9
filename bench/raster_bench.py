#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The raster side of a run alone beside gdalwarp: cells that are read, resampled and stored, a second.

    python3 bench/raster_bench.py [--build build/release] [--km 64] [--repeats 5] [--threads 2] [--json FILE]

The world comes from make_world.py in $FLUXTILE_PEER where that is set, else from `fluxtile simulate`. Ours: the whole
graph of a run with networks that give zeros at once (bench/raster_side.cpp): masks, soil, crops, composites, climate,
gap filling, digests, tile-years and states on the disk. GDAL: exact (`-et 0`) bilinear gdalwarp of the same GPP and soil
rasters to the same grid, `-multi -wo NUM_THREADS=ALL_CPUS`, in two ways: a call a raster, and one call for each stack of
rasters that share a lattice, in which a coordinate is transformed once for all. Runs alternate; medians.
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PYTHON = "/usr/bin/python3"


def timed(commands, affinity):
    """Wall and CPU seconds and the last standard output of commands run one after the other."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    text = ""
    for command in commands:
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                              preexec_fn=lambda: os.sched_setaffinity(0, affinity)).stdout
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text


def make_world(a, folder):
    """A world of about a.km x a.km; returns its configuration."""
    world = os.path.join(folder, "world")
    peer = os.environ.get("FLUXTILE_PEER")
    if peer:
        command = [PYTHON, os.path.join(peer, "make_world.py"), "--out", world, "--km", str(a.km), "--years", "1"]
    else:
        here = os.path.dirname(os.path.abspath(__file__))
        command = [os.path.join(a.build, "pipeline/fluxtile"), "simulate",
                   os.path.join(here, "../configs/worlds/test.yaml"), "--out", world,
                   "--set", f"region.side_km={a.km}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return os.path.join(world, "run.yaml")


def warp_commands(same, folder):
    """gdalwarp of every raster by itself, and of stacks; both write tiled GeoTIFFs."""
    x0, y0, x1, y1 = (str(v) for v in same["extent"])
    width, height = (str(v) for v in same["size"])

    def warp(source, method, target):
        return ["gdalwarp", "-q", "-overwrite", "-et", "0", "-multi", "-wo", "NUM_THREADS=ALL_CPUS", "-r", method,
                "-t_srs", same["crs"], "-te", x0, y0, x1, y1, "-ts", width, height, "-co", "TILED=YES",
                source, os.path.join(folder, target)]

    single = [warp(raster["file"], raster["method"], f"{k}.tif") for k, raster in enumerate(same["rasters"])]
    lattices = {}
    for raster in same["rasters"]:
        info = json.loads(subprocess.run(["gdalinfo", "-json", raster["file"]], check=True, stdout=subprocess.PIPE,
                                         text=True).stdout)
        key = (raster["method"], tuple(info["geoTransform"]), tuple(info["size"]))
        lattices.setdefault(key, []).append(raster["file"])
    stacked = []
    for k, ((method, _, _), files) in enumerate(lattices.items()):
        stack = os.path.join(folder, f"stack{k}.vrt")
        stacked.append(["gdalbuildvrt", "-q", "-overwrite", "-separate", stack] + files)
        stacked.append(warp(stack, method, f"stack{k}.tif"))
    return single, stacked


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default="build/release")
    ap.add_argument("--config", help="a run configuration instead of a world of its own")
    ap.add_argument("--km", type=int, default=64)
    ap.add_argument("--repeats", type=int, default=5)
    ap.add_argument("--threads", type=int, default=2)
    ap.add_argument("--json", help="writes the figures to this file")
    a = ap.parse_args()
    folder = tempfile.mkdtemp(prefix="raster-bench-")
    cores = sorted(os.sched_getaffinity(0))[:a.threads]
    try:
        config = a.config or make_world(a, folder)
        ours = [os.path.join(a.build, "bench/raster_side"), config, "outputs.directory=" + os.path.join(folder, "out"),
                f"run.threads={a.threads}"]
        record = json.loads(timed([ours], cores)[2])  # also warms the page cache
        same = record["same"]
        single, stacked = warp_commands(same, folder)
        warped = len(same["rasters"]) * same["size"][0] * same["size"][1]
        rows = {"fluxtile, tiles": [], "fluxtile, whole program": [], "gdalwarp, a call a raster": [],
                "gdalwarp, stacked": []}
        for _ in range(a.repeats):
            wall, cpu, text = timed([ours], cores)
            record = json.loads(text)
            stage_cpu = sum(record["stage_thread_s"].values())
            rows["fluxtile, tiles"].append((record["aligned_cells"], record["tiles_s"], stage_cpu))
            rows["fluxtile, whole program"].append((record["aligned_cells"], wall, cpu))
            for name, commands in (("gdalwarp, a call a raster", single), ("gdalwarp, stacked", stacked)):
                wall, cpu, _ = timed(commands, cores)
                rows[name].append((warped, wall, cpu))
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    rate = {name: statistics.median(cells / wall for cells, wall, _ in values) for name, values in rows.items()}
    print(f"{record['cells_modelled']} cells, {len(same['rasters'])} rasters of GPP and soil, {a.threads} threads, "
          f"medians of {a.repeats} interleaved runs (range)")
    print(f"{'':28} {'aligned cells':>14} {'wall s':>22} {'CPU s':>8} {'million cells/s':>16} {'against stacked':>16}")
    for name, values in rows.items():
        walls = [wall for _, wall, _ in values]
        print(f"{name:28} {values[0][0]:>14.0f} {statistics.median(walls):>8.2f} ({min(walls):.2f}-{max(walls):.2f})"
              f"{'':2} {statistics.median(v[2] for v in values):>8.2f} {rate[name] / 1e6:>16.2f} "
              f"{rate[name] / rate['gdalwarp, stacked']:>16.2f}")
    tiles = rate["fluxtile, tiles"]
    print(f"tiles against gdalwarp: {tiles / rate['gdalwarp, a call a raster']:.2f} x (a call a raster), "
          f"{tiles / rate['gdalwarp, stacked']:.2f} x (stacked)")
    total = sum(record["stage_thread_s"].values())
    print("stages of the last run, share of thread seconds: " +
          ", ".join(f"{k} {100 * v / total:.0f} %"
                    for k, v in sorted(record["stage_thread_s"].items(), key=lambda item: -item[1])))
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"rows": rows, "rate": rate, "last": record}, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
