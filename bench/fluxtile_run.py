# SPDX-License-Identifier: Apache-2.0
"""One timed `fluxtile run`."""
import json
import os
import shutil

import repeats


def timed_run(fluxtile, config, out, threads, *options):
    """Runs a configuration from nothing into `out`. Wall, CPU seconds and peak bytes are those of the whole command,
    `record` is its run.json."""
    shutil.rmtree(out, ignore_errors=True)
    wall, cpu, peak, _ = repeats.timed([fluxtile, "run", config, "--threads", threads, "--progress", "off", "--log-level",
                                        "error", "--allow-synthetic-model", "--set", "outputs.directory=" + out, *options])
    with open(os.path.join(out, "run.json")) as f:
        record = json.load(f)
    timings = record["timings"]
    return {"wall_s": wall, "cpu_s": cpu, "peak_bytes": peak, "pixel_years": timings["pixel_years"],
            "pixel_years_per_s": timings["pixel_years_per_s"], "tiles_s": timings["tiles_s"],
            "cells": record["cells"]["modelled"], "stages": timings["stage_thread_s"],
            "promised_bytes": record["memory"]["promised_bytes"], "identity": record.get("engine")}


def columns(rows, *names):
    """name -> summary over the runs."""
    return {name: repeats.summary([row[name] for row in rows]) for name in names}
