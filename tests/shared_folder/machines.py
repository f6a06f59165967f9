# SPDX-License-Identifier: Apache-2.0
"""Machines that share a folder over the network, all of them on this one: a GlusterFS server on the loopback address,
and machines that are name spaces of their own (host name, machine id, processes, mounts), each with a GlusterFS client.

Each client has caches of its own, as on real machines: what one machine writes another sees late, and may hold a file
for the one that was there before. Brick and clients are described by volume files, so that no daemon of GlusterFS and
no folder of the system is needed. Only the server's folder shows at once what is true.
"""
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time

from trial import Failed, free_ports, path_of

PROGRAMS = ("glusterfs", "glusterfsd", "setfattr")
PACKAGES = ("glusterfs-server", "glusterfs-client", "attr")

BRICK = """
volume posix
  type storage/posix
  option directory {folder}
  option volume-id {volume}
end-volume
volume locks
  type features/locks
  subvolumes posix
end-volume
volume brick
  type performance/io-threads
  subvolumes locks
end-volume
volume server
  type protocol/server
  option transport-type tcp
  option transport.socket.bind-address 127.0.0.1
  option transport.socket.listen-port {port}
  option auth.addr.brick.allow 127.0.0.1
  subvolumes brick
end-volume
"""
CLIENT = """
volume remote
  type protocol/client
  option transport-type tcp
  option remote-host 127.0.0.1
  option remote-port {port}
  option remote-subvolume brick
end-volume
volume distributed
  type cluster/distribute
  subvolumes remote
end-volume
volume behind
  type performance/write-behind
  subvolumes distributed
end-volume
volume cached
  type performance/md-cache
  option md-cache-timeout {seconds}
  subvolumes behind
end-volume
"""


class NotToBeHad(Exception):
    """This machine does not allow what is needed."""


def wait_until(fact, seconds, what):
    end = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def children(pid):
    """Numbers of the processes that `pid` started."""
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


class Server:
    """The machine that has the disk."""

    def __init__(self, folder):
        self.folder, self.disk = folder, folder / "disk"
        self.port, self.process = free_ports(1)[0], None
        self.disk.mkdir(parents=True)
        volume = secrets.token_hex(16)
        dashed = "-".join((volume[:8], volume[8:12], volume[12:16], volume[16:20], volume[20:]))
        (folder / "brick.vol").write_text(BRICK.format(folder=self.disk, volume=dashed, port=self.port))
        marked = subprocess.run([path_of("setfattr"), "-n", "trusted.glusterfs.volume-id", "-v", "0x" + volume,
                                 str(self.disk)], capture_output=True, text=True)
        if marked.returncode != 0:
            raise NotToBeHad("the file system keeps no trusted attributes: " + marked.stderr.strip())

    def start(self):
        self.process = subprocess.Popen(
            [path_of("glusterfsd"), "--no-daemon", "-f", str(self.folder / "brick.vol"), "-l",
             str(self.folder / "brick.log"), "-p", str(self.folder / "brick.pid")], stdin=subprocess.DEVNULL)
        wait_until(self.answers, 30, "the server answers")

    def answers(self):
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self, seconds):
        os.kill(self.process.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.process.pid, signal.SIGCONT)


class Command:
    """fluxtile on a machine."""

    def __init__(self, process, log):
        self.process, self.log = process, log

    def pid(self):
        """Its number outside of its machine: that of the child of nsenter."""
        found = children(self.process.pid)
        return found[0] if found else None

    def send(self, number):
        pid = self.pid()
        if pid is None:
            raise Failed(f"the command has ended before signal {number}:\n{self.said()}")
        os.kill(pid, number)
        if number == signal.SIGCONT:  # nsenter stops with its child
            os.kill(self.process.pid, number)

    def ended(self):
        return self.process.poll() is not None

    def wait(self, seconds=300):
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"the command did not end within {seconds} s:\n{self.said()}") from None

    def said(self):
        return self.log.read_text(errors="replace")


class Machine:
    """A machine with a name that has the shared folder at `place`."""

    def __init__(self, name, folder, place, server, seconds):
        self.name, self.folder, self.place = name, folder / name, place
        self.seconds, self.init, self.count = seconds, None, 0
        self.folder.mkdir()
        (self.folder / "machine-id").write_text(secrets.token_hex(16) + "\n")
        (self.folder / "client.vol").write_text(CLIENT.format(port=server.port, seconds=seconds))

    def start(self):
        script = ('set -e; mount --make-rprivate /; hostname "$1"; mount --bind "$2/machine-id" /etc/machine-id; '
                  '"$3" -f "$2/client.vol" -l "$2/client.log" --entry-timeout="$5" --attribute-timeout="$5" '
                  '--negative-timeout="$5" "$4"; for try in $(seq 200); do if mountpoint -q "$4"; then '
                  'echo up; exec sleep inf; fi; sleep 0.05; done')
        self.init = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", script, "bash",
             self.name, str(self.folder), path_of("glusterfs"), str(self.place), str(self.seconds)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        init = self.init
        if init.stdout.readline() != "up\n":
            self.kill()
            raise NotToBeHad(f"a machine of name spaces with a GlusterFS client does not start: "
                             f"{init.stderr.read().strip()} {self.client_log()}")

    def client_log(self):
        log = self.folder / "client.log"
        return log.read_text(errors="replace")[-500:] if log.exists() else ""

    def kill(self):
        """As when power fails: all its processes end at once, its client among them."""
        if self.init:
            for pid in children(self.init.pid) or [self.init.pid]:
                os.kill(pid, signal.SIGKILL)
            self.init.wait()
            self.init = None

    def begin(self, words, environment=None):
        self.count += 1
        log = self.folder / f"{self.count}.log"
        inside = children(self.init.pid)[0]
        with open(log, "wb") as out:
            process = subprocess.Popen(["nsenter", "-t", str(inside), "-m", "-u", "-p", *words], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out, env=dict(os.environ, **(environment or {})))
        return Command(process, log)
