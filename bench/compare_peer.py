#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs fluxtile, a Python pipeline and the engine alone alternately on one world; prints medians and their ratios.

    python3 bench/compare_peer.py [--peer FOLDER] [--build build/release] [--km 16] [--years 1] [--repeats 3] [--threads 2]
                                  [--json FILE]

FOLDER ($FLUXTILE_PEER) holds make_world.py and peer.py. Both pipelines read the same run.yaml and write the same products.
What is compared: wall-clock seconds and CPU seconds of the whole command, and pixel-years a second over the networks. The
engine alone (engine_bench) tells how long the same cells take if nothing but the network is there. Without FOLDER the world
comes from `fluxtile simulate`, and only fluxtile and the engine run.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

import fluxtile_run
import repeats
import worlds


def measure(build, km, years, count, threads, progress=None):
    fluxtile, bench = os.path.join(build, "pipeline/fluxtile"), os.path.join(build, "bench/engine_bench")
    python = repeats.python_with("torch", "rasterio", "netCDF4", "xarray") if worlds.peer_folder() else None
    folder = tempfile.mkdtemp(prefix="compare-peer-")
    ours, theirs, engine = [], [], []
    try:
        config = worlds.make(folder, km, years, fluxtile)
        for repeat in range(count):
            if progress:
                progress("%d km, repeat %d of %d" % (km, repeat + 1, count))
            ours.append(fluxtile_run.timed_run(fluxtile, config, os.path.join(folder, "fluxtile"), threads))
            if os.path.exists(bench):
                rows = repeats.google_benchmark(bench, "BM_FusedEngine/threads:%d/" % threads, 1, 1.0)
                engine += [row["pixel-years/s"] for runs in rows.values() for row in runs]
            if python:
                wall, cpu, peak, text = repeats.timed([python, os.path.join(worlds.peer_folder(), "peer.py"), config,
                                                       "--threads", threads, "--out", os.path.join(folder, "peer")])
                line = repeats.last_json(text)
                theirs.append({"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak,
                               "pixel_years_per_s": line["model_pixel_years_per_s"]})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    names = ("wall_s", "cpu_s", "pixel_years_per_s", "peak_bytes")
    result = {"km": km, "years": years, "threads": threads, "world": worlds.kind(), "cells": ours[-1]["cells"],
              "pixel_years": ours[-1]["pixel_years"], "fluxtile": fluxtile_run.columns(ours, *names),
              "stages": ours[-1]["stages"], "promised_bytes": ours[-1]["promised_bytes"]}
    if theirs:
        result["peer"] = fluxtile_run.columns(theirs, *names)
        result["ratio"] = {name: result["peer"][name]["median"] / result["fluxtile"][name]["median"] for name in names}
        result["ratio"]["pixel_years_per_s"] = 1 / result["ratio"]["pixel_years_per_s"]
    if engine:
        result["engine_pixel_years_per_s"] = repeats.summary(engine)
        model_s = result["pixel_years"] / result["engine_pixel_years_per_s"]["median"]
        result["wall_to_model"] = result["fluxtile"]["wall_s"]["median"] / model_s
    return result


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer", help="folder of make_world.py and peer.py")
    ap.add_argument("--build", default=os.path.join(repeats.SOURCE, "build/release"))
    ap.add_argument("--km", type=int, default=16)
    ap.add_argument("--years", type=int, default=1)
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--json", help="write the figures to this file too")
    a = ap.parse_args()
    if a.peer:
        os.environ["FLUXTILE_PEER"] = a.peer
    result = measure(a.build, a.km, a.years, a.repeats, a.threads)
    print("%d km, %d year(s), %d cells, %d threads, medians of %d interleaved runs (range)" % (
        a.km, a.years, result["cells"], a.threads, a.repeats))
    print("%-10s %22s %22s %26s" % ("", "wall s", "CPU s", "pixel-years/s"))
    for name in ("fluxtile", "peer"):
        if name in result:
            cells = ["%.2f (%.2f-%.2f)" % (v["median"], v["low"], v["high"]) for v in result[name].values()]
            print("%-10s %22s %22s %26s" % (name, *cells[:3]))
    if "ratio" in result:
        print("%-10s %22.2f %22.2f %26.2f" % ("ratio", *list(result["ratio"].values())[:3]))
    if "wall_to_model" in result:
        print("engine alone %.0f pixel-years/s: the whole command takes %.2f times as long as these cells in the engine" % (
            result["engine_pixel_years_per_s"]["median"], result["wall_to_model"]))
    total = sum(result["stages"].values())
    print("stages of the last fluxtile run, share of thread seconds: " + ", ".join(
        "%s %.1f %%" % (name, 100 * s / total) for name, s in sorted(result["stages"].items(), key=lambda item: -item[1])))
    print("peak memory %.0f MiB, promised %.0f MiB" % (result["fluxtile"]["peak_bytes"]["median"] / 2**20,
                                                       result["promised_bytes"] / 2**20))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
