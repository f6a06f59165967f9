#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs fluxtile and a Python pipeline alternately on one world and prints medians and their ratio.

    python3 bench/compare_peer.py --peer FOLDER [--fluxtile PATH] [--km 16] [--repeats 3] [--threads 2]

FOLDER holds make_world.py and peer.py. Both read the same run.yaml and write the same products. What is compared:
wall-clock seconds of the whole command, CPU seconds, and pixel-years a second over the networks.
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


def timed(command):
    """Wall seconds, CPU seconds and standard output of one command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer", required=True)
    ap.add_argument("--fluxtile", default="build/release/pipeline/fluxtile")
    ap.add_argument("--km", default="16")
    ap.add_argument("--years", default="1")
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--threads", default="2")
    a = ap.parse_args()
    folder = tempfile.mkdtemp(prefix="compare-peer-")
    rows = {"fluxtile": [], "peer": []}
    try:
        world = os.path.join(folder, "world")
        subprocess.run([PYTHON, os.path.join(a.peer, "make_world.py"), "--out", world, "--km", a.km, "--years", a.years],
                       check=True, stdout=subprocess.DEVNULL)
        config = os.path.join(world, "run.yaml")
        for _ in range(a.repeats):
            out = os.path.join(folder, "fluxtile")
            shutil.rmtree(out, ignore_errors=True)
            wall, cpu, _ = timed([a.fluxtile, "run", config, "--threads", a.threads, "--progress", "off",
                                  "--set", "outputs.directory=" + out])
            with open(os.path.join(out, "run.json")) as f:
                record = json.load(f)
            rows["fluxtile"].append((wall, cpu, record["timings"]["pixel_years_per_s"], record))
            wall, cpu, text = timed([PYTHON, os.path.join(a.peer, "peer.py"), config, "--threads", a.threads,
                                     "--out", os.path.join(folder, "peer")])
            line = json.loads(text.strip().splitlines()[-1])
            rows["peer"].append((wall, cpu, line["model_pixel_years_per_s"], line))
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    median = {name: [statistics.median(r[k] for r in rows[name]) for k in range(3)] for name in rows}
    print(f"{a.km} km, {a.years} year(s), {a.threads} threads, medians of {a.repeats} interleaved runs (range)")
    print(f"{'':10} {'wall s':>22} {'CPU s':>22} {'pixel-years/s':>24}")
    for name in rows:
        cells = []
        for k in range(3):
            values = [r[k] for r in rows[name]]
            cells.append(f"{median[name][k]:.2f} ({min(values):.2f}-{max(values):.2f})")
        print(f"{name:10} {cells[0]:>22} {cells[1]:>22} {cells[2]:>24}")
    print(f"{'ratio':10} {median['peer'][0] / median['fluxtile'][0]:>22.2f} "
          f"{median['peer'][1] / median['fluxtile'][1]:>22.2f} {median['fluxtile'][2] / median['peer'][2]:>24.2f}")
    record = rows["fluxtile"][-1][3]
    stages = record["timings"]["stage_thread_s"]
    total = sum(stages.values())
    print("stages of the last fluxtile run, share of thread seconds: " +
          ", ".join(f"{k} {100 * v / total:.1f} %" for k, v in sorted(stages.items(), key=lambda item: -item[1])))
    print(f"peak memory {record['memory']['peak_bytes'] / 2**20:.0f} MiB, promised "
          f"{record['memory']['promised_bytes'] / 2**20:.0f} MiB")


if __name__ == "__main__":
    sys.exit(main())
