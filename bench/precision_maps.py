#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `precision: bf16` does to the maps of a run.

    python3 bench/precision_maps.py build/release/pipeline/fluxtile demo/run.yaml

Maps the configuration with fp32 and with bf16, daily, in a temporary folder, and prints a line a region and flux: the
largest and the median difference of a cell's annual sum as a share of the sum of its absolute daily values, the
difference of the region's total, and how often days and months change their sign. Needs numpy and xarray.
"""
import argparse
import pathlib
import subprocess
import tempfile

import numpy as np
import xarray as xr

FLUXES = ["ra", "rh", "reco", "nee"]
PRODUCTS = "[{variables: [ra, rh, reco, nee], period: daily, statistic: sum, format: netcdf}]"


def mapped(command, config, precision, folder):
    subprocess.run(
        [command, "run", config, "--progress", "off", "--log-level", "error", "--set", f"outputs.directory={folder}",
         "--set", f"run.precision={precision}", "--set", "run.engine=fused", "--set", f"outputs.products={PRODUCTS}"],
        check=True, stdout=subprocess.DEVNULL)
    return sorted(pathlib.Path(folder).glob("*_daily.nc"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fluxtile")
    parser.add_argument("config")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        exact = mapped(options.fluxtile, options.config, "fp32", folder + "/fp32")
        rounded = mapped(options.fluxtile, options.config, "bf16", folder + "/bf16")
        print("| file | flux | annual sums, largest | median | total of the region | months of another sign |")
        print("|---|---|---|---|---|---|")
        for first, second in zip(exact, rounded):
            a, b = xr.open_dataset(first), xr.open_dataset(second)
            for flux in FLUXES:
                expected, found = (d[flux].values.astype(np.float64) for d in (a, b))
                year = a["time"].dt.year.values
                worst, shares, total, absolute, turned, months = 0.0, [], 0.0, 0.0, 0, 0
                for y in np.unique(year):
                    e, f = expected[year == y], found[year == y]
                    cells = np.isfinite(e).all(axis=0)
                    e, f = e[:, cells], f[:, cells]
                    if e.size == 0:
                        continue
                    scale = np.abs(e).sum(axis=0)
                    share = np.abs(f.sum(axis=0) - e.sum(axis=0)) / scale
                    worst = max(worst, share.max())
                    shares.append(share)
                    total += (f - e).sum()
                    absolute += scale.sum()
                    month = a["time"].dt.month.values[year == y]
                    for m in np.unique(month):
                        signs = np.sign(e[month == m].sum(axis=0)) != np.sign(f[month == m].sum(axis=0))
                        turned += int(signs.sum())
                        months += signs.size
                if not shares:
                    continue
                print(f"| {first.stem} | {flux} | {100 * worst:.2g} % | {100 * np.median(np.concatenate(shares)):.2g} % "
                      f"| {100 * total / absolute:+.2g} % | {turned} of {months} |")


if __name__ == "__main__":
    main()
