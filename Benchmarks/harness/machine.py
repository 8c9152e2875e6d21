"""Processes, clocks and counters of this machine. Linux only; nothing outside the standard library."""

import ctypes
import os
import platform
import resource
import signal
import socket
import subprocess
import time
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """Something that makes the measurement worthless; the message says what."""


def raise_descriptor_limit() -> int:
    """Raises the soft limit of open files to the hard one and returns it; children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def spawn(arguments, core, **options) -> subprocess.Popen:
    """Starts a process pinned to one core; it gets SIGTERM when this one dies, whatever kills it."""

    def prepare():
        os.sched_setaffinity(0, {core})
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)

    return subprocess.Popen([str(a) for a in arguments], preexec_fn=prepare, **options)


def stop(process: subprocess.Popen, grace: float = 5) -> None:
    """Asks the process to end, and kills it by its id if it has not after `grace` seconds."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(grace)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def family(pid: int) -> list:
    """The process and its descendants: an nginx master and its worker."""
    pids = [pid]
    for parent in pids:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
    return pids


def cpu_seconds(pids) -> float:
    """CPU time of the processes with all their threads, ended ones included, in the scheduler's nanosecond resolution.

    This is the clock of clock_getcpuclockid(3), the sum of what /proc/PID/task/*/schedstat shows; the tick-based
    utime and stime of /proc/PID/stat are too coarse for a second's run.
    """
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def resident_bytes(pids) -> int:
    """Resident memory; pages that processes share are counted in each."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                total += int(line.split()[1]) * 1024
    return total


def core_times(core: int) -> tuple:
    """Busy and total ticks of a core since boot. Stolen time counts as busy: it was not there to be used."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            ticks = [int(f) for f in fields[:8]]
            return sum(ticks) - ticks[3] - ticks[4], sum(ticks)
    raise BenchError(f"no core {core}")


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int, path: str) -> bool:
    """Whether GET of the path gets a 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def wait_until_ready(process: subprocess.Popen, port: int, limit: float = 10) -> None:
    """Polls GET /ready in a tight loop until it is 200."""
    deadline = time.monotonic() + limit
    while not answers(port, "/ready"):
        if process.poll() is not None:
            raise BenchError(f"{process.args[0]} ended with {process.returncode} instead of getting ready")
        if time.monotonic() > deadline:
            raise BenchError(f"{process.args[0]} was not ready after {limit} s")


def description() -> str:
    """What kind of machine this is, in one line."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    virtual = "hypervisor" in Path("/proc/cpuinfo").read_text()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    kernel = ".".join(platform.release().split("-")[0].split(".")[:2])
    kind = "virtual machine" if virtual else "machine"
    return f"{kind}, {os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {kernel}"
