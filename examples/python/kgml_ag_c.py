# SPDX-License-Identifier: Apache-2.0
"""The network kgml-ag-c in plain PyTorch, after the equations of Liu et al. 2024 (Nature
Communications 15:357). Its state_dict is what a model package holds: train it as you like, then
save it with save_package.py.

    python3 kgml_ag_c.py untrained.pt     writes a network with new weights
"""

import argparse

import torch
from torch import nn

from architectures import HIDDEN, KGML_AG_C_INPUTS

FEATURES = len(KGML_AG_C_INPUTS)
GPP = [name for name, _ in KGML_AG_C_INPUTS].index("GPP")
RESIDUE_DAYS = (298, 299)
"""0-based days of the year on which what is left of the crop enters the soil."""


def _to_one(last=None):
    layers = [nn.Linear(HIDDEN, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32),
              nn.ReLU(), nn.Linear(32, 1)]
    return nn.Sequential(*layers, *([last] if last else []))


class KgmlAgC(nn.Module):
    """Daily inputs of a calendar year to Ra, Rh, NEE and the year's yield.

    `scalers`: {"Ra": (mean, std), ...} of Ra, GPP, Yield and Residue; physical = mean + std * z.
    """

    def __init__(self, scalers, dropout=0.2):
        super().__init__()
        self.scalers = {name: (float(mean), float(std)) for name, (mean, std) in scalers.items()}
        for name in ("Ra", "GPP", "Yield", "Residue"):
            if name not in self.scalers:
                raise ValueError(f"the scaler of {name} is missing")
        gru = lambda inputs, layers: nn.GRU(  # noqa: E731
            inputs, HIDDEN, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.gru_basic = gru(FEATURES, 2)
        self.gru_Ra = gru(HIDDEN + FEATURES, 1)
        self.gru_Rh = gru(1 + HIDDEN + FEATURES, 2)
        self.gru_NEE = gru(2 + FEATURES, 1)
        self.densor_Ra = nn.Linear(HIDDEN, 1)
        self.densor_Rh = nn.Linear(HIDDEN, 1)
        self.densor_NEE = nn.Linear(HIDDEN, 1)
        self.attn = _to_one(nn.Tanh())
        self.densor_yield = _to_one()
        self.drop = nn.Dropout(dropout)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.uniform_(layer.weight, -0.1, 0.1)
                nn.init.zeros_(layer.bias)

    def physical(self, z, name):
        mean, std = self.scalers[name]
        return mean + std * z

    def forward(self, x_z, hidden=None):
        """x_z: [B,T,19] z-scored, T days from 1 January. hidden: what the year before returned, or
        None for zeros. Returns fluxes [B,T,3] (Ra, Rh, NEE, z-scored; Ra, Rh < 0 = release), yield
        [B] (z-scored) and the hidden state after the last day."""
        h_basic, h_ra, h_rh, h_nee = hidden if hidden is not None else (None,) * 4
        basic, h_basic = self.gru_basic(x_z, h_basic)

        # Yield of the year: attention over its days.
        seen = self.drop(basic)
        share = torch.softmax(self.attn(seen), dim=1)
        harvest = self.densor_yield((share * seen).sum(dim=1))[:, 0]

        out, h_ra = self.gru_Ra(torch.cat([self.drop(basic), x_z], dim=2), h_ra)
        ra = self.densor_Ra(self.drop(out))

        # Residue: GPP less autotrophic respiration (Ra < 0) less yield, given to the soil in autumn.
        residue = torch.relu(self.physical(x_z[:, :, GPP], "GPP").sum(dim=1)
                             + self.physical(ra[:, :, 0], "Ra").sum(dim=1)
                             - self.physical(harvest, "Yield"))
        mean, std = self.scalers["Residue"]
        pulse = torch.zeros(x_z.shape[1], dtype=x_z.dtype, device=x_z.device)
        pulse[[day for day in RESIDUE_DAYS if day < x_z.shape[1]]] = 1
        pulse = ((residue - mean) / std)[:, None, None] * pulse[None, :, None]

        out, h_rh = self.gru_Rh(torch.cat([pulse, self.drop(basic), x_z], dim=2), h_rh)
        rh = self.densor_Rh(self.drop(out))

        out, h_nee = self.gru_NEE(torch.cat([ra, rh, x_z], dim=2), h_nee)
        nee = self.densor_NEE(self.drop(out))
        return torch.cat([ra, rh, nee], dim=2), harvest, (h_basic, h_ra, h_rh, h_nee)


def main():
    parser = argparse.ArgumentParser(description="writes the state_dict of an untrained network")
    parser.add_argument("out", help="file to write, e.g. untrained.pt")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    # Scalers are no part of a state_dict.
    network = KgmlAgC({name: (0, 1) for name in ("Ra", "GPP", "Yield", "Residue")})
    torch.save(network.state_dict(), options.out)
    print(f"{options.out}: {sum(p.numel() for p in network.parameters())} numbers")


if __name__ == "__main__":
    main()
