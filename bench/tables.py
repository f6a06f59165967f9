#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks and writes their tables into docs/performance.md.

    cmake --preset release -DFLUXTILE_BENCH=ON && cmake --build --preset release
    python3 bench/tables.py                    # everything, three repeats: half an hour on two cores
    python3 bench/tables.py --quick            # small worlds, two repeats: some minutes
    python3 bench/tables.py --only engines,plain --repeats 5
    python3 bench/tables.py --only engines --print     # the tables on stdout, the page stays as it is

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; what was measured, with which command, on what and when
is written under it. The table `bars` gathers what each section is held to; a section that is not run keeps its rows.
$FLUXTILE_PEER names the folder of make_world.py and peer.py; without it worlds come from `fluxtile simulate` and there is
no comparison of whole runs with Python. A part whose program was not built says so and is left out.
"""
import argparse
import datetime
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import compare_peer
import compare_pytorch
import fluxtile_run
import repeats
import scaling
import worlds

PAGE = os.path.join(repeats.SOURCE, "docs/performance.md")
BUSY = 0.2                 # cores at work before a section; more means that other work disturbs what is timed
UNTIMED = ("accuracy",)
PACKAGES = sorted(glob.glob(os.path.join(repeats.SOURCE, "examples/models/demo-*")))


class Missing(Exception):
    """Something that a section needs is not there."""


class Section:
    """What one section found: lines of a table, and the bars that it decides."""

    def __init__(self):
        self.lines, self.bars = [], []

    def table(self, *heads):
        if self.lines:
            self.lines.append("")
        self.row(*heads)
        self.row(*["---"] * len(heads))

    def row(self, *cells):
        self.lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")

    def note(self, text):
        self.lines += ["", text]

    def bar(self, what, wanted, measured, met):
        self.bars.append((what, wanted, measured, "yes" if met else "**no**"))


def number(value, digits=0):
    return format(value, ",.%df" % digits)


def spread(values, digits=0, unit=""):
    """Median and range."""
    s = values if isinstance(values, dict) else repeats.summary(values)
    return "%s%s (%s-%s)" % (number(s["median"], digits), unit, number(s["low"], digits), number(s["high"], digits))


def ratio(value):
    return "%.2f" % value


# ------------------------------------------------------------------ what the sections read
def program(c, name):
    path = os.path.join(c.build, name)
    if not os.path.exists(path):
        raise Missing("%s is not built (-DFLUXTILE_BENCH=ON)" % name)
    return path


def rates(c, pattern):
    """(benchmark, threads, other settings) -> pixel-years a second, GFLOP/s and pixel-years a CPU second of the repeats."""
    found = {}
    for name, runs in repeats.google_benchmark(program(c, "bench/engine_bench"), pattern, c.repeats, c.min_time).items():
        words = [word for word in name.split("/") if "time" not in word]
        threads = next((int(word[8:]) for word in words if word.startswith("threads:")), 1)
        entry = {"GFLOP/s": [run.get("GFLOP/s", 0) for run in runs], "rate": [run.get("pixel-years/s", 0) for run in runs]}
        entry["rate_cpu"] = [run["pixel-years/s"] * run["real_time"] / run["cpu_time"] for run in runs if "pixel-years/s" in run]
        found[words[0], threads, " ".join(word for word in words[1:] if not word.startswith("threads:"))] = entry
    return found


def median(values):
    return repeats.summary(values)["median"]


def thread_counts(c):
    return list(dict.fromkeys([1, c.threads]))


# ------------------------------------------------------------------ sections
def engines(c):
    """kgml-ag-c beside the peak of the multiply-add units."""
    found, s = rates(c, "^BM_(FusedEngine|TorchEngine|MultiplyAddPeak)/"), Section()
    s.table("threads", "`torch`, pixel-years/s", "`fused`, pixel-years/s", "`fused`, GFLOP/s", "peak, GFLOP/s",
            "share of the peak", "`fused`, pixel-years a CPU second", "share of a thread's peak")
    one = median(found["BM_MultiplyAddPeak", 1, ""]["GFLOP/s"])
    for threads in thread_counts(c):
        fused, torch = found["BM_FusedEngine", threads, ""], found["BM_TorchEngine", threads, ""]
        peak = found["BM_MultiplyAddPeak", threads, ""]["GFLOP/s"]
        share = 100 * median(fused["GFLOP/s"]) / median(peak)
        of_cpu = share * median(fused["rate_cpu"]) * median(peak) / (median(fused["rate"]) * one)
        s.row(threads, spread(torch["rate"]), spread(fused["rate"]), spread(fused["GFLOP/s"], 1), spread(peak, 1),
              "**%.0f %%**" % share, spread(fused["rate_cpu"]), "%.0f %%" % of_cpu)
    s.bar("`fused` on `kgml-ag-c`: share of the multiply-add peak, %d threads" % c.threads, "80 %",
          "%.0f %% (%.0f %% by CPU seconds)" % (share, of_cpu), share >= 80)
    return s


def plain(c):
    """Two-layer GRU and LSTM beside torch and oneDNN."""
    found, s = rates(c, "^BM_(Fused|Torch|OneDnn)(Gru|Lstm)(Network)?/"), Section()
    s.table("network", "threads", "`torch`, pixel-years/s", "oneDNN, its best setting", "`fused`, the network alone", "`fused`, whole engine",
            "network alone / oneDNN", "by CPU seconds", "whole engine / oneDNN", "whole engine / `torch`")
    for kind, name in (("Gru", "gru"), ("Lstm", "lstm")):
        for threads in thread_counts(c):
            alone, whole, torch = (found[one + kind + of, threads, ""] for one, of in
                                   (("BM_Fused", "Network"), ("BM_Fused", ""), ("BM_Torch", "")))
            faster = lambda value, other, of="rate": ratio(median(value[of]) / median(other[of]))
            dnn = {key[2]: entry for key, entry in found.items() if key[:2] == ("BM_OneDnn" + kind, threads)}
            cells = ["-"] * 4
            if dnn:
                setting, best = max(dnn.items(), key=lambda item: median(item[1]["rate"]))
                thrifty = max(dnn.values(), key=lambda entry: median(entry["rate_cpu"]))
                words = dict(word.split(":") for word in setting.split())
                shown = "%s, batch %s, %s days a call%s" % (spread(best["rate"]), words["batch"], words["days"],
                                                            ", OpenMP" if words["shared"] == "1" else "")
                by_cpu = faster(alone, thrifty, "rate_cpu")
                cells = [shown, "**%s**" % faster(alone, best), by_cpu, faster(whole, best)]
                if name == "gru" and threads == c.threads:
                    s.bar("`fused` against oneDNN's lbr_gru, GRU of two layers, %d threads" % threads, "1.3", "%s (%s by CPU seconds; "
                          "with inputs and sums %s)" % (faster(alone, best), by_cpu, faster(whole, best)), float(faster(alone, best)) >= 1.3)
            s.row(name, threads, spread(torch["rate"]), cells[0], spread(alone["rate"]), spread(whole["rate"]), *cells[1:],
                  faster(whole, torch))
    if not any(key[0].startswith("BM_OneDnn") for key in found):
        s.note("oneDNN was not at hand when engine_bench was built.")
    return s


def pytorch(c):
    """kgml-ag-c in Python."""
    styles = (("tuned",), ("default",)) if c.quick else (("tuned",), ("default",), ("default", "--batch", "64"))
    found = compare_pytorch.measure(program(c, "bench/engine_bench"), c.threads, 1024 if c.quick else 2048, c.repeats, styles,
                                    c.progress)
    names = {"fused": "`fused`", "tuned": "PyTorch, tuned: a Python thread a core, each with one PyTorch thread, batches of 64",
             "default": "PyTorch, its own threads, batches of 1024", "default --batch 64": "PyTorch, its own threads, batches of 64"}
    s = Section()
    s.table("network run by", "pixel-years/s", "`fused` is faster by")
    for name, rate in found.items():
        faster = found["fused"]["median"] / rate["median"]
        s.row(names[name], spread(rate), "" if name == "fused" else "**%s**" % ratio(faster))
        if name in ("tuned", "default"):
            wanted = 2.5 if name == "tuned" else 10
            s.bar("`fused` against PyTorch, %s" % ("tuned" if name == "tuned" else "its own threads"), ratio(wanted), ratio(faster),
                  faster >= wanted)
    return s


def accuracy_rows(c, precision, names):
    text = repeats.run([program(c, "bench/accuracy"), "--json", "--precision", precision, "--cells", 32 if c.quick else 128] + names)
    return json.loads(text)


def accuracy(c):
    """fp32 beside float64 and torch."""
    rows, s = accuracy_rows(c, "fp32", ["kgml-ag-c", "gru", "lstm"] + PACKAGES), Section()
    s.table("package", "flux", "`fused`: error of z, mean, rms, max", "`torch`: mean, rms, max", "ratio of means", "of rms", "of max",
            "`fused` - `torch`: max of z", "annual sums")
    errors = lambda of: "%.1e, %.1e, %.1e" % (of["mean"], of["rms"], of["max"])
    for row in rows:
        fused, torch, between = row["fused"], row["torch"], row["fused_against_torch"]
        s.row(row["package"], row["flux"], errors(fused), errors(torch), *(ratio(fused[k] / torch[k]) for k in ("mean", "rms", "max")),
              "%.1e" % between["max"], "%.1e" % between["annual"])
    worst = lambda value, chosen: max(value(row) for row in chosen)
    random = [row for row in rows if row["package"].startswith("random")]
    trained = [row for row in rows if row not in random]
    for kind, chosen, of in (("random weights", random, "rms"), ("trained packages", trained, "mean")):
        if chosen:
            value = worst(lambda row: row["fused"][of] / row["torch"][of], chosen)
            s.bar("error (%s) of `fused` / of `torch` against float64, worst flux, %s" % (of, kind), "1.5", ratio(value), value <= 1.5)
    for kind, chosen in (("random weights", random), ("trained packages", trained)):
        if chosen:
            value = worst(lambda row: row["fused_against_torch"]["max"], chosen)
            own = worst(lambda row: row["torch"]["max"], chosen)
            s.bar("`fused` - `torch`, z, largest, %s" % kind, "1e-5", "%.1e" % value +
                  ("" if value <= 1e-5 else " (an engine without rounding would be %.1e from `torch`)" % own), value <= 1e-5)
    value = worst(lambda row: row["fused_against_torch"]["annual"], rows)
    s.bar("`fused` - `torch`, annual sums, share of the sum of daily values", "1e-5", "%.1e" % value, value <= 1e-5)
    return s


def bf16(c):
    """Products in bfloat16."""
    found, s = rates(c, "^BM_FusedEngine(Bf16)?/"), Section()
    s.table("threads", "fp32, pixel-years/s", "bf16, pixel-years/s", "bf16 / fp32")
    for threads in thread_counts(c):
        fp32, half = found["BM_FusedEngine", threads, ""], found.get(("BM_FusedEngineBf16", threads, ""))
        if not half:
            raise Missing("the engine has no bf16 on this machine")
        s.row(threads, spread(fp32["rate"]), spread(half["rate"]), "**%s**" % ratio(median(half["rate"]) / median(fp32["rate"])))
    s.table("package", "flux", "error of z, rms, max", "error of annual sums, share of the sum of daily values, worst cell")
    for row in accuracy_rows(c, "bf16", PACKAGES):
        s.row(row["package"], row["flux"], "%.1e, %.1e" % (row["fused"]["rms"], row["fused"]["max"]), "%.1e" % row["fused"]["annual"])
    return s


def run(c):
    """Whole runs beside a Python pipeline."""
    program(c, "pipeline/fluxtile")
    s = Section()
    results = [compare_peer.measure(c.build, km, 1, c.repeats, c.threads, c.progress) for km in ((16,) if c.quick else (16, 64))]
    s.table("world", "", "fluxtile (range)", "Python (range)", "ratio")
    for r in results:
        first = "%d km, %s cells" % (r["km"], number(r["cells"]))
        for key, label, digits, unit in (("wall_s", "wall, whole command", 2, " s"), ("cpu_s", "CPU", 2, " s"),
                                         ("pixel_years_per_s", "pixel-years/s over the tiles", 0, "")):
            other = r.get("peer")
            s.row(first, label, spread(r["fluxtile"][key], digits, unit), spread(other[key], digits, unit) if other else "-",
                  "**%s**" % ratio(r["ratio"][key]) if other else "-")
            first = ""
    s.table("world", "`run`, whole command", "the same cells in the engine alone", "wall / engine", "stages, share of thread seconds")
    for r in results:
        total = sum(r["stages"].values())
        stages = ", ".join("%s %.1f %%" % (name, 100 * t / total) for name, t in sorted(r["stages"].items(), key=lambda i: -i[1]))
        model = r["pixel_years"] / r["engine_pixel_years_per_s"]["median"]
        s.row("%d km" % r["km"], "%.2f s" % r["fluxtile"]["wall_s"]["median"], "%.2f s" % model, "**%s**" % ratio(r["wall_to_model"]), stages)
    last = results[-1]
    if "ratio" in last:
        s.bar("`run` against the Python pipeline, wall, %d km" % last["km"], "2.4", ratio(last["ratio"]["wall_s"]), last["ratio"]["wall_s"] >= 2.4)
    s.bar("wall of `run` / the engine alone, %d km" % last["km"], "1.15", ratio(last["wall_to_model"]), last["wall_to_model"] <= 1.15)
    return s


def growth(c):
    """Threads, area, years."""
    program(c, "pipeline/fluxtile")
    kms, years = ([8, 16], [1, 2]) if c.quick else ([16, 32, 64], [1, 2, 4])
    rows, s = scaling.measure(c.build, scaling.settings_of(thread_counts(c), kms, years), c.repeats, (), c.progress), Section()
    s.table("world", "years", "threads", "pixel-years", "wall (range)", "CPU", "pixel-years/s, whole command", "peak resident")
    for row in rows:
        s.row("%d km" % row["km"], row["years"], row["threads"], number(row["pixel_years"]), spread(row["wall_s"], 2, " s"),
              number(row["cpu_s"]["median"], 2) + " s", number(row["pixel_years"] / row["wall_s"]["median"]),
              number(row["peak_bytes"]["median"] / 1e6) + " MB")
    return s


def memory(c):
    """Peak memory over area and years."""
    program(c, "pipeline/fluxtile")
    pairs = [((16, 1), (32, 1)), ((8, 1), (8, 4))] if c.quick else [((64, 1), (128, 1)), ((24, 1), (24, 10))]
    settings = [(km, years, c.threads) for pair in pairs for km, years in pair]
    rows = scaling.measure(c.build, settings, 1, ("--memory", "2GB"), c.progress)
    s = Section()
    s.table("world", "years", "cells", "peak resident", "promised", "wall")
    for row in rows:
        s.row("%d km" % row["km"], row["years"], number(row["cells"]), number(row["peak_bytes"]["median"] / 1e6) + " MB",
              number(row["promised_bytes"] / 1e6) + " MB", number(row["wall_s"]["median"], 1) + " s")
    for (small, large), what in zip(((rows[0], rows[1]), (rows[2], rows[3])), ("area", "years")):
        grown = large["peak_bytes"]["median"] / small["peak_bytes"]["median"]
        s.bar("peak memory: %s" % ("%d km / %d km" % (large["km"], small["km"]) if what == "area" else
                                   "%d years / %d" % (large["years"], small["years"])), "1.05", ratio(grown), grown <= 1.05)
    return s


def raster(c):
    """The raster side alone beside gdalwarp."""
    program(c, "bench/raster_side")
    s = Section()
    with tempfile.TemporaryDirectory(prefix="raster-table-") as folder:
        config = worlds.make(folder, 16 if c.quick else 64, 1, program(c, "pipeline/fluxtile"))
        figures = os.path.join(folder, "figures.json")
        repeats.run([sys.executable, os.path.join(repeats.FOLDER, "raster_bench.py"), "--build", c.build, "--config", config, "--repeats",
                     c.repeats, "--threads", c.threads, "--json", figures])
        with open(figures) as f:
            found = json.load(f)
    s.table("raster side", "aligned cells", "wall (range)", "CPU", "million cells/s")
    for name, rows in found["rows"].items():
        s.row(name, number(rows[0][0]), spread([row[1] for row in rows], 2, " s"), number(median([row[2] for row in rows]), 2) + " s",
              number(found["rate"][name] / 1e6, 2))
    rate = found["rate"]
    for name in ("gdalwarp, a call a raster", "gdalwarp, stacked"):
        faster = rate["fluxtile, tiles"] / rate[name]
        s.bar("raster side against %s" % name, "1.5", ratio(faster), faster >= 1.5)
    return s


def timeline(c):
    """A picture of one run."""
    fluxtile, s = program(c, "pipeline/fluxtile"), Section()
    picture = os.path.join(os.path.dirname(PAGE), "images/timeline.svg")
    with tempfile.TemporaryDirectory(prefix="timeline-") as folder:
        config = worlds.make(folder, 16, 1, fluxtile)
        row = fluxtile_run.timed_run(fluxtile, config, os.path.join(folder, "out"), c.threads, "--set", "grid.tile=32",
                                     "--timeline", os.path.join(folder, "timeline.svg"))
        if not c.print:
            shutil.copyfile(os.path.join(folder, "timeline.svg"), picture)
    s.lines = ["![What each thread did during a run](images/timeline.svg)", "",
               "%s cells in tiles of 32, %.2f s of wall-clock time." % (number(row["cells"]), row["wall_s"])]
    return s


SECTIONS = {"engines": engines, "plain": plain, "pytorch": pytorch, "accuracy": accuracy, "bf16": bf16, "run": run,
            "scaling": growth, "memory": memory, "raster": raster, "timeline": timeline}


# ------------------------------------------------------------------ the page
def machine(build):
    """Processor, cores and compiler in words."""
    with open("/proc/cpuinfo") as f:
        text = f.read()
    model = re.search(r"^model name\s*: (.*)$", text, re.M)
    family = re.search(r"^cpu family\s*: (\d+)\nmodel\s*: (\d+)", text, re.M)
    vectors = "AVX-512" if " avx512f" in text else "AVX2" if " avx2" in text else "no AVX2"
    compiler = ""
    for path in glob.glob(os.path.join(build, "CMakeFiles/*/CMakeCXXCompiler.cmake")):
        with open(path) as f:
            found = dict(re.findall(r'set\((CMAKE_CXX_COMPILER_ID|CMAKE_CXX_COMPILER_VERSION) "(.*?)"\)', f.read()))
        compiler = ", %s %s" % (found.get("CMAKE_CXX_COMPILER_ID", ""), found.get("CMAKE_CXX_COMPILER_VERSION", ""))
    return "%d cores, %s%s, %s%s" % (os.cpu_count(), model.group(1) if model else "unknown processor",
                                     " (family %s, model %s)" % family.groups() if family else "", vectors, compiler)


def cores_at_work(seconds=2.0):
    """How many cores are busy while this waits; a load average still remembers the section before."""
    def ticks():
        with open("/proc/stat") as f:
            fields = [int(word) for word in f.readline().split()[1:9]]
        return sum(fields) - fields[3] - fields[4]         # all but idle and iowait
    before = ticks()
    time.sleep(seconds)
    return (ticks() - before) / os.sysconf("SC_CLK_TCK") / seconds


def footer(c, name, load):
    commit = subprocess.run(["git", "-C", repeats.SOURCE, "rev-parse", "--short", "HEAD"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            text=True).stdout.strip()
    words = ["python3 bench/tables.py", "--only " + name] + (["--quick"] if c.quick else []) + ["--repeats %d" % c.repeats]
    return ["", "`%s`, %s, %s%s. Cores at work before it: %.1f%s." % (
        " ".join(words), datetime.date.today().isoformat(), machine(c.build), ", commit " + commit if commit else "", load,
        "; other work was running, so absolute figures are low" if load > BUSY and name not in UNTIMED else "")]


def replace(page, name, lines):
    """The page with a table's lines exchanged."""
    begin, end = "<!-- table: %s -->" % name, "<!-- end -->"
    at = page.find(begin)
    if at < 0:
        raise Missing("docs/performance.md has no table " + name)
    return page[:at + len(begin)] + "\n" + "\n".join(lines) + "\n" + page[page.index(end, at):]


