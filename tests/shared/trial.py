# SPDX-License-Identifier: Apache-2.0
"""What the trials over several machines share: a small world with as much work as wanted, its products' bytes, phases
with a time and an outcome each, and packages that a trial needs.
"""
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PRODUCTS = ("*.tif", "*.qml", "*.nc", "*_summary.csv", "*.stac.json")


class Failed(Exception):
    pass


def check(fact, message):
    if not fact:
        raise Failed(message)


def digests(folder):
    """SHA-256 of each product by its name."""
    found = {}
    for pattern in PRODUCTS:
        for path in folder.glob(pattern):
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def tile_years(out):
    """How many tile-years lie under an output folder."""
    return len(list((out / ".fluxtile" / "tiles").rglob("*.tile-year")))


def path_of(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def install_packages(programs, packages, log):
    """Debian packages, where this user may install them; True when all programs are there afterwards."""
    def missing():
        return [program for program in programs if path_of(program) is None]

    if not missing():
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    wait = ["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]
    with open(log, "ab") as out:
        for words in (["apt-get", *wait, "update", "-qq"],
                      ["apt-get", *wait, "install", "-y", "-qq", "--no-install-recommends", *packages]):
            subprocess.run(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=environment, check=False)
    return not missing()


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def exit_on_signals():
    """Signals end a trial by SystemExit, so that everything is stopped and removed."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda got, _: sys.exit(128 + got))


def leave(folder, keep):
    """Removes the folder of a trial, or says where it is."""
    if keep:
        print(f"kept: {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)


class Trial:
    """A world in `place`, the products that one process makes of it, and a table of what was tried."""

    def __init__(self, fluxtile, place):
        self.program, self.place = fluxtile, place
        self.config = place / "world" / "run.yaml"
        self.rows = []
        self.expected = {}

    def fluxtile(self, *words, code=0):
        outcome = subprocess.run([self.program, *words], capture_output=True, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL)
        check(outcome.returncode == code,
              f"fluxtile {' '.join(words)}: exit code {outcome.returncode}, not {code}\n{outcome.stderr}")
        return outcome

    def words(self, verb, out, *more):
        return (verb, str(self.config), "--set", f"outputs.directory={self.place / out}", *more)

    def make_world(self, size_km, members):
        """A world of `size_km` with two years, in which so many models run on every cell: as much work as wanted for the
        same few rasters.
        """
        self.fluxtile("simulate", str(SOURCE / "configs/worlds/test.yaml"), "--out", str(self.config.parent),
                      "--set", f"size_km={size_km}", "--set", "grid.tile=8", "--set", "period.years=2",
                      "--log-level", "warn")
        self.add_members(members)

    def add_members(self, count):
        models = self.config.parent / "models"
        packages = sorted(path.name for path in models.iterdir())
        members = [f"member-{k}" for k in range(count)]
        for k, member in enumerate(members):
            shutil.copytree(models / packages[k % len(packages)], models / member)
        text = self.config.read_text()
        block = re.search(r"^models:\n(?:  .*\n)+", text, re.M).group(0)
        regions = ", ".join(f"{name}: [{', '.join(members)}]" for name in ("North", "East", "South"))
        self.config.write_text(text.replace(block, f"models:\n  directory: models\n  regions: {{{regions}}}\n"))

    def run_alone(self, out):
        """The products of a single process, which all others must be equal to."""
        self.fluxtile(*self.words("run", out, "--threads", "2", "--progress", "off", "--log-level", "warn"))
        self.expected = digests(self.place / out)
        check(len(self.expected) >= 15, f"only {len(self.expected)} products")

    def check_bytes(self, folder):
        """The products in a folder are those of the single process."""
        found = digests(folder)
        check(found == self.expected,
              "products differ from the single process: " + ", ".join(
                  sorted(name for name in set(found) | set(self.expected)
                         if found.get(name) != self.expected.get(name))))

    def check_products(self, out):
        self.check_bytes(self.place / out)
        self.fluxtile("verify", str(self.place / out))

    @contextlib.contextmanager
    def phase(self, name):
        facts = []
        begin = time.monotonic()
        try:
            yield facts
        except Failed as failure:
            self.rows.append((name, time.monotonic() - begin, "FAILED", "; ".join(facts)))
            raise Failed(f"{name}: {failure}") from None
        self.rows.append((name, time.monotonic() - begin, "ok", "; ".join(facts)))
        print(f"{name:<26} {time.monotonic() - begin:6.1f} s  {'; '.join(facts)}", flush=True)

    def table(self):
        lines = ["", "| what | seconds | outcome | seen |", "|---|---|---|---|"]
        lines += [f"| {name} | {seconds:.1f} | {outcome} | {facts} |" for name, seconds, outcome, facts in self.rows]
        lines.append(f"| all | {sum(row[1] for row in self.rows):.1f} | | |")
        return "\n".join(lines)
