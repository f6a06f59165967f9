#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the engine `fused` and PyTorch alternately on one year of kgml-ag-c and prints medians and their ratio.

    python3 bench/compare_pytorch.py [--bench PATH] [--repeats 3] [--threads 2] [--cells 2048] [--json FILE]

PyTorch is taken as a tuned script runs it and with its defaults (kgml_pytorch.py). The engine's time includes what it
does beside the network (features from compact inputs, monthly sums); PyTorch's does not.
"""
import argparse
import json
import os
import sys

import repeats


def measure(bench, threads, cells, count, styles=(("tuned",), ("default",)), progress=None):
    """Pixel-years a second of each contestant: name -> list over the repeats."""
    python = repeats.python_with("torch", "numpy", "yaml")
    if python is None:
        raise RuntimeError("no Python with torch, numpy and yaml (FLUXTILE_PYTHON names one)")
    rates = {"fused": [], **{" ".join(style): [] for style in styles}}
    for repeat in range(count):
        if progress:
            progress("repeat %d of %d" % (repeat + 1, count))
        rows = repeats.google_benchmark(bench, "BM_FusedEngine/threads:%d/" % threads, 1, 1.0)
        rates["fused"] += [row["pixel-years/s"] for runs in rows.values() for row in runs]
        for style in styles:
            text = repeats.run([python, os.path.join(repeats.FOLDER, "kgml_pytorch.py"), *style, "--threads", threads,
                                "--cells", cells])
            rates[" ".join(style)].append(repeats.last_json(text)["pixel_years_per_s"])
    return {name: repeats.summary(values) for name, values in rates.items()}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--bench", default=os.path.join(repeats.SOURCE, "build/release/bench/engine_bench"))
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--cells", type=int, default=2048)
    ap.add_argument("--json", help="write the figures to this file too")
    a = ap.parse_args()
    rates = measure(a.bench, a.threads, a.cells, a.repeats)
    for name, rate in rates.items():
        print("%-10s %8.0f pixel-years/s (%.0f-%.0f)   fused is %.2f times as fast" % (
            name, rate["median"], rate["low"], rate["high"], rates["fused"]["median"] / rate["median"]))
    if a.json:
        with open(a.json, "w") as f:
            json.dump(rates, f, indent=1)


if __name__ == "__main__":
    sys.exit(main())
