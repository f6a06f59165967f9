#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a small world on two machines that share a folder over the network while they and the server of the folder fail,
and compares the products with those of one process on a local disk.

  tests/shared_folder/shared_folder_test.py --build build/release               as in CTest; some 3 minutes on 2 cores
  tests/shared_folder/shared_folder_test.py --build build/release --all         with two runs at once and a server that fails
  tests/shared_folder/shared_folder_test.py --build build/release --all --stale 30    the same, caches up to 30 s late

Exit code 0: all as it should be, 1: not, 77: not to be had here (root, FUSE and GlusterFS; skipped).
"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "shared")]
import machines  # noqa: E402
from machines import Machine, NotToBeHad, Server, wait_until  # noqa: E402
from trial import Failed, Trial, check, exit_on_signals, install_packages, leave, tile_years  # noqa: E402

SHARDS = 6
DEAD_AFTER = 8  # seconds that a lock's counter stands still


class Test(Trial):
    def __init__(self, options, folder):
        super().__init__(str(options.build / "pipeline" / "fluxtile"), folder / "shared")
        self.options, self.folder = options, folder
        self.random = random.Random(options.seed)
        self.place.mkdir()
        self.server = Server(folder / "server")
        self.machines = [Machine(name, folder, self.place, self.server, options.stale) for name in ("anne", "bert")]

    # -- commands on machines

    def begin(self, machine, verb, out, *more):
        if verb == "run":
            more = ("--progress", "off", "--threads", "1", *more)
        return machine.begin([self.program, *self.words(verb, out, *more)], {"FLUXTILE_LOCK_DEAD_AFTER": str(DEAD_AFTER)})

    def end(self, command, *codes, what):
        code = command.wait()
        check(code in codes, f"{what}: exit code {code}, not {' or '.join(map(str, codes))}\n{command.said()}")
        return code

    def until_done(self, machine, out, what):
        """A run, again as long as it says that it should be run again; how often it was run."""
        for count in range(1, 31):
            if self.end(self.begin(machine, "run", out), 0, 75, what=what) == 0:
                return count
            time.sleep(1)
        raise Failed(f"{what}: 75 thirty times")

    # -- what must always hold

    def on_disk(self, out):
        return self.server.disk / out

    def check_same(self, out):
        """The server's disk holds the right bytes, and both machines say so once their caches are old."""
        self.check_bytes(self.on_disk(out))
        time.sleep(self.options.stale + 0.5)
        for machine in self.machines:
            command = machine.begin([self.program, "verify", str(self.place / out)])
            self.end(command, 0, what=f"verify on {machine.name}")

    def merging(self, out):
        """Whether products are being made beside the old ones."""
        return any((self.on_disk(out) / ".fluxtile" / "products").glob("*/*"))

    # -- the phases

    def prepare(self):
        with self.phase("a shared folder") as facts:
            self.server.start()
            for machine in self.machines:
                machine.start()
            facts.append(f"2 machines, names and attributes up to {self.options.stale} s late")
        with self.phase("world, single process") as facts:
            local = Trial(self.program, self.folder / "local")
            local.make_world(8, self.options.members)
            local.run_alone("single")
            self.expected = local.expected
            copy = self.machines[0].begin(["cp", "-r", str(self.folder / "local" / "world"), str(self.place)])
            self.end(copy, 0, what="copying the world to the shared folder")
            facts.append(f"{tile_years(self.folder / 'local' / 'single')} tile-years, {len(self.expected)} products")

    def lock_tests(self):
        with self.phase("tests of the lock") as facts:
            program = self.options.build / "tests" / "pipeline" / "run_lock_tests"
            command = self.machines[0].begin([str(program)], {"TEST_TMPDIR": str(self.place) + "/"})
            self.end(command, 0, what="run_lock_tests in the shared folder")
            facts.append(command.said().strip().splitlines()[-1].strip("[ ]"))

    def shards(self, out):
        with self.phase("a machine dies") as facts:
            anne, bert = self.machines

            def begin(machine, shard):
                return self.begin(machine, "run", out, "--shard", f"{shard}/{SHARDS}")

            begin(anne, 0)
            lives = begin(bert, 1)
            wait_until(lambda: tile_years(self.on_disk(out)) >= 4, 120, "the first tile-years")
            time.sleep(self.random.uniform(0, 1))
            anne.kill()
            before = tile_years(self.on_disk(out))
            self.end(lives, 0, what="a shard on the machine that lives")
            anne.start()
            for shard in range(0, SHARDS, 2):  # the dead machine's shards, by both of them and at once
                for command in [begin(anne, shard), begin(bert, shard)]:
                    self.end(command, 0, what=f"shard {shard}")
            for shard in range(3, SHARDS, 2):
                self.end(begin(bert, shard), 0, what=f"shard {shard}")
            facts += [f"at {before} tile-years", f"{SHARDS} shards, 3 of them on both machines at once"]
            two = [self.begin(machine, "merge", out) for machine in self.machines]
            for command in two:
                self.end(command, 0, what="two merges at once")
            waited = sum("waiting for `merge`" in command.said() for command in two)
            self.check_same(out)
            facts += [f"two merges at once, {waited} waited", "same bytes"]

    def frozen_owner(self, out):
        with self.phase("an owner freezes") as facts:
            anne, bert = self.machines
            self.forget_products(out)
            frozen = self.begin(anne, "run", out)
            wait_until(lambda: self.merging(out), 120, "the first product")
            frozen.send(signal.SIGSTOP)
            begin = time.monotonic()
            follower = self.begin(bert, "run", out)
            self.end(follower, 0, what="the machine that follows")
            seconds = time.monotonic() - begin
            check("took over the lock" in follower.said(), f"nothing was taken over:\n{follower.said()}")
            frozen.send(signal.SIGCONT)
            self.end(frozen, 75, what="the owner that was frozen")
            check("taken over by `run` of bert" in frozen.said(), f"it does not name who followed:\n{frozen.said()}")
            self.check_same(out)
            facts += [f"followed and done after {seconds:.0f} s", "it ends with 75 and names who followed", "same bytes"]

    def dead_owner(self, out):
        with self.phase("an owner's machine dies") as facts:
            anne, bert = self.machines
            self.forget_products(out)
            self.begin(anne, "run", out)
            wait_until(lambda: self.merging(out), 120, "the first product")
            anne.kill()
            begin = time.monotonic()
            follower = self.begin(bert, "run", out)
            self.end(follower, 0, what="the machine that follows")
            facts.append(f"followed and done after {time.monotonic() - begin:.0f} s")
            anne.start()
            self.check_same(out)
            facts.append("same bytes")

    def both_from_scratch(self, out):
        with self.phase("two runs at once") as facts:
            for _ in range(self.options.rounds):
                shutil.rmtree(self.on_disk(out), ignore_errors=True)
                time.sleep(self.options.stale + 0.5)
                two = [self.begin(machine, "run", out) for machine in self.machines]
                codes = [self.end(command, 0, 75, what="two runs at once") for command in two]
                check(0 in codes, f"both ended with 75:\n{two[0].said()}\n{two[1].said()}")
                again = [self.until_done(machine, out, "again") for machine in self.machines]
                self.check_same(out)
                facts.append(f"{codes[0]}, {codes[1]}, then 0 after {again[0]}, {again[1]} times")
            facts.append("same bytes")

    def hanging_server(self, out):
        with self.phase("the server hangs") as facts:
            shutil.rmtree(self.on_disk(out), ignore_errors=True)
            time.sleep(self.options.stale + 0.5)
            command = self.begin(self.machines[0], "run", out)
            wait_until(lambda: tile_years(self.on_disk(out)) >= 2, 120, "the first tile-years")
            self.server.freeze(10)
            wait_until(lambda: self.merging(out) or command.ended(), 120, "the first product")
            self.server.freeze(10)
            self.end(command, 0, what="a run whose server hung for 10 s, twice")
            self.check_same(out)
            facts += ["10 s while tiles run, 10 s in the merge", "waited for, exit code 0, same bytes"]

    def lost_server(self, out):
        with self.phase("the server dies") as facts:
            for moment in ("tiles", "products"):
                shutil.rmtree(self.on_disk(out), ignore_errors=True)
                time.sleep(self.options.stale + 0.5)
                command = self.begin(self.machines[0], "run", out)
                if moment == "tiles":
                    wait_until(lambda: tile_years(self.on_disk(out)) >= 2, 120, "the first tile-years")
                else:
                    wait_until(lambda: self.merging(out), 120, "the first product")
                time.sleep(self.random.uniform(0, 0.5))
                self.server.kill()
                time.sleep(self.random.uniform(1, 3))
                self.end(command, 75, what=f"the server died while {moment} were made")
                said = command.said()
                check("not connected" in said or "I/O error" in said, f"the cause is not told:\n{said}")
                check("disappeared" not in said and "taken over" not in said, f"a wrong cause is told:\n{said}")
                self.server.start()
                again = self.until_done(self.machines[0], out, "once the server is back")
                self.check_same(out)
                facts.append(f"while {moment} are made: 75, done {again} commands later")
            facts.append("same bytes")

    def forget_products(self, out):
        """So that the next run has products to make; the tiles stay."""
        for path in self.on_disk(out).iterdir():
            if path.is_file():
                path.unlink()
        time.sleep(self.options.stale + 0.5)

    def run(self):
        self.prepare()
        self.lock_tests()
        self.shards("out")
        self.frozen_owner("out")
        self.dead_owner("out")
        if not self.options.all:
            return
        self.both_from_scratch("out")
        self.hanging_server("out")
        self.lost_server("out")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--all", action="store_true", help="the long form")
    parser.add_argument("--stale", type=int, default=1, help="seconds that a client keeps names and attributes")
    parser.add_argument("--rounds", type=int, default=3, help="times that two runs start at once")
    parser.add_argument("--members", type=int, default=3, help="models that run on every cell")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", action="store_true", help="leave the folder where it is")
    return parser.parse_args()


def main():
    options = arguments()
    exit_on_signals()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fluxtile-shared-"))
    code, test = 1, None
    try:
        if os.geteuid() != 0 or not os.path.exists("/dev/fuse") or not install_packages(
                machines.PROGRAMS, machines.PACKAGES, folder / "packages.log"):
            print("skipped: needs root, /dev/fuse and GlusterFS; on Debian: apt-get install --no-install-recommends "
                  + " ".join(machines.PACKAGES))
            return 77
        print(f"seed {options.seed}, {folder}", flush=True)
        test = Test(options, folder)
        test.run()
        code = 0
    except NotToBeHad as reason:
        print(f"skipped: {reason}", flush=True)
        code = 77
    except (Failed, OSError, subprocess.SubprocessError) as failure:
        print(f"FAILED: {failure}", flush=True)
    finally:
        if test:
            for machine in test.machines:
                machine.kill()
            test.server.kill()
            print(test.table(), flush=True)
        leave(folder, options.keep or code == 1)
    return code


if __name__ == "__main__":
    sys.exit(main())
