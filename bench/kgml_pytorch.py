#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of the kgml-ag-c network in plain PyTorch, one year of some cells; one JSON line on stdout.

    python3 bench/kgml_pytorch.py STYLE [--package FOLDER] [--cells 2048] [--days 365] [--threads 2] [--batch N]

STYLE tuned:    as many Python threads as --threads, each with one PyTorch thread, batches of 64 cells.
STYLE default:  PyTorch's own threads within an operation, batches of 1024 cells: what a script does that sets nothing.
Inputs are ready and z-scored before the clock starts, and sums are not formed: only the network is timed.
"""
import argparse
import json
import os
import struct
import sys
import time

if "tuned" in sys.argv:                       # before torch loads its BLAS
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = "1"
from concurrent.futures import ThreadPoolExecutor

import numpy
import torch
from torch import nn

HIDDEN, FEATURES = 64, 19
GPP = 8                                       # place of GPP among the inputs
PULSE = slice(298, 300)                       # days that receive the residue
LAYERS = {"gru_basic": 2, "gru_Ra": 1, "gru_Rh": 2, "gru_NEE": 1}


def dense(*last):
    """Three hidden layers with ReLU from the units to one number."""
    sizes = (HIDDEN, 64, 64, 32, 1)
    layers = []
    for k in range(4):
        layers += [nn.Linear(sizes[k], sizes[k + 1])] + ([nn.ReLU()] if k < 3 else [])
    return nn.Sequential(*layers, *last)


class Network(nn.Module):
    """z-scored inputs [day][cell][19] to z-scored Ra, Rh, NEE [day][cell][3]."""

    def __init__(self):
        super().__init__()
        inputs = {"gru_basic": FEATURES, "gru_Ra": HIDDEN + FEATURES, "gru_Rh": 1 + HIDDEN + FEATURES, "gru_NEE": 2 + FEATURES}
        for name, count in LAYERS.items():
            self.add_module(name, nn.GRU(inputs[name], HIDDEN, count))
        for name in ("Ra", "Rh", "NEE"):
            self.add_module("densor_" + name, nn.Linear(HIDDEN, 1))
        self.attn, self.densor_yield = dense(nn.Tanh()), dense()
        self.scalers = {}

    def physical(self, z, name):
        mean, std = self.scalers[name]
        return z * std + mean

    def forward(self, x, hidden):
        units, basic = self.gru_basic(x, hidden["gru_basic"])
        share = self.attn(units).softmax(dim=0)
        grain = self.densor_yield((units * share).sum(dim=0))
        seen = torch.cat((units, x), dim=2)
        ra_units, after_ra = self.gru_Ra(seen, hidden["gru_Ra"])
        ra = self.densor_Ra(ra_units)
        carbon = self.physical(x[..., GPP:GPP + 1], "GPP").sum(0) + self.physical(ra, "Ra").sum(0)
        residue = (carbon - self.physical(grain, "Yield")).clamp(min=0)
        mean, std = self.scalers["Residue"]
        pulse = x.new_zeros(x.shape[0], x.shape[1], 1)
        pulse[PULSE] = (residue - mean) / std
        rh_units, after_rh = self.gru_Rh(torch.cat((pulse, seen), dim=2), hidden["gru_Rh"])
        rh = self.densor_Rh(rh_units)
        nee_units, after_nee = self.gru_NEE(torch.cat((ra, rh, x), dim=2), hidden["gru_NEE"])
        fluxes = torch.cat((ra, rh, self.densor_NEE(nee_units)), dim=2)
        return fluxes, {"gru_basic": basic, "gru_Ra": after_ra, "gru_Rh": after_rh, "gru_NEE": after_nee}


def no_state(cells):
    return {name: torch.zeros(count, cells, HIDDEN) for name, count in LAYERS.items()}


def tensors_of(path):
    """Tensors of a safetensors file: 8 bytes length, a JSON header, the values."""
    with open(path, "rb") as f:
        content = f.read()
    size = struct.unpack_from("<Q", content)[0]
    tensors = {}
    for name, entry in json.loads(content[8:8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = numpy.frombuffer(content, "<f4", (end - begin) // 4, 8 + size + begin)
            tensors[name] = torch.tensor(values).reshape(entry["shape"])
    return tensors


def load(folder):
    import yaml
    with open(os.path.join(folder, "model.yaml")) as f:
        described = yaml.safe_load(f)
    network = Network()
    network.load_state_dict(tensors_of(os.path.join(folder, described["weights"]["file"])))
    for name, scaler in [*described["scalers"].items(), *((o["name"], o) for o in described["outputs"])]:
        network.scalers[name] = (scaler["mean"], scaler["std"])
    return network.eval()


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("style", choices=("tuned", "default"))
    ap.add_argument("--package", default=os.path.join(here, "..", "examples", "models", "demo-global"))
    ap.add_argument("--cells", type=int, default=2048)
    ap.add_argument("--days", type=int, default=365)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--batch", type=int, help="cells of a batch: 64 (tuned), 1024 (default)")
    a = ap.parse_args()
    tuned = a.style == "tuned"
    batch = a.batch or (64 if tuned else 1024)
    torch.set_num_threads(1 if tuned else a.threads)
    network = load(a.package)
    torch.manual_seed(1)
    batches = [part.contiguous() for part in torch.randn(a.days, a.cells, FEATURES).split(batch, dim=1)]
    sums = [None] * len(batches)

    def work(k, days=a.days):
        with torch.inference_mode():
            fluxes, _ = network(batches[k][:days], no_state(batches[k].shape[1]))
            sums[k] = float(fluxes.double().sum())

    with ThreadPoolExecutor(a.threads if tuned else 1, initializer=torch.set_num_threads,
                            initargs=(1 if tuned else a.threads,)) as pool:
        list(pool.map(lambda k: work(k, 20), range(min(a.threads, len(batches)))))      # the BLAS is awake
        begin, cpu = time.perf_counter(), time.process_time()
        list(pool.map(work, range(len(batches))))
        wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(json.dumps({"style": a.style, "torch": torch.__version__, "cells": a.cells, "days": a.days, "batch": batch,
                      "threads": a.threads, "wall_s": wall, "cpu_s": cpu, "pixel_years_per_s": a.cells * a.days / 365 / wall,
                      "sum": sum(sums)}))


if __name__ == "__main__":
    main()
