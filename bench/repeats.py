# SPDX-License-Identifier: Apache-2.0
"""What the benchmark scripts share: programs that are run alternately, their medians and ranges."""
import json
import os
import statistics
import subprocess
import sys
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(FOLDER)


def python_with(*modules):
    """The first Python on this machine that can import `modules`; None if there is none."""
    for python in (os.environ.get("FLUXTILE_PYTHON"), sys.executable, "/usr/bin/python3", "python3"):
        if python:
            try:
                done = subprocess.run([python, "-c", "import " + ", ".join(modules)], stderr=subprocess.DEVNULL)
            except OSError:
                continue
            if done.returncode == 0:
                return python
    return None


def run(command, **options):
    """Standard output of a command that must succeed; its standard error is shown when it does not."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          **options)
    if done.returncode != 0:
        raise RuntimeError("%s: exit code %d\n%s" % (" ".join(map(str, command)), done.returncode, done.stderr[-2000:]))
    return done.stdout


def timed(command):
    """Wall seconds, CPU seconds, peak resident bytes and standard output of a command that must succeed."""
    begin = time.perf_counter()
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.perf_counter() - begin
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError("%s: exit code %d" % (" ".join(map(str, command)), child.returncode))
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, text


def last_json(text):
    return json.loads(text.strip().splitlines()[-1])


def google_benchmark(program, pattern, repeats, min_time, environment=None):
    """Runs the benchmarks that fit `pattern`, their repeats in random order: name -> list of counters of one repeat.
    Benchmarks that could not run are left out."""
    text = run([program, "--benchmark_filter=" + pattern, "--benchmark_format=json", "--benchmark_repetitions=%d" % repeats,
                "--benchmark_enable_random_interleaving=true", "--benchmark_min_time=%g" % min_time],
               env={**os.environ, **(environment or {})})
    results = {}
    for row in json.loads(text)["benchmarks"]:
        if row.get("run_type") == "iteration" and not row.get("error_occurred"):
            results.setdefault(row["run_name"], []).append(row)
    return results


def summary(values):
    """Median and range as numbers that can be written as JSON."""
    return {"median": statistics.median(values), "low": min(values), "high": max(values), "runs": len(values)}
