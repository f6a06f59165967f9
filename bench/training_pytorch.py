#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Speed of a training step of kgml-ag-c in plain PyTorch: what training_bench.cpp is compared with.

    python3 bench/training_pytorch.py THREADS BATCH [steps=5] [frozen]

Forward, backward and Adam over one year of a batch of sites; one JSON line on stdout.
"""
import json
import statistics
import sys
import time

import torch
from torch import nn

DAYS, FEATURES, HIDDEN = 365, 19, 64


def to_one():
    return nn.Sequential(nn.Linear(HIDDEN, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
                         nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1))


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.gru_basic = nn.GRU(FEATURES, HIDDEN, 2, batch_first=True, dropout=0.2)
        self.gru_Ra = nn.GRU(HIDDEN + FEATURES, HIDDEN, 1, batch_first=True)
        self.gru_Rh = nn.GRU(1 + HIDDEN + FEATURES, HIDDEN, 2, batch_first=True, dropout=0.2)
        self.gru_NEE = nn.GRU(2 + FEATURES, HIDDEN, 1, batch_first=True)
        self.densor_Ra, self.densor_Rh, self.densor_NEE = (nn.Linear(HIDDEN, 1) for _ in range(3))
        self.attn, self.densor_yield = to_one(), to_one()
        self.drop = nn.Dropout(0.2)

    def forward(self, x, state):
        o, basic = self.gru_basic(x, state[0])
        d = self.drop(o)
        weight = torch.softmax(torch.tanh(self.attn(d)), 1)
        grain = self.densor_yield((weight * d).sum(1))
        o_ra, after_ra = self.gru_Ra(torch.cat([self.drop(o), x], 2), state[1])
        ra = self.densor_Ra(self.drop(o_ra))
        gpp = (x[:, :, 8] * 5.8 + 2.9).sum(1)
        residue = torch.relu(gpp + (ra[:, :, 0] * 2.58 - 1.36).sum(1) - (grain[:, 0] * 145 + 300))
        pulse = torch.zeros_like(ra)
        pulse[:, 298:300, 0] = ((residue - 250) / 140)[:, None]
        o_rh, after_rh = self.gru_Rh(torch.cat([pulse, self.drop(o), x], 2), state[2])
        rh = self.densor_Rh(self.drop(o_rh))
        o_nee, after_nee = self.gru_NEE(torch.cat([ra, rh, x], 2), state[3])
        nee = self.densor_NEE(self.drop(o_nee))
        return torch.cat([ra, rh, nee], 2), grain[:, 0], (basic, after_ra, after_rh, after_nee)


def main():
    threads, batch = int(sys.argv[1]), int(sys.argv[2])
    steps = next((int(w[6:]) for w in sys.argv[3:] if w.startswith("steps=")), 5)
    frozen = "frozen" in sys.argv[3:]
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    network = Network().train()
    if frozen:
        for part in (network.gru_basic, network.attn, network.densor_yield):
            part.requires_grad_(False)
    adam = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    x, target = torch.randn(batch, DAYS, FEATURES), torch.randn(batch, DAYS, 3)
    yields = torch.randn(batch)
    state = [torch.zeros(n, batch, HIDDEN) for n in (2, 1, 2, 1)]
    seconds, cpu_seconds = [], []
    for _ in range(steps + 1):
        begin, cpu = time.perf_counter(), time.process_time()
        fluxes, grain, _ = network(x, state)
        loss = (fluxes - target).square().mean((0, 1)).sum()
        if not frozen:
            loss = loss + (grain - yields).square().mean()
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu)
    print(json.dumps({"threads": threads, "batch": batch,
                      "site_years_per_s": round(batch / statistics.median(seconds[1:]), 1),
                      "site_years_per_cpu_s": round(batch / statistics.median(cpu_seconds[1:]), 1)}))


if __name__ == "__main__":
    main()
