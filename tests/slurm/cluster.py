# SPDX-License-Identifier: Apache-2.0
"""A real Slurm cluster on this machine: slurmctld and some slurmd on the loopback address, in a folder of its own.

Debian's Slurm is built with multiple-slurmd, so that every node is one slurmd with a name and a port of its own; no
name spaces, cgroups or host names are needed. Everything that is started is a descendant of this process, which takes
in orphans (PR_SET_CHILD_SUBREAPER): so nothing is ever looked for by its name, and nothing is left behind.
"""
import ctypes
import datetime
import os
import pathlib
import secrets
import signal
import socket
import subprocess
import time

from trial import free_ports, path_of

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "scontrol", "scancel", "squeue", "sinfo", "munged")
PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge")
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "DEADLINE", "BOOT_FAIL"}
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
LIBC = ctypes.CDLL(None, use_errno=True)


class Process:
    """One entry of /proc."""

    def __init__(self, pid):
        self.pid = pid
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace")
        rest = text[text.rindex(")") + 2:].split()
        self.state, self.parent = rest[0], int(rest[1])
        self.name = text[text.index("(") + 1:text.rindex(")")]

    def environment(self):
        try:
            return pathlib.Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return []

    def command(self):
        try:
            return pathlib.Path(f"/proc/{self.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""


def all_processes():
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                found[int(entry)] = Process(int(entry))
            except (OSError, ValueError):
                pass  # ended meanwhile
    return found


def kill(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Cluster:
    def __init__(self, folder, nodes=4, warn_before_preemption=False):
        self.folder = pathlib.Path(folder)
        self.names = [f"n{k}" for k in range(1, nodes + 1)]
        self.conf = self.folder / "slurm.conf"
        self.daemons = {}
        self.warn_before_preemption = warn_before_preemption
        os.environ["SLURM_CONF"] = str(self.conf)
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        for name in list(os.environ):  # of a job that this may run in
            if name.startswith("SBATCH_") or (name.startswith("SLURM_") and name != "SLURM_CONF"):
                del os.environ[name]
        if LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl")

    # -- starting and stopping

    def write_configuration(self):
        folder = self.folder
        for name in ("state", "spool", "log"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        key = folder / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        host = socket.gethostname().split(".")[0]
        control, *ports = free_ports(1 + len(self.names))
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        share = min(8000, memory * 9 // 10 // len(self.names))
        nodes = "\n".join(f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory={share}"
                          for name, port in zip(self.names, ports))
        everyone = f"n[1-{len(self.names)}]"
        warning = "SlurmctldParameters=preempt_send_user_signal" if self.warn_before_preemption else ""
        grace = 15 if self.warn_before_preemption else 0
        user = "root" if os.geteuid() == 0 else os.environ.get("USER", str(os.geteuid()))
        self.conf.write_text(f"""ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={control}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CryptoType=crypto/munge
# cred_expire also sets how long a requeued job is held
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmctldDebug=debug2
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
DefMemPerCPU=100
MaxArraySize=1001
MinJobAge=3600
PropagateResourceLimits=NONE
ReturnToService=2
SlurmdTimeout=10
KillWait=20
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=2,sched_interval=2,sched_min_interval=100000,batch_sched_delay=0
{warning}
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={folder}/log/jobs.txt
{nodes}
PartitionName=low Nodes={everyone} Default=YES MaxTime=60 PriorityTier=1 GraceTime={grace} PreemptMode=REQUEUE
PartitionName=high Nodes={everyone} MaxTime=60 PriorityTier=2 PreemptMode=OFF
""")
        # Even without cgroups slurmd loads one of the two plugins.
        if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
            (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v2\nIgnoreSystemd=yes\n")
        else:
            (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")

    def spawn(self, name, words):
        def before():
            LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            os.setsid()
        with open(self.folder / "log" / f"{name}.out", "ab") as out:
            self.daemons[name] = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                  preexec_fn=before)

    def start(self):
        self.write_configuration()
        munge = self.folder / "munge.socket"
        self.spawn("munged", [path_of("munged"), "--foreground", "--force", f"--key-file={self.folder}/munge.key",
                              f"--socket={munge}", f"--pid-file={self.folder}/munged.pid",
                              f"--seed-file={self.folder}/munged.seed", f"--log-file={self.folder}/log/munged.log"])
        self.until(munge.exists, 10, "munged")
        self.spawn("slurmctld", [path_of("slurmctld"), "-D", "-f", str(self.conf)])
        for name in self.names:
            self.start_node(name)
        self.until(lambda: self.idle_nodes() == len(self.names), 60, "all nodes are idle")

    def start_node(self, name):
        (self.folder / "spool" / name).mkdir(exist_ok=True)
        self.spawn(name, [path_of("slurmd"), "-D", "-N", name, "-f", str(self.conf)])

    def until(self, there, seconds, what):
        end = time.monotonic() + seconds
        while not there():
            for name, daemon in self.daemons.items():
                if daemon.poll() is not None:
                    raise RuntimeError(f"{name} ended ({daemon.returncode}) while waiting for: {what}; see "
                                       f"{self.folder}/log")
            if time.monotonic() > end:
                raise RuntimeError(f"waited {seconds} s in vain for: {what}\n" + self.ask("squeue", "--states=all"))
            time.sleep(0.2)

    def stop(self):
        """Ends everything that this process started, daemons and jobs, and gives what had to be killed."""
        if "slurmctld" in self.daemons and self.daemons["slurmctld"].poll() is None:
            subprocess.run([path_of("scancel"), "--user", str(os.geteuid())], check=False, timeout=30,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            end = time.monotonic() + 15
            while time.monotonic() < end and self.ask("squeue", "--noheader").strip():
                time.sleep(0.2)
        for daemon in self.daemons.values():
            if daemon.poll() is None:
                daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(15)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self.daemons = {}
        left = self.descendants()
        for process in left:
            kill(process.pid, signal.SIGKILL)
        self.reap()
        return [f"{process.pid} {process.command() or process.name}" for process in left]

    # -- processes

    def reap(self):
        """Takes the exit status of orphans; daemons keep theirs."""
        own = {daemon.pid for daemon in self.daemons.values()}
        for process in all_processes().values():
            if process.parent == os.getpid() and process.state == "Z" and process.pid not in own:
                try:
                    os.waitpid(process.pid, os.WNOHANG)
                except ChildProcessError:
                    pass

    def descendants(self):
        """Living descendants of this process that are no daemons."""
        self.reap()
        processes = all_processes()
        daemons = {daemon.pid for daemon in self.daemons.values()}
        mine, found = {os.getpid()}, []
        grown = True
        while grown:
            grown = False
            for process in processes.values():
                if process.parent in mine and process.pid not in mine:
                    mine.add(process.pid)
                    grown = True
        control = self.daemons["slurmctld"].pid if "slurmctld" in self.daemons else None
        for pid in mine - {os.getpid()} - daemons:
            if processes[pid].state != "Z" and processes[pid].parent != control:  # slurmscriptd
                found.append(processes[pid])
        return found

    def processes_of_node(self, name):
        """Steps of a node and what they started."""
        processes = {process.pid: process for process in self.descendants()}
        of_node = set()
        for process in processes.values():
            if f"SLURMD_NODENAME={name}".encode() in process.environment():
                of_node.add(process.pid)
                if process.parent in processes:
                    of_node.add(process.parent)  # slurmstepd
        return of_node

    def kill_node(self, name):
        """The node is gone at once, as without power."""
        daemon = self.daemons.pop(name)
        pids = self.processes_of_node(name) | {daemon.pid}
        for pid in pids:
            kill(pid, signal.SIGSTOP)
        pids |= self.processes_of_node(name)
        for pid in pids:
            kill(pid, signal.SIGKILL)
        daemon.wait()
        self.reap()
        return len(pids)

    # -- asking

    def ask(self, program, *words):
        outcome = subprocess.run([path_of(program), *words], capture_output=True, text=True, errors="replace",
                                 stdin=subprocess.DEVNULL, timeout=60)
        return outcome.stdout if outcome.returncode == 0 else outcome.stdout + outcome.stderr

    def idle_nodes(self):
        names = self.ask("sinfo", "--noheader", "--Node", "--partition=low", "--states=idle", "--format=%N").split()
        return len(set(names) & set(self.names))

    def jobs(self, number):
        """What scontrol says of a job, one dictionary a task of an array."""
        found = []
        for line in self.ask("scontrol", "--oneliner", "show", "job", str(number)).splitlines():
            pairs = dict(word.split("=", 1) for word in line.split() if "=" in word)
            if "JobId" in pairs:
                found.append(pairs)
        return found

    def running(self, number):
        return [job for job in self.jobs(number) if job["JobState"] == "RUNNING"]

    def wait_ended(self, number, seconds):
        self.until(lambda: all(job["JobState"] in ENDED for job in self.jobs(number)), seconds, f"the end of job {number}")
        return self.jobs(number)

    def wait_look_at_time_limits(self, before, every=30):
        """Until so many seconds before slurmctld looks at time limits again, as it does every 30 s."""
        words = "Testing job time limits"

        def looks():
            return [line for line in self.control_log().splitlines() if words in line]
        self.until(looks, 70, words)
        last = datetime.datetime.fromisoformat(looks()[-1].split("]")[0].lstrip("["))
        wait = every - before - (datetime.datetime.now() - last).total_seconds()
        time.sleep(wait if wait >= 0 else wait + every)

    def control_log(self):
        return (self.folder / "log" / "slurmctld.log").read_text(errors="replace")
