#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What new and revised days cost `fluxtile run` beside a full year, and that the products are those of a full run.

    python3 bench/new_days.py [--build build/release] [--km 64] [--threads 1] [--repeats 3] [--cases august,december]
                              [--no-check] [--json FILE]

A world of one year without gaps (make_world.py where $FLUXTILE_PEER names its folder, else `fluxtile simulate`), mapped
with `period.end: latest`. Days arrive by cutting the yearly climate files at a date and hiding the composites behind it;
revised days are written anew into the climate files. Each case starts from a copy of what the run before it left.
`tiles` is what the stages of all tiles took (run.json, stage_thread_s: reading, networks, writing; threads added up),
`cpu` and `wall` are of the whole command. Without --no-check every case's products are compared, byte for byte, with
those of one run of all days. Needs netCDF4 for Python."""
import argparse
import filecmp
import glob
import json
import os
import shutil
import sys
import tempfile

import repeats
import worlds

try:
    import netCDF4
except ImportError:  # the Python of the system may have it
    python = repeats.python_with("netCDF4")
    if python is None:
        sys.exit("new_days.py needs netCDF4 for Python")
    os.execv(python, [python] + sys.argv)

# name -> (days there are before, days there are then, first day that is revised or None)
CASES = {
    "august": (224, 232, None),
    "december": (344, 352, None),
    "one-day": (232, 233, None),
    "summer-60": (232, 232, 172),
    "days-then-60": (239, 239, 179),
    "night-60-worst": (253, 254, 194),
    "nothing": (365, 365, None),
    "winter-60": (365, 365, 305),
}
BARS = {"august": 1 / 20, "december": 1 / 4, "summer-60": 1 / 4, "days-then-60": 1 / 4, "night-60-worst": 1 / 4,
        "winter-60": 1 / 4}


class World:
    """One year of inputs of which only some days are there yet."""

    def __init__(self, folder, km, fluxtile):
        self.whole = os.path.join(folder, "whole")
        self.folder = os.path.join(folder, "world")
        if worlds.peer_folder():
            python = repeats.python_with("rasterio", "netCDF4", "scipy", "yaml", "pyproj")
            repeats.run([python, os.path.join(worlds.peer_folder(), "make_world.py"), "--out", self.whole, "--km", km])
        else:
            repeats.run([fluxtile, "simulate", os.path.join(repeats.SOURCE, "configs/worlds/demo.yaml"), "--out", self.whole,
                         "--set", "size_km=%d" % km, "--set", "period.spinup=0", "--set", "grid.tile=256", "--set",
                         "gpp.gaps=0"])
        shutil.copytree(self.whole, self.folder, copy_function=shutil.copy2)
        self.config = os.path.join(self.folder, "run.yaml")
        self.climate = {}

    def show(self, days, revised=None):
        """Lets the first days of the year be there; those from `revised` on with other values."""
        for path in sorted(glob.glob(os.path.join(self.whole, "gpp", "*.tif"))):
            name = os.path.basename(path)
            there = os.path.join(self.folder, "gpp", name)
            first = int(os.path.splitext(name)[0][-3:]) - 1
            if first < days and not os.path.exists(there):
                shutil.copy2(path, there)
            if first >= days and os.path.exists(there):
                os.remove(there)
        for path in sorted(glob.glob(os.path.join(self.whole, "climate", "*.nc"))):
            there = os.path.join(self.folder, "climate", os.path.basename(path))
            if self.climate.get(there) != (days, revised):
                cut_climate(path, there, days, revised)
                self.climate[there] = (days, revised)


def cut_climate(source, target, days, revised):
    """The first days of a daily NetCDF file; stored numbers are one more from the day `revised` on."""
    os.remove(target)
    with netCDF4.Dataset(source) as a, netCDF4.Dataset(target, "w", format=a.data_model) as b:
        time = next(name for name in a.dimensions if name in ("day", "time"))
        b.setncatts({name: a.getncattr(name) for name in a.ncattrs()})
        for name, dimension in a.dimensions.items():
            b.createDimension(name, days if name == time else len(dimension))
        for name, variable in a.variables.items():
            attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
            fill = attributes.pop("_FillValue", None)
            copy = b.createVariable(name, variable.datatype, variable.dimensions, zlib=True, fill_value=fill)
            copy.setncatts(attributes)
            for each in (variable, copy):
                each.set_auto_maskandscale(False)
            if time not in variable.dimensions:
                copy[...] = variable[...]
                continue
            values = variable[:days]
            if revised is not None and variable.ndim == 3:
                values[revised:][values[revised:] != fill] += 1
            copy[:] = values


def run(fluxtile, config, out, threads):
    """One more night into `out`; what it cost."""
    wall, cpu, peak, _ = repeats.timed([
        fluxtile, "run", config, "--threads", threads, "--progress", "off", "--log-level", "error",
        "--allow-synthetic-model", "--set", "outputs.directory=" + out, "--set", "period.end=latest"])
    with open(os.path.join(out, ".fluxtile", "last-run.json")) as f:
        last = json.load(f)
    stages = last["stage_thread_s"]
    return {"tiles_s": sum(stages.values()), "infer_s": stages.get("infer", 0.0), "cpu_s": cpu, "wall_s": wall,
            "pixel_days": last["pixel_days"], "stages": stages}


def same_products(a, b):
    names = [n for n in sorted(os.listdir(b)) if n.endswith((".tif", ".nc", ".qml", ".csv", "stac.json"))]
    if not names or any(not filecmp.cmp(os.path.join(a, n), os.path.join(b, n), shallow=False) for n in names):
        return False
    return True


def measure(build, km, threads, count, cases, check, done, progress=lambda text: None):
    """Calls `done` with each case's name, runs, and whether its products are those of a full run (None: not looked at)."""
    fluxtile = os.path.join(build, "pipeline/fluxtile")
    folder = tempfile.mkdtemp(prefix="new-days-")
    out, before, fresh = (os.path.join(folder, name) for name in ("out", "before", "fresh"))
    try:
        world = World(folder, km, fluxtile)
        world.show(365)
        runs = []
        for repeat in range(count):
            progress("full year, %d of %d" % (repeat + 1, count))
            shutil.rmtree(fresh, ignore_errors=True)
            runs.append(run(fluxtile, world.config, fresh, threads))
        done("full year", runs, None)
        day = 0
        for name in sorted(cases, key=lambda case: CASES[case][0]):
            start, end, revised = CASES[name]
            world.show(start)
            if day != start:
                progress("%s: until day %d" % (name, start))
                run(fluxtile, world.config, out, threads)
            day = start
            shutil.rmtree(before, ignore_errors=True)
            shutil.copytree(out, before, copy_function=shutil.copy2)
            world.show(end, revised)
            runs = []
            for repeat in range(count):
                progress("%s, %d of %d" % (name, repeat + 1, count))
                shutil.rmtree(out)
                shutil.copytree(before, out, copy_function=shutil.copy2)
                os.sync()  # what the night before left is on the disk by now
                runs.append(run(fluxtile, world.config, out, threads))
            same = None
            if check:
                progress("%s: all days, to compare" % name)
                shutil.rmtree(fresh, ignore_errors=True)
                run(fluxtile, world.config, fresh, threads)
                same = same_products(out, fresh)
            done(name, runs, same)
            if revised is not None:  # go on from the values that were first there
                shutil.rmtree(out)
                shutil.move(before, out)
            else:
                day = end
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--build", default=os.path.join(repeats.SOURCE, "build/release"))
    ap.add_argument("--km", type=int, default=64)
    ap.add_argument("--threads", type=int, default=1)
    ap.add_argument("--repeats", type=int, default=3)
    ap.add_argument("--cases", default=",".join(CASES))
    ap.add_argument("--no-check", dest="check", action="store_false")
    ap.add_argument("--json", help="write the figures to this file too")
    a = ap.parse_args()
    cases = a.cases.split(",")
    if any(case not in CASES for case in cases):
        ap.error("cases are " + ", ".join(CASES))
    print("%d km, %s, %d thread(s), median of %d" % (a.km, worlds.kind(), a.threads, a.repeats))
    print("| case | cell-days | tiles s | networks s | share of a full year | bar | cpu s | wall s | same bytes |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    rows, year, failed = {}, {}, []

    def done(name, runs, same):
        rows[name] = {"runs": runs, "same": same}
        m = {key: repeats.summary([one[key] for one in runs])["median"]
             for key in ("tiles_s", "infer_s", "cpu_s", "wall_s", "pixel_days")}
        if not year:
            year.update(m)
        share, bar = m["tiles_s"] / year["tiles_s"], BARS.get(name)
        if same is False or (bar is not None and share > bar):
            failed.append(name)
        print("| %s | %d | %.2f | %.2f | %.4f | %s | %.1f | %.1f | %s |" % (
            name, m["pixel_days"], m["tiles_s"], m["infer_s"], share, "" if bar is None else "1/%d" % round(1 / bar),
            m["cpu_s"], m["wall_s"], {True: "yes", False: "NO", None: ""}[same]), flush=True)
        if a.json:
            with open(a.json, "w") as f:
                json.dump(rows, f, indent=1)

    measure(a.build, a.km, a.threads, a.repeats, cases, a.check, done, lambda text: print(text, file=sys.stderr, flush=True))
    if failed:
        print("not as it should be: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
