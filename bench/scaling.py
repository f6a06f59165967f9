#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How time and memory of `fluxtile run` grow with threads, area and years.

    python3 bench/scaling.py [--build build/release] [--threads 1,2] [--km 16,32,64] [--years 1,2,4] [--repeats 3] [--json FILE]

Worlds as in worlds.py. Every setting differs from the first (smallest area, one year, all threads) in one thing; the
settings' runs alternate.
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


def settings_of(threads, kms, years):
    """(km, years, threads), the base first."""
    base = (kms[0], years[0], threads[-1])
    wanted = [base] + [(kms[0], years[0], n) for n in threads] + [(km, years[0], threads[-1]) for km in kms] + \
             [(kms[0], n, threads[-1]) for n in years]
    return list(dict.fromkeys(wanted))


def measure(build, settings, count, options=(), progress=None):
    """One row a setting."""
    fluxtile = os.path.join(build, "pipeline/fluxtile")
    folder = tempfile.mkdtemp(prefix="scaling-")
    rows = {setting: [] for setting in settings}
    try:
        configs = {(km, years): worlds.make(folder, km, years, fluxtile) for km, years in {setting[:2] for setting in settings}}
        for repeat in range(count):
            for km, years, threads in settings:
                if progress:
                    progress("%d km, %d year(s), %d threads, repeat %d of %d" % (km, years, threads, repeat + 1, count))
                rows[km, years, threads].append(fluxtile_run.timed_run(
                    fluxtile, configs[km, years], os.path.join(folder, "out"), threads, *options))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [{"km": km, "years": years, "threads": threads, "cells": runs[-1]["cells"], "pixel_years": runs[-1]["pixel_years"],
             "promised_bytes": runs[-1]["promised_bytes"], "world": worlds.kind(),
             **fluxtile_run.columns(runs, "wall_s", "cpu_s", "pixel_years_per_s", "peak_bytes")}
            for (km, years, threads), runs in rows.items()]


def main():
    numbers = lambda text: [int(word) for word in text.split(",")]
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=os.path.join(repeats.SOURCE, "build/release"))
    ap.add_argument("--threads", type=numbers, default=list(dict.fromkeys([1, os.cpu_count()])))
    ap.add_argument("--km", type=numbers, default=[16, 32, 64])
    ap.add_argument("--years", type=numbers, default=[1, 2, 4])
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--json", help="write the figures to this file too")
    a = ap.parse_args()
    rows = measure(a.build, settings_of(a.threads, a.km, a.years), a.repeats)
    print("%6s %6s %8s %12s %22s %16s %10s" % ("km", "years", "threads", "pixel-years", "wall s (range)", "pixel-years/s", "peak MB"))
    for row in rows:
        wall = row["wall_s"]
        print("%6d %6d %8d %12d %22s %16.0f %10.0f" % (
            row["km"], row["years"], row["threads"], row["pixel_years"],
            "%.2f (%.2f-%.2f)" % (wall["median"], wall["low"], wall["high"]), row["pixel_years"] / wall["median"],
            row["peak_bytes"]["median"] / 1e6))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