def with_bars(page, bars):
    """The page's table of bars with these rows in it: one with the same first words is replaced, others stay."""
    begin = page.index("<!-- table: bars -->")
    old = [line for line in page[begin:page.index("<!-- end -->", begin)].splitlines() if line.startswith("| ")][2:]
    key = lambda line: re.sub(r"\d+", "", line.split("|")[1]).strip()
    rows = {key(line): line for line in old}
    for bar in bars:
        line = "| " + " | ".join(bar) + " |"
        rows[key(line)] = line
    return replace(page, "bars", ["| what | bar | measured | met |", "| --- | --- | --- | --- |", *rows.values()])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--only", help="sections, of: " + ", ".join(SECTIONS))
    ap.add_argument("--quick", action="store_true", help="small worlds, two repeats; no memory section")
    ap.add_argument("--repeats", type=int)
    ap.add_argument("--threads", type=int, default=os.cpu_count())
    ap.add_argument("--build", default=os.path.join(repeats.SOURCE, "build/release"))
    ap.add_argument("--print", action="store_true", help="write the tables to stdout instead of the page")
    c = ap.parse_args()
    c.repeats = c.repeats or (2 if c.quick else 3)
    c.min_time = 0.5 if c.quick else 1.0
    c.progress = lambda text: print("    " + text, file=sys.stderr)
    names = c.only.split(",") if c.only else [name for name in SECTIONS if not (c.quick and name == "memory")]
    unknown = [name for name in names if name not in SECTIONS]
    if unknown:
        ap.error("no section %s; there are %s" % (unknown[0], ", ".join(SECTIONS)))
    failed = False
    for name in names:
        print(name, file=sys.stderr)
        load = cores_at_work()
        try:
            section = SECTIONS[name](c)
        except (Missing, RuntimeError) as reason:
            print("  left out: %s" % reason, file=sys.stderr)
            failed = True
            continue
        lines = section.lines + footer(c, name, load)
        if load > BUSY and name not in UNTIMED:
            section.bars = [(what, wanted, measured + ", beside other work", met) for what, wanted, measured, met in section.bars]
        if c.print:
            print("\n".join(["## " + name, ""] + lines + [""] + ["%s: %s (bar %s), met: %s" % bar for bar in
                                                              [(b[0], b[2], b[1], b[3]) for b in section.bars]]) + "\n")
            continue
        with open(PAGE) as f:
            page = f.read()
        page = with_bars(replace(page, name, lines), section.bars)
        with open(PAGE + ".part", "w") as f:
            f.write(page)
        os.replace(PAGE + ".part", PAGE)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
