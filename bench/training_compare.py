#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs training_bench and PyTorch alternately and prints medians and their ratio.

    python3 bench/training_compare.py [--bench PATH] [--python PATH] [--batches 99,12,4] [--repeats 3] [--frozen]

Site-years a second of a full training step (forward, backward, Adam) of kgml-ag-c over one year of 365 days. PyTorch is
taken at its better number of threads for each batch. CPU figures (site-years a CPU second) tell how much other work on
the machine disturbed a run.
"""
import argparse
import json
import os
import statistics
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def run(command):
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--bench", default="build/release/bench/training_bench")
    ap.add_argument("--python", default="/usr/bin/python3", help="a Python that has torch")
    ap.add_argument("--batches", default="99,12,4")
    ap.add_argument("--threads", default="1,2")
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--steps", type=int, default=5)
    ap.add_argument("--frozen", action="store_true", help="train the flux modules only, as in fine-tuning")
    a = ap.parse_args()
    threads = a.threads.split(",")
    words = ["steps=%d" % a.steps] + (["frozen"] if a.frozen else [])
    print("%6s %8s %24s %24s %7s" % ("batch", "threads", "fluxtile /s (/CPU s)", "PyTorch /s (/CPU s)", "ratio"))
    for batch in a.batches.split(","):
        rows = {(name, n): [] for name in ("fluxtile", "pytorch") for n in threads}
        for _ in range(a.repeats):
            for n in threads:
                rows["fluxtile", n].append(run([a.bench, n, batch] + words))
                rows["pytorch", n].append(run([a.python, os.path.join(HERE, "training_pytorch.py"), n, batch] + words))
        median = {key: [statistics.median(r[field] for r in runs) for field in ("site_years_per_s", "site_years_per_cpu_s")]
                  for key, runs in rows.items()}
        best = max(median["pytorch", n][0] for n in threads)
        for n in threads:
            ours, theirs = median["fluxtile", n], median["pytorch", n]
            print("%6s %8s %15.1f (%6.1f) %15.1f (%6.1f) %6.2fx" % (batch, n, *ours, *theirs, ours[0] / best))


if __name__ == "__main__":
    main()
