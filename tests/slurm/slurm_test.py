#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a small world over the shards of a real Slurm cluster on this machine while nodes die, time runs out, jobs are
preempted and cancelled, and compares the products with those of one process.

  tests/slurm/slurm_test.py --fluxtile build/release/pipeline/fluxtile             the short form, as in CTest
  tests/slurm/slurm_test.py --fluxtile build/release/pipeline/fluxtile --rounds 5 --larger 3 --seed 1   the long form

Exit code 0: all as it should be, 1: not, 77: this machine has no Slurm and cannot get it (skipped).
"""
import argparse
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]
import cluster as loopback  # noqa: E402
from trial import Failed, Trial, check, digests, exit_on_signals, install_packages, leave, tile_years  # noqa: E402

SHARDS = 8


class Test(Trial):
    def __init__(self, options, folder):
        # Slurm and bash shall not see anything in these characters.
        super().__init__(options.fluxtile, folder / "a world's $HOME %j")
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.cluster = None

    # -- fluxtile

    def submit(self, out, *options, shards=SHARDS):
        outcome = self.fluxtile(*self.words("submit", out, "--engine", "slurm", "--shards", str(shards), "--json",
                                            "--memory", "500MB", "--", *options))
        return json.loads(outcome.stdout)

    def batch(self, out):
        return next((self.place / out / ".fluxtile" / "batch").iterdir())

    def logs(self, out):
        return {path.name: path.read_text(errors="replace") for path in (self.batch(out) / "logs").iterdir()}

    def tile_years(self, out):
        return tile_years(self.place / out)

    def prepare_world(self):
        if self.options.world:
            shutil.copytree(self.options.world, self.config.parent)
            self.add_members(self.options.members)
        else:
            self.make_world(8 * self.options.larger, self.options.members)

    # -- what must always hold

    def check_nothing_left(self, out):
        parts = [str(path) for path in (self.place / out).rglob("*.part")]
        check(not parts, f"half-written files are left: {parts}")
        self.fluxtile(*self.words("clean", out))
        noted = [path.name for path in (self.place / out / ".fluxtile" / "running").glob("*")]
        check(not noted, f"runs that are none are noted: {noted}")
        left = [process for process in self.cluster.descendants() if process.name != "slurmstepd"]
        check(not left, "processes are left: " + ", ".join(process.command() for process in left))

    def finish(self, jobs, out, seconds=240):
        """Waits for both jobs; all shards and the merge must have succeeded."""
        tasks = self.cluster.wait_ended(jobs["array_job"], seconds)
        merge = self.cluster.wait_ended(jobs["merge_job"], 120)[0]
        for job in tasks + [merge]:
            check(job["JobState"] == "COMPLETED" and job["ExitCode"] == "0:0",
                  f"job {job['JobId']} is {job['JobState']}, {job['ExitCode']}\n" + self.all_logs(out))
        self.check_products(out)
        self.check_nothing_left(out)
        return tasks

    def all_logs(self, out):
        return "\n".join(f"== {name}\n{text[-2000:]}" for name, text in sorted(self.logs(out).items()))

    def wait_busy(self, jobs, nodes=4):
        """Until so many shards run and have something that a kill can take from them."""
        self.cluster.until(lambda: len(self.cluster.running(jobs["array_job"])) >= nodes, 60, f"{nodes} shards run")

    # -- the phases

    def node_lost(self, out):
        with self.phase("a node dies") as facts:
            jobs = self.submit(out)
            self.wait_busy(jobs)
            self.cluster.until(lambda: self.tile_years(out) >= 4, 60, "the first tile-years")
            time.sleep(self.random.uniform(0, 2))
            victim = self.random.choice(self.cluster.running(jobs["array_job"]))
            node = victim["NodeList"]
            before = self.tile_years(out)
            killed = self.cluster.kill_node(node)
            tasks = self.finish(jobs, out)
            again = [task for task in tasks if int(task["Restarts"]) > 0]
            check([task["ArrayTaskId"] for task in again] == [victim["ArrayTaskId"]],
                  f"run again: {[task['ArrayTaskId'] for task in again]}, not {victim['ArrayTaskId']}")
            check(again[0]["NodeList"] != node, "the shard was run again on the dead node")
            check(f"due to failure of node {node}" in self.cluster.control_log(), "Slurm did not notice the node")
            facts += [f"{node} with {killed} processes killed at {before} tile-years",
                      f"shard {victim['ArrayTaskId']} requeued to {again[0]['NodeList']}", "merged, same bytes"]
            self.cluster.start_node(node)
            self.cluster.until(lambda: self.cluster.idle_nodes() == 4, 60, "the node is back")

    def time_and_preemption(self, out):
        with self.phase("time limit and preemption") as facts:
            # slurmctld looks at time limits every 30 s. A warning 52 s before a limit of 60 s comes at the first look.
            self.cluster.wait_look_at_time_limits(before=9)
            jobs = self.submit(out, "--time=1", "--signal=B:USR1@52", "--partition=low")
            self.wait_busy(jobs)
            time.sleep(self.random.uniform(0.5, 1.5))
            rival = subprocess.run(
                ["sbatch", "--parsable", "--partition=high", "--nodes=2", "--exclusive", "--time=1", "--job-name=rival",
                 "--output=/dev/null", "--wrap", "exec sleep 4"], capture_output=True, text=True, check=True).stdout.strip()
            tasks = self.finish(jobs, out)
            check(self.cluster.wait_ended(rival, 30)[0]["JobState"] == "COMPLETED", "the rival job did not run")
            again = {name: text.count("will be run again") for name, text in self.logs(out).items()}
            warned = sum(again.values())
            restarts = sum(int(task["Restarts"]) for task in tasks)
            preempted = len(re.findall(rf"preempted JobId={jobs['array_job']}_\d+.*has been requeued",
                                       self.cluster.control_log()))
            check(warned > 0, "no shard was warned of its time limit\n" + self.all_logs(out))
            check(preempted > 0, "no shard was preempted")
            check(restarts == warned + preempted, f"{restarts} restarts, {warned} after a warning, {preempted} preempted")
            stopped = sum(text.count("stopped by signal") for text in self.logs(out).values())
            facts += [f"{warned} times out of time, {preempted} preempted, {restarts} restarts",
                      f"{stopped} orderly stops", "merged, same bytes"]

    def cancelled(self, out):
        with self.phase("cancelled, submitted again") as facts:
            jobs = self.submit(out)
            self.wait_busy(jobs)
            self.cluster.until(lambda: self.tile_years(out) >= 4, 60, "the first tile-years")
            subprocess.run(["scancel", jobs["array_job"]], check=True)
            tasks = self.cluster.wait_ended(jobs["array_job"], 60)
            check({task["JobState"] for task in tasks} == {"CANCELLED"},
                  f"cancelled shards are {sorted(task['JobState'] for task in tasks)}")
            merge = self.cluster.wait_ended(jobs["merge_job"], 60)[0]
            check(merge["ExitCode"] == "65:0", f"the merge of an incomplete run ended with {merge['ExitCode']}")
            said = self.logs(out)[f"{jobs['merge_job']}_merge.log"]
            check(re.search(r"\d+ of \d+ tiles are not done", said) and re.search(r"found: +missing \w+/c", said),
                  f"the merge does not say what is missing:\n{said}")
            check(not digests(self.place / out), "an incomplete run left products")
            # What was cancelled comes back neither by Slurm nor by its own script.
            time.sleep(7)
            check(not self.cluster.ask("squeue", "--noheader").strip(), "a cancelled shard came back")
            self.check_nothing_left(out)
            kept = self.tile_years(out)
            facts += ["8 shards stay cancelled", f"merge: exit code 65, {kept} tile-years kept"]
            again = self.submit(out)
            check(again["plan"] == jobs["plan"], "another plan")
            check(0 < again["tiles_to_do"] <= again["tiles"], f"tiles to do: {again['tiles_to_do']}")
            self.finish(again, out)
            facts.append(f"again: {again['shards_to_do']} shards, {again['tiles_to_do']} of {again['tiles']} tiles, "
                         "merged, same bytes")
            nothing = self.submit(out)
            check(nothing["array_job"] is None and nothing["merge_job"] is None, f"submitted again: {nothing}")
            check(not self.cluster.ask("squeue", "--noheader").strip(), "a job of nothing")
            facts.append("a third time: nothing to submit")

    def refusals(self, out):
        with self.phase("refusals") as facts:
            more = ("--engine", "slurm", "--shards")
            said = self.fluxtile(*self.words("submit", out, *more, "1002"), code=64).stderr
            check("MaxArraySize" in said and "1001" in said, said)
            said = self.fluxtile(*self.words("submit", out, *more, "8", "--", "--partition=none"), code=64).stderr
            check("nothing was submitted" in said and "invalid partition" in said, said)
            check(not self.cluster.ask("squeue", "--noheader").strip(), "a refused run left a job")
            script = self.fluxtile(*self.words("submit", "nowhere", *more, "8", "--dry-run")).stdout
            check("sbatch --parsable" in script and "--dependency=afterany:ARRAY_JOB" in script, script)
            check(not (self.place / "nowhere").exists(), "--dry-run wrote something")
            facts += ["too many shards", "a partition that is none", "--dry-run writes nothing"]

    def run(self):
        with self.phase("cluster of 4 nodes"):
            self.cluster.start()
        with self.phase("world") as facts:
            self.prepare_world()
            files = sum(1 for path in self.config.parent.rglob("*") if path.is_file())
            facts.append(f"{files} files")
        with self.phase("single process") as facts:
            self.run_alone("single")
            facts.append(f"{self.tile_years('single')} tile-years, {len(self.expected)} products")
        for number in range(self.options.rounds):
            mark = f" {number + 1}" if self.options.rounds > 1 else ""
            for name, phase in (("node", self.node_lost), ("time", self.time_and_preemption),
                                ("cancel", self.cancelled)):
                phase(f"out {name}{mark}")
                shutil.rmtree(self.place / f"out {name}{mark}")
        self.refusals("out refused")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fluxtile", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=1, help="times that every fault is tried")
    parser.add_argument("--larger", type=int, default=1, help="side of the world in units of 8 km")
    parser.add_argument("--world", help="folder of a world that `fluxtile simulate` wrote earlier")
    parser.add_argument("--members", type=int, default=5, help="models that run on every cell")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--warn-before-preemption", action="store_true",
                        help="a cluster that sends USR1 before it preempts (preempt_send_user_signal)")
    parser.add_argument("--keep", action="store_true", help="leave the folder where it is")
    return parser.parse_args()


def main():
    options = arguments()
    exit_on_signals()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fluxtile-slurm-"))
    test, code, left = Test(options, folder), 1, []
    try:
        if os.geteuid() != 0 or not install_packages(
                loopback.PROGRAMS, loopback.PACKAGES, folder / "packages.log"):
            print("skipped: no Slurm here, and it cannot be installed; as root on Debian: apt-get install "
                  "--no-install-recommends " + " ".join(loopback.PACKAGES))
            return 77
        print(f"seed {options.seed}, {folder}", flush=True)
        (folder / "cluster").mkdir()
        # Of its own, so that what lies there in the end was left by this test and by no neighbour.
        temporary = folder / "tmp"
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        test.cluster = loopback.Cluster(folder / "cluster", warn_before_preemption=options.warn_before_preemption)
        try:
            test.run()
            code = 0
        finally:
            begin = time.monotonic()
            left = test.cluster.stop()
            test.rows.append(("stop", time.monotonic() - begin, "ok" if not left else "FAILED", "; ".join(left)))
        own = [name for name in os.listdir(temporary) if "fluxtile" in name]
        if left or own:
            print(f"FAILED: left behind: {left + own}")
            code = 1
    except (Failed, RuntimeError, subprocess.SubprocessError) as failure:
        print(f"FAILED: {failure}", flush=True)
        code = 1
    finally:
        print(test.table(), flush=True)
        leave(folder, options.keep or code == 1)
    return code


if __name__ == "__main__":
    sys.exit(main())
